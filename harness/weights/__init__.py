"""Pre-trained weights: where they are, how they are read without a framework, what they are called here."""
