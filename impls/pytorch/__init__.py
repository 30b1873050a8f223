"""The variants in PyTorch: tensors alone; facts and decisions are the harness's."""
