"""Reads the pickle inside torch's files as data: nothing in it is ever called.

The rule here is "no pickles": loading one runs whatever code it names. Torch's files have one nevertheless, as
their table of contents. This walk takes the opcodes that such a table is made of, one by one, builds dicts, lists,
tuples and descriptions of tensors, and refuses all others. A name in the pickle is compared with a list and never
looked up, so there is nothing that it could run: what `torch.load(weights_only=True)` does, with less allowed.

Source: Python's pickletools (what each opcode means); torch 2.14.1, torch/_weights_only_unpickler.py and
torch/_utils.py (`_rebuild_tensor` is what files from before torch 0.4 have, torchvision's VGG16 among them).
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import IO, Any, Final

from harness.weights.catalogue import WeightsError


@dataclass(frozen=True)
class Storage:
    """A block of numbers elsewhere in the file: torch's name of its type, its key, its length in numbers."""

    kind: str
    key: str | int
    size: int


@dataclass(frozen=True)
class Tensor:
    """A view of a storage; offset and strides count numbers, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class _Name:
    text: str


_MARK: Final = object()
_ORDERED_DICT: Final = "collections OrderedDict"
_TENSORS: Final = frozenset({"torch._utils _rebuild_tensor", "torch._utils _rebuild_tensor_v2"})
_PARAMETERS: Final = frozenset({"torch._utils _rebuild_parameter", "torch.nn.parameter Parameter"})
_STORAGES: Final = {
    f"{module} {kind}Storage": size
    for module in ("torch", "torch.cuda")
    for size, kinds in {
        8: ("Double", "Long"),
        4: ("Float", "Int"),
        2: ("Half", "BFloat16", "Short"),
        1: ("Char", "Byte", "Bool"),
    }.items()
    for kind in kinds
}
"""Names of storages, and how many bytes a number has there."""
_KNOWN: Final = _TENSORS | _PARAMETERS | _STORAGES.keys() | {_ORDERED_DICT, "torch Size"}

_VALUES: Final = frozenset(
    {"BINUNICODE", "BINSTRING", "SHORT_BINSTRING", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
)
_CONSTANTS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: Final = {"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict}
_TUPLES: Final = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_pickle(file: IO[bytes]) -> Any:
    """Read one pickle as torch writes it (protocol 2), up to its end and no further.

    Args:
        file: Open for reading, where the pickle starts.

    Returns:
        Dicts, lists, tuples, strings, numbers and `Tensor`s.

    Raises:
        WeightsError: If it is damaged, or holds anything that a table of tensors does not need.
    """
    walk = _Walk()
    try:
        for opcode, argument, _ in pickletools.genops(file):
            walk.take(opcode.name, argument)
        (value,) = walk.stack
    except WeightsError:
        raise
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"its table of tensors is damaged: {error}") from error
    return value


def element_bytes(storage: Storage) -> int:
    """Bytes of one number of a storage."""
    return _STORAGES[storage.kind]


class _Walk:
    """The stack and the memo of the pickle protocol, without its power to call."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def take(self, opcode: str, argument: Any) -> None:
        if opcode in _VALUES:
            self.stack.append(argument)
        elif opcode in _CONSTANTS:
            self.stack.append(_CONSTANTS[opcode])
        elif opcode in _EMPTY:
            self.stack.append(_EMPTY[opcode]())
        elif opcode in _TUPLES:
            self.stack.append(tuple(self.pop(_TUPLES[opcode])))
        else:
            self.take_structure(opcode, argument)

    def take_structure(self, opcode: str, argument: Any) -> None:
        match opcode:
            case "PROTO" | "STOP":
                pass
            case "MARK":
                self.stack.append(_MARK)
            case "TUPLE":
                self.stack.append(tuple(self.pop_to_mark()))
            case "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = self.stack[-1]
            case "BINGET" | "LONG_BINGET":
                self.stack.append(self.memo[argument])
            case "APPEND":
                self.extend(self.pop(1))
            case "APPENDS":
                self.extend(self.pop_to_mark())
            case "SETITEM":
                self.update(self.pop(2))
            case "SETITEMS":
                self.update(self.pop_to_mark())
            case "BUILD":  # attributes of the object before it (`_metadata` of a state dict): not needed
                self.pop(1)
            case "GLOBAL":
                self.stack.append(_known(argument))
            case "BINPERSID":
                self.stack.append(_storage(*self.pop(1)))
            case "REDUCE":
                self.stack.append(_rebuilt(*self.pop(2)))
            case _:
                raise WeightsError(f"its pickle has the opcode {opcode}, which torch.save's state dicts do not have")

    def pop(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise IndexError("a value is missing")
        values = self.stack[-count:]
        del self.stack[-count:]
        return values

    def pop_to_mark(self) -> list[Any]:
        values = []
        while (value := self.stack.pop()) is not _MARK:
            values.append(value)
        return values[::-1]

    def extend(self, values: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise TypeError(f"values are added to a {type(self.stack[-1]).__name__}")
        self.stack[-1].extend(values)

    def update(self, values: list[Any]) -> None:
        if not isinstance(self.stack[-1], dict):
            raise TypeError(f"items are set in a {type(self.stack[-1]).__name__}")
        self.stack[-1].update(_items(zip(values[::2], values[1::2], strict=True)))


def _known(name: str) -> _Name:
    if name not in _KNOWN:
        raise WeightsError(
            f"its pickle asks for {name[:80]!r}, which weights do not need: refused, and nothing was run"
        )
    return _Name(name)


def _items(pairs: Any) -> dict[str | int, Any]:
    """A dict of pairs. Keys are plain: hashing nested ones could take forever."""
    items = {}
    for key, value in pairs:
        if not isinstance(key, str | int):
            raise TypeError(f"a key is a {type(key).__name__}")
        items[key] = value
    return items


def _storage(identity: Any) -> Storage:
    """From ("storage", type, key, device, length), and in old files a view, which state dicts do not have."""
    word, kind, key, _, size, *view = identity
    known = isinstance(kind, _Name) and kind.text in _STORAGES and isinstance(key, str | int) and type(size) is int
    if word != "storage" or not known or view not in ([], [None]):
        raise WeightsError("its pickle refers to something other than a storage of numbers")
    return Storage(kind.text, key, size)


def _rebuilt(function: Any, arguments: Any) -> Any:
    if not (isinstance(function, _Name) and isinstance(arguments, tuple)):
        raise TypeError("a call of something that is no function")
    if function.text == _ORDERED_DICT:
        return _items(arguments[0]) if arguments else {}  # Python 2 wrote the items here
    if function.text == "torch Size":
        return arguments[0]
    if function.text in _PARAMETERS and isinstance(arguments[0], Tensor):
        return arguments[0]
    if function.text not in _TENSORS:
        raise TypeError(f"a call of {function.text}")
    storage, offset, shape, strides = arguments[:4]
    numbers = (offset, *shape, *strides)
    whole = all(type(number) is int and number >= 0 for number in numbers) and len(shape) == len(strides)
    if not (isinstance(storage, Storage) and whole):
        raise TypeError("a tensor without a storage, or of no possible shape")
    return Tensor(storage, offset, tuple(shape), tuple(strides))
