"""What forecasts and predictions take for granted of machines that were not measured; all of it declared."""

from __future__ import annotations

from typing import Final

from harness.interval import Interval

UTILISATION: Final = Interval(0.2, 0.6)
"""Share of a GPU's nominal peak that a training step reaches. What convolutions in float32 reach on such a card was not
measured here."""
CLOCKED_SHARE: Final = Interval(0.15, 0.9)
"""Share of a clocked rate (a CPU's matrix products by NumPy, a GPU's calibrated convolution) that a training step
reaches. The best seen on a CPU is 0.86; batch norms and poolings, which are not counted, take the rest."""
STEP_OVERHEAD: Final = Interval(0.0, 0.02)
"""Seconds that a step takes besides its arithmetic: starting kernels, callbacks."""
