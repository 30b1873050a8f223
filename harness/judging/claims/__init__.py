"""Answers to a paper's claims in words, by runs and by its own figures; bands, beside this package, judge numbers."""
