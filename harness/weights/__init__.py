"""Pre-trained weights: where files lie, how they are read without a framework, canonical names; initial weights are
drawn in `architectures`.
"""
