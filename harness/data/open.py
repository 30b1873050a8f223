"""One way to a data set: the real one by path, or the drawn one."""

from __future__ import annotations

from pathlib import Path

from harness.data.dataset import Dataset
from harness.data.fer2013 import load_fer2013
from harness.data.toyfaces import toyfaces


def open_dataset(fer2013: str | None, *, allow_deviating_data: bool) -> Dataset:
    """FER-2013 from a path in any of its forms, or toyfaces for None.

    Raises:
        DatasetError: If the path cannot be used.
    """
    if fer2013 is None:
        return toyfaces()
    return load_fer2013(Path(fer2013), allow_deviating_data=allow_deviating_data)
