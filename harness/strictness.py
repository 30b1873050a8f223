"""How data classes are read from files: a key that this version does not know is an error, not ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import ConfigDict

STRICT: Final[ConfigDict] = {"extra": "forbid"}
"""For `__pydantic_config__`; pydantic itself is imported where something is read."""
