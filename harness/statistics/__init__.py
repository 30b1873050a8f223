"""Statistical methods: numbers in, numbers out. No paper, no record, no run; SciPy is imported when needed."""
