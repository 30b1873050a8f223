"""With which code a command leaves, and what that means."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1
USAGE: Final = 2
NOT_REPRODUCED: Final = 3
INTERRUPTED: Final = 130
EXIT_CODES: Final = (
    "Exit codes: 0 done; 1 a run failed; 2 wrong usage or data; 3 a result was NOT_REPRODUCED; 130 interrupted."
)
