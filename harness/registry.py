"""From the name of an implementation to the implementation, imported on first use; no other module names `impls`."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Final, Literal, cast, get_args

from harness.interface import Implementation, ImplementationError

ImplementationName = Literal["keras3", "pytorch"]
IMPLEMENTATIONS: Final[tuple[ImplementationName, ...]] = get_args(ImplementationName)
KerasBackend = Literal["jax", "torch", "tensorflow"]
KERAS_BACKENDS: Final[tuple[KerasBackend, ...]] = get_args(KerasBackend)
DEFAULT_KERAS_BACKEND: Final = "jax"
"""Independent of torch's kernels, which makes it the stricter partner in comparisons."""


def missing_framework(name: ImplementationName, keras_backend: KerasBackend | None) -> str | None:
    """Return the first package that an implementation needs and that is not installed; None if there is none."""
    needed = ["torch"] if name == "pytorch" else ["keras", keras_backend or choose_keras_backend()]
    return next((each for each in needed if importlib.util.find_spec(each) is None), None)


def choose_keras_backend(wanted: str | None = None) -> KerasBackend:
    """Return the backend for Keras: what is asked for, else KERAS_BACKEND, else JAX.

    Raises:
        ImplementationError: If there is no such backend.
    """
    backend = wanted or os.environ.get("KERAS_BACKEND") or DEFAULT_KERAS_BACKEND
    if backend not in KERAS_BACKENDS:
        raise ImplementationError(f"unknown Keras backend {backend!r}; the backends are {', '.join(KERAS_BACKENDS)}")
    return backend


def load_implementation(name: str, *, keras_backend: str | None = None) -> Implementation:
    """Import an implementation, and with it its framework.

    Args:
        name: One of `IMPLEMENTATIONS`.
        keras_backend: One of `KERAS_BACKENDS`, for `keras3`; see `choose_keras_backend`.

    Raises:
        ImplementationError: If the name is unknown, the framework is not installed, or Keras has
            already been imported on another backend (it reads it once a process).
    """
    if name not in IMPLEMENTATIONS:
        raise ImplementationError(
            f"unknown implementation {name!r}; the implementations are {', '.join(IMPLEMENTATIONS)}"
        )
    if name == "keras3":
        _prepare_keras(choose_keras_backend(keras_backend))
    try:
        module = importlib.import_module(f"impls.{name}.implementation")
    except ImportError as error:
        raise ImplementationError(
            f"{name} cannot be loaded: {error}; `pip install 'ferbench[cpu]'` brings what it needs"
        ) from error
    return cast(Implementation, module.IMPLEMENTATION)


def _prepare_keras(backend: str) -> None:
    if "keras" in sys.modules:
        running = sys.modules["keras"].backend.backend()
        if running != backend:
            raise ImplementationError(
                f"Keras already runs on {running} in this process; {backend} needs a process of its own"
            )
        return
    if backend == "tensorflow" and importlib.util.find_spec("triton"):
        # torch loads it when it first builds an optimizer, and crashes the process where TensorFlow's LLVM came before
        importlib.import_module("triton")
    os.environ["KERAS_BACKEND"] = backend
    # both would take nearly all of a GPU's memory at their start: a peak could not be told, nor another process live
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
