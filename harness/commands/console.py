"""Where commands print."""

from __future__ import annotations

import os
import sys
from typing import Any

from rich.console import Console

out = Console() if sys.stdout.isatty() else Console(width=int(os.environ.get("COLUMNS") or 150))


def show(*parts: Any, **options: Any) -> None:
    """Print what rich can render."""
    out.print(*parts, **options)
