"""From sound records to verdicts: comparability, bands, patterns, times and claims; nothing is trained, verified or
printed here.
"""
