"""Where PyTorch computes, how precisely, and with what."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

import torch

from harness.interface import ImplementationError, Runtime
from harness.variant import Variant

PRECISIONS: Final = {
    "float32": torch.float32,
    "tf32": torch.float32,
    "mixed": torch.float32,
    "float64": torch.float64,
}
"""Type of weights and pixels; `mixed` computes convolutions and products in bfloat16 between them."""


def prepare(runtime: Runtime, variant: Variant) -> None:
    """Set up the process for a runtime.

    Raises:
        ImplementationError: If the device cannot be seen, or has no such precision.
    """
    if runtime.device == "gpu" and gpu_name() is None:
        raise ImplementationError(
            f"PyTorch {torch.__version__} sees no GPU; use --device cpu "
            "(pytest: --ferbench-device=cpu), or install a CUDA build"
        )
    _set_precision(runtime)
    if runtime.threads is not None:
        torch.set_num_threads(runtime.threads)
    if runtime.deterministic:
        # read by cuBLAS when it is first used; without it the deterministic mode refuses matrix products on CUDA
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(runtime.deterministic)


def versions() -> Mapping[str, str]:
    """Return versions of the framework, the backend and the libraries of kernels, by name."""
    found = {"torch": str(torch.__version__)}
    if torch.cuda.is_available():  # only on a GPU
        found["cuda"] = str(torch.version.cuda)
        found["cudnn"] = str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call]
    return found


def gpu_name() -> str | None:
    """Return the name of the GPU that PyTorch would use; None if it sees none."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def is_out_of_memory(error: Exception) -> bool:
    """Return whether this error means that the device ran out of memory."""
    return isinstance(error, torch.OutOfMemoryError)


def peak_memory() -> int | None:
    """Return the peak of bytes that PyTorch's allocator held on the GPU; None if PyTorch sees no GPU."""
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


def _set_precision(runtime: Runtime) -> None:
    """TF32 only where it is asked for: cuDNN would use it for convolutions in any case."""
    if runtime.precision == "tf32" and runtime.device == "cpu":
        raise ImplementationError("a CPU has no TF32; choose --precision float32 or mixed, or --device gpu")
    is_allowed = runtime.precision in ("tf32", "mixed")
    torch.backends.cuda.matmul.allow_tf32 = is_allowed
    torch.backends.cudnn.allow_tf32 = is_allowed
