"""Where Keras computes, how precisely, and with what."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Mapping
from typing import Final

import keras

from harness.architectures import layers
from harness.interface import ImplementationError, Runtime
from harness.variant import Variant

PRECISIONS: Final = {"float32": "float32", "tf32": "float32", "mixed": "float32", "float64": "float64"}
"""Type of weights and pixels; `mixed` computes layers in bfloat16 between them."""
DISTRIBUTIONS: Final = {
    "jax": ("jax", "jaxlib"),
    "torch": ("torch",),
    "tensorflow": ("tensorflow-cpu", "tensorflow"),
}


def prepare(runtime: Runtime, variant: Variant) -> None:
    """Set up the process for a runtime.

    Raises:
        ImplementationError: If the device cannot be seen, or has no such precision.
    """
    backend = keras.backend.backend()
    if runtime.deterministic:
        _make_deterministic(backend)  # before anybody asks for a GPU, which starts XLA
    name = gpu_name()
    if runtime.device == "gpu" and name is None:
        raise ImplementationError(
            f"Keras {keras.__version__} on {backend} sees no GPU; use --device cpu "
            f"(pytest: --ferbench-device=cpu), or install {backend} with CUDA "
            "(`jax[cpu]` beside a CUDA build of torch is the usual trap)"
        )
    if runtime.device == "cpu" and name is not None:  # only on a GPU
        raise ImplementationError(
            f"Keras on {backend} would use {name}; hide it with CUDA_VISIBLE_DEVICES= for a run on the CPU"
        )
    if runtime.precision == "float64" and any(layer.kind == "batch-norm" for layer in layers(variant)):
        raise ImplementationError(
            f"{variant.name} has batch norms, which Keras {keras.__version__} computes in float32 whatever is "
            "asked; float64 is for networks without them, or for PyTorch"
        )
    _set_precision(backend, runtime)
    if runtime.threads is not None:
        _limit_threads(backend, runtime.threads)


def versions() -> Mapping[str, str]:
    """Return versions of the framework, the backend and the libraries of kernels, by name."""
    backend = keras.backend.backend()
    found = {"keras": keras.__version__, "backend": backend}
    for name in DISTRIBUTIONS[backend]:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def gpu_name() -> str | None:
    """Return the name of the GPU that the backend would use; None if it sees none."""
    match keras.backend.backend():
        case "jax":
            import jax

            return next((str(each.device_kind) for each in jax.devices() if each.platform == "gpu"), None)
        case "torch":
            import torch

            return torch.cuda.get_device_name() if torch.cuda.is_available() else None
        case _:
            import tensorflow

            found = tensorflow.config.list_physical_devices("GPU")[:1]
            details = tensorflow.config.experimental.get_device_details
            return next((str(details(each).get("device_name", each.name)) for each in found), None)


def is_out_of_memory(error: Exception) -> bool:
    """Return whether this error means that the device ran out of memory. XLA has a word for it, and no class."""
    return type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError") or "RESOURCE_EXHAUSTED" in str(error)


def peak_memory() -> int | None:
    """Return the peak of bytes that the backend's allocator held on the GPU; None if it does not count them."""
    if gpu_name() is None:
        return None
    match keras.backend.backend():
        case "jax":
            import jax

            # an allocator that XLA was told not to use (XLA_PYTHON_CLIENT_ALLOCATOR=platform) counts nothing
            return (jax.devices("gpu")[0].memory_stats() or {}).get("peak_bytes_in_use")
        case "torch":
            import torch

            return torch.cuda.max_memory_allocated()
        case _:
            import tensorflow

            return int(tensorflow.config.experimental.get_memory_info("GPU:0")["peak"])


def uses_xla() -> bool:
    """As Keras chooses, but for TensorFlow on a CPU: XLA's convolutions take twice as long there as its own do.

    Source: docs/explanation/backends.md, "What was tried".
    """
    backend = keras.backend.backend()
    return backend == "jax" or (backend == "tensorflow" and gpu_name() is not None)


def _set_precision(backend: str, runtime: Runtime) -> None:
    """TF32 and its like only where they are asked for: each backend has them on for some of its operations on GPUs."""
    if runtime.precision == "tf32" and runtime.device == "cpu":
        raise ImplementationError("a CPU has no TF32; choose --precision float32 or mixed, or --device gpu")
    is_allowed = runtime.precision in ("tf32", "mixed")
    keras.config.set_floatx(PRECISIONS[runtime.precision])
    keras.config.set_dtype_policy("mixed_bfloat16" if runtime.precision == "mixed" else keras.config.floatx())
    match backend:
        case "jax":
            import jax

            if runtime.precision == "float64":  # stays on: arrays that are float32 by name remain so
                jax.config.update("jax_enable_x64", True)
            jax.config.update("jax_default_matmul_precision", "tensorfloat32" if is_allowed else "highest")
        case "torch":
            import torch

            torch.backends.cuda.matmul.allow_tf32 = is_allowed
            torch.backends.cudnn.allow_tf32 = is_allowed
        case _:
            import tensorflow

            tensorflow.config.experimental.enable_tensor_float_32_execution(is_allowed)


def _limit_threads(backend: str, threads: int) -> None:
    match backend:
        case "torch":
            import torch

            torch.set_num_threads(threads)
        case "tensorflow":
            import tensorflow

            tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        case _:
            raise ImplementationError(
                f"Keras on {backend} has no setting for {threads} threads; start the run under `taskset` instead"
            )


def _make_deterministic(backend: str) -> None:
    match backend:
        case "jax":
            flag = "--xla_gpu_deterministic_ops=true"
            os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip()
        case "torch":
            import torch

            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True)
        case _:
            import tensorflow

            tensorflow.config.experimental.enable_op_determinism()
