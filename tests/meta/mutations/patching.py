"""What all patches are made of."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from harness.interface import Batch

Patch = pytest.MonkeyPatch


def around(patch: Patch, owner: Any, name: str, change: Callable[..., Any]) -> None:
    """Let calls of a function or method go to `change`, which gets the original first."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def changed(*arguments: Any, **options: Any) -> Any:
        return change(original, *arguments, **options)

    patch.setattr(owner, name, changed)


def everywhere(patch: Patch, owner: Any, name: str, change: Callable[..., Any]) -> None:
    """As `around`, also under the same name in every module that has imported the function, tests included."""
    original = getattr(owner, name)
    holders = [module for module in list(sys.modules.values()) if vars(module).get(name) is original]
    around(patch, owner, name, change)
    for module in holders:
        patch.setattr(module, name, getattr(owner, name))


def change_batches(patch: Patch, model: Any, method: str, change: Callable[[Batch], Batch]) -> None:
    """Change each batch that a method of a model is given."""

    def call(original: Any, self: Any, batches: Sequence[Batch], **options: Any) -> Any:
        return original(self, [change(batch) for batch in batches], **options)

    around(patch, model, method, call)
