"""Where the repository lies, and how tests start a Python of their own in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import harness

ROOT: Final = Path(harness.__file__).parents[1]


def environment() -> dict[str, str]:
    """This process' environment, in which modules of the repository are found from any folder."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
