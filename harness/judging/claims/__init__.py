"""A paper's claims in words, as predicates over samples of runs; numbers are judged by bands, beside this package."""
