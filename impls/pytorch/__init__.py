"""The six variants in PyTorch."""
