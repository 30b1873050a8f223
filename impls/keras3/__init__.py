"""The variants in Keras 3, on any of its backends: tensors alone; facts and decisions are the harness's."""
