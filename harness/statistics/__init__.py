"""Statistical methods, numbers in and numbers out, with SciPy imported when needed; no paper, no record and no run."""
