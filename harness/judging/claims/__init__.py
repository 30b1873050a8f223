"""A paper's claims in words, as predicates over samples of runs."""
