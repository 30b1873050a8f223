"""torchvision's state dicts in the files of `torch.save`, read without torch.

Since torch 1.6 such a file is a zip: `<name>/data.pkl` is the table of tensors, `<name>/data/<key>` a storage
each. Before, it was a stream: pickles of a magic number, a version, the system, the table and the storages' keys,
then for each key its length (int64) and its numbers. Both are in use: torchvision's VGG16 is a stream, its
ResNet50 a zip. Numbers are little-endian in both.

Source: torch 2.14.1, torch/serialization.py (`_save`, `_legacy_save`, `_legacy_load`). That vgg16-397923af.pth is
a stream: https://github.com/tinygrad/tinygrad/pull/13253 and https://github.com/pytorch/vision/issues/125.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.weights.catalogue import WeightsError
from harness.weights.pickled import (
    Storage,
    Tensor,
    element_bytes,
    read_pickle,
)
from harness.weights.torch_names import BIASES_WITHOUT_EQUAL, TORCHVISION_NAMES

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_TABLE_LIMIT: Final = 2**24
"""Bytes of a table of tensors, at most; ResNet50's has 44 kB."""
_FLOATS: Final = ("torch FloatStorage", "torch.cuda FloatStorage")
_FLOAT_BYTES: Final = 4

_ReadStorage = Callable[[Storage], bytes]


def read(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the weights of a base from torchvision's VGG16 or ResNet50.

    Returns:
        Canonical name to array in Keras' layout, HWIO. The classifier and the norms' counters are left out;
        convolutions that have no bias there have one of zeros.

    Raises:
        WeightsError: If it is damaged, no state dict of these networks, not float32, or its pickle holds
            anything but tensors.
    """
    try:
        with path.open("rb") as file:
            is_zip = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            return _from_torch(*(_open_zip(file) if is_zip else _open_stream(file)))
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    except (OSError, EOFError, LookupError, RuntimeError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} cannot be read, it is damaged or incomplete: {error}") from error


def _from_torch(table: Any, read_storage: _ReadStorage) -> dict[str, NDArray[np.float32]]:
    found = table if isinstance(table, dict) else {}
    weights = {
        name: np.ascontiguousarray(_transposed(name, _array(theirs, found[theirs], read_storage)))
        for name, theirs in TORCHVISION_NAMES.items()
        if theirs in found
    }
    if not weights:
        raise WeightsError(
            "it has no weights named as in torchvision's VGG16 or ResNet50 (`features.0.weight`, `conv1.weight`)"
        )
    for bias in BIASES_WITHOUT_EQUAL:
        kernel = weights.get(bias.replace(".bias", ".kernel"))
        if kernel is not None:
            weights[bias] = np.zeros(kernel.shape[-1], np.float32)
    return weights


def _transposed(name: str, array: NDArray[np.float32]) -> NDArray[np.float32]:
    if not name.endswith(".kernel"):
        return array
    if array.ndim != 4:
        raise WeightsError(f"{name} has shape {array.shape}, expected four axes")
    return array.transpose(2, 3, 1, 0)


def _array(name: str, tensor: Any, read_storage: _ReadStorage) -> NDArray[np.float32]:
    """A tensor's numbers, copied. Its strides are held against its storage: as_strided itself checks nothing."""
    if not isinstance(tensor, Tensor):
        raise WeightsError(f"{name} is no tensor")
    storage = tensor.storage
    if storage.kind not in _FLOATS:
        raise WeightsError(
            f"{name} is a {storage.kind.replace(' ', '.')}, expected torch.FloatStorage; convert it before"
        )
    last = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    if 0 in tensor.shape or max(last + 1, math.prod(tensor.shape)) > storage.size:
        raise WeightsError(f"{name} with shape {tensor.shape} does not fit its storage of {storage.size:,} numbers")
    content = read_storage(storage)
    if len(content) != storage.size * _FLOAT_BYTES:
        raise WeightsError(f"{name} has {len(content):,} bytes in the file, expected {storage.size * _FLOAT_BYTES:,}")
    numbers = np.frombuffer(content, "<f4")[tensor.offset :]
    steps = zip(tensor.shape, tensor.strides, strict=True)
    strides = [stride * _FLOAT_BYTES if size > 1 else 0 for size, stride in steps]
    return np.array(np.lib.stride_tricks.as_strided(numbers, tensor.shape, strides), np.float32)


def _open_zip(file: IO[bytes]) -> tuple[Any, _ReadStorage]:
    archive = zipfile.ZipFile(file)
    members = {member.filename: member for member in archive.infolist()}
    tables = [name for name in members if name.endswith("/data.pkl")]
    if len(tables) != 1:
        raise WeightsError(f"it is a zip with {len(tables)} members `data.pkl`, expected one, as torch.save writes it")
    folder = tables[0].removesuffix("data.pkl")

    def read_member(name: str) -> bytes:
        if members[name].compress_type != zipfile.ZIP_STORED:
            raise WeightsError(f"its member {name} is compressed, which torch.save does not do")
        return archive.read(name)

    if f"{folder}byteorder" in members and read_member(f"{folder}byteorder") != b"little":
        raise WeightsError("its numbers are big-endian, expected little-endian")
    if members[tables[0]].file_size > _TABLE_LIMIT:
        raise WeightsError(f"its table of tensors has {members[tables[0]].file_size:,} bytes, too many for one")
    table = read_pickle(io.BytesIO(read_member(tables[0])))
    return table, lambda storage: read_member(f"{folder}data/{storage.key}")


def _open_stream(file: IO[bytes]) -> tuple[Any, _ReadStorage]:
    head = io.BytesIO(file.read(_TABLE_LIMIT))  # in memory no damaged length can ask for more than there is
    try:
        magic = read_pickle(head)
    except WeightsError:
        magic = None
    if magic != _MAGIC:
        raise WeightsError(
            "it is no file of torch.save: neither a zip nor a stream with torch's magic number. If torch can load it, "
            "load it there and save its state dict anew"
        )
    for _ in ("version", "system"):
        read_pickle(head)
    table, keys = read_pickle(head), read_pickle(head)
    places = _places(file, head.tell(), keys, table)

    def read_storage(storage: Storage) -> bytes:
        file.seek(places[storage.key])
        return file.read(storage.size * _FLOAT_BYTES)

    return table, read_storage


def _places(file: IO[bytes], position: int, keys: Any, table: Any) -> dict[str | int, int]:
    """Where in a stream the numbers of each storage begin; the first storage is at `position`."""
    tensors = [tensor for tensor in table.values() if isinstance(tensor, Tensor)] if isinstance(table, dict) else []
    storages = {tensor.storage.key: tensor.storage for tensor in tensors}
    end = file.seek(0, io.SEEK_END)
    places = {}
    for key in keys:
        if not isinstance(key, str | int) or key not in storages:
            raise WeightsError("it is no state dict: it holds more than a table of tensors")
        file.seek(position)
        size = int.from_bytes(file.read(8), "little")
        places[key] = position + 8
        position += 8 + size * element_bytes(storages[key])
        if size != storages[key].size or position > end:
            raise WeightsError(f"it is damaged or incomplete: a storage should have {storages[key].size:,} numbers")
    return places
