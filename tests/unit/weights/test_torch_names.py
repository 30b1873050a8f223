"""Torch's files, written here by hand: both containers, and pickles that are not to be trusted."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.architectures import layers
from harness.weights import torch_zip
from harness.weights.catalogue import WeightsError
from harness.weights.pickled import read_pickle
from harness.weights.torch_names import BIASES_WITHOUT_EQUAL, TORCHVISION_NAMES
from tests.support.checks import check_same_bits
from tests.support.papers import PAPER

MAGIC = 0x1950A86A20F9469CFC6C
STATE = {
    "features.0.weight": np.arange(54, dtype=np.float32).reshape(2, 3, 3, 3),
    "features.0.bias": np.array([0.5, -0.0], np.float32),
}
CANONICAL = {
    "block1_conv1.kernel": np.ascontiguousarray(STATE["features.0.weight"].transpose(2, 3, 1, 0)),
    "block1_conv1.bias": STATE["features.0.bias"],
}

State = dict[str, np.ndarray]
Write = Callable[[Path, State], None]


def text(value: str) -> bytes:
    return pickle.BINUNICODE + struct.pack("<I", len(value)) + value.encode()


def integers(*values: int) -> bytes:
    return b"(" + b"".join(b"J" + struct.pack("<i", value) for value in values) + b"t"


def pickled_tensor(key: str, array: np.ndarray, *, kind: str, rebuild: str, old: bool) -> bytes:
    """The opcodes of one tensor as torch writes them, or as it did before 0.4 and 1.6."""
    strides = [stride // array.itemsize for stride in array.strides]
    storage = b"(" + text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text("cpu")
    storage += b"J" + struct.pack("<i", array.size) + (b"N" if old else b"") + b"tQ"
    rest = b"" if rebuild == "_rebuild_tensor" else b"\x89ccollections\nOrderedDict\n)R"
    call = b"ctorch._utils\n" + rebuild.encode() + b"\n("
    return call + storage + b"J\0\0\0\0" + integers(*array.shape) + integers(*strides) + rest + b"tR"


def table(state: State, *, kind: str = "FloatStorage", rebuild: str = "_rebuild_tensor_v2", old: bool = False) -> bytes:
    items = b"".join(
        text(name) + pickled_tensor(str(key), array, kind=kind, rebuild=rebuild, old=old)
        for key, (name, array) in enumerate(state.items())
    )
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + items + b"u."


def write_zip(path: Path, state: State, content: bytes | None = None, compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", table(state) if content is None else content)
        archive.writestr("archive/byteorder", "little")
        for key, array in enumerate(state.values()):
            archive.writestr(f"archive/data/{key}", array.tobytes())


def write_stream(path: Path, state: State, content: bytes | None = None) -> None:
    """As torch wrote before 1.6, with the older name of its function, as torchvision's VGG16 has it."""
    content = table(state, rebuild="_rebuild_tensor", old=True) if content is None else content
    order = list(range(len(state)))[::-1]  # any order will do: the list of keys says which it is
    with path.open("wb") as file:
        for each in (MAGIC, 1001, {"little_endian": True}):
            file.write(pickle.dumps(each, 2))
        file.write(content)
        file.write(pickle.dumps([str(key) for key in order], 2))
        for key in order:
            array = list(state.values())[key]
            file.write(struct.pack("<q", array.size) + array.tobytes())


@pytest.fixture(params=[write_zip, write_stream], ids=["zip", "stream"])
def write(request: pytest.FixtureRequest) -> Write:
    return request.param  # type: ignore[no-any-return]


def refused(path: Path, message: str) -> None:
    with pytest.raises(WeightsError, match=message) as caught:
        torch_zip.read(path)
    assert str(path) in str(caught.value)


def test_both_containers_are_read_to_the_bit(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "vgg.pth", STATE)
    check_same_bits(torch_zip.read(tmp_path / "vgg.pth"), CANONICAL, what="read")


def test_what_is_no_weight_of_a_base_is_left_out(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "vgg.pth", STATE | {"classifier.0.weight": np.zeros((4, 4), np.float32)})
    check_same_bits(torch_zip.read(tmp_path / "vgg.pth"), CANONICAL, what="read")


def test_convolutions_without_a_bias_get_zeros(tmp_path: Path, write: Write) -> None:
    kernel = np.ones((5, 3, 7, 7), np.float32)
    write(tmp_path / "resnet.pth", {"conv1.weight": kernel})
    expected = {"conv1_conv.kernel": np.ones((7, 7, 3, 5), np.float32), "conv1_conv.bias": np.zeros(5, np.float32)}
    check_same_bits(torch_zip.read(tmp_path / "resnet.pth"), expected, what="read")


def test_every_weight_of_both_bases_has_a_name_there() -> None:
    bases = {
        f"{layer.name}.{weight}"
        for name in ("vgg16-transfer", "resnet50-transfer")
        for layer in layers(PAPER.variants[name])
        if layer.part == "base"
        for weight in layer.weights
    }
    assert TORCHVISION_NAMES.keys() | BIASES_WITHOUT_EQUAL == bases
    assert TORCHVISION_NAMES.keys().isdisjoint(BIASES_WITHOUT_EQUAL)
    assert len(set(TORCHVISION_NAMES.values())) == len(TORCHVISION_NAMES)


class Harmful:
    """Pickles as a call of os.system, as an attacker would write it."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_is_refused_and_nothing_is_run(tmp_path: Path, write: Any, protocol: int) -> None:
    witness = tmp_path / "witness"
    harmful = pickle.dumps({"features.0.weight": Harmful(f"touch {witness}")}, protocol)
    write(tmp_path / "harmful.pth", STATE, harmful)
    named = "asks for '(posix|nt) system', which weights do not need: refused, and nothing was run"
    refused(tmp_path / "harmful.pth", f"{named}|has the opcode")
    assert not witness.exists()
    pickle.loads(harmful)  # noqa: S301 - ours: the test would prove nothing if the pickle did no harm
    assert witness.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x80\x02cbuiltins\neval\n.", "asks for 'builtins eval'"),
        (b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81.", "asks for 'torch.nn.modules.linear Linear'"),
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93.", "opcode SHORT_BINUNICODE"),
        (b"\x80\x02(ios\nsystem\n.", "opcode INST"),
        (b"\x80\x02ccollections\nOrderedDict\n\x82\x01.", "opcode EXT1"),
        (b"\x80\x02X\x01\0\0\0aQ.", "damaged"),
        (b"\x80\x02ccollections\nOrderedDict\nX\x01\0\0\0aR.", "a call of something"),
        (b"\x80\x02]X\x01\0\0\0a\x85R.", "a call of something"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "a call of torch FloatStorage"),
        (b"\x80\x02}))s.", "a key is a tuple"),
        (b"\x80\x02)K\x01a.", "values are added to a tuple"),
        (b"\x80\x02)K\x01K\x01s.", "items are set in a tuple"),
        (b"\x80\x02\x86.", "a value is missing"),
        (b"\x80\x02h\x05.", "damaged"),
        (b"\x80\x02t.", "damaged"),
        (b"\x80\x02", "damaged"),
        (b"", "damaged"),
    ],
)
def test_pickles_of_other_things_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        read_pickle(io.BytesIO(content))


@given(content=st.binary(max_size=64))
def test_no_bytes_do_anything_but_fail_or_be_data(content: bytes) -> None:
    with contextlib.suppress(WeightsError):
        read_pickle(io.BytesIO(b"\x80\x02" + content))


def test_a_pickle_ends_at_its_end() -> None:
    file = io.BytesIO(pickle.dumps(["a", 1, None, True, 0.5, 2**70], 2) + b"rest")
    assert read_pickle(file) == ["a", 1, None, True, 0.5, 2**70]
    assert file.read() == b"rest"


def test_the_items_of_an_ordered_dict_from_python_2() -> None:
    content = b"\x80\x02ccollections\nOrderedDict\n](](U\x01aK\x01ee\x85R."
    assert read_pickle(io.BytesIO(content)) == {"a": 1}


@pytest.mark.parametrize("kind", ["HalfStorage", "DoubleStorage", "BFloat16Storage", "LongStorage"])
def test_another_precision_is_refused(tmp_path: Path, kind: str) -> None:
    write_zip(tmp_path / "half.pth", STATE, table(STATE, kind=kind))
    refused(tmp_path / "half.pth", rf"features\.0\.weight is a torch\.{kind}, expected torch\.FloatStorage")


@pytest.mark.parametrize(
    "wrong",
    [
        np.lib.stride_tricks.as_strided(np.zeros(2, np.float32), (2, 3, 3, 3), (4, 4, 4, 4)),
        np.zeros((2, 3, 3, 0), np.float32),
    ],
    ids=["strides that repeat", "empty"],
)
def test_a_shape_that_does_not_fit_its_storage_is_refused(tmp_path: Path, wrong: np.ndarray) -> None:
    claims = table({"features.0.weight": wrong}).replace(struct.pack("<i", wrong.size), struct.pack("<i", 2))
    write_zip(tmp_path / "wrong.pth", {"features.0.weight": np.zeros(2, np.float32)}, claims)
    refused(tmp_path / "wrong.pth", "does not fit its storage of 2 numbers")


def test_a_storage_of_another_size_is_refused(tmp_path: Path) -> None:
    write_zip(
        tmp_path / "short.pth",
        {"features.0.bias": np.zeros(3, np.float32)},
        table({"features.0.bias": np.zeros(2, np.float32)}),
    )
    refused(tmp_path / "short.pth", "has 12 bytes in the file, expected 8")


def test_a_kernel_that_is_none_is_refused(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "flat.pth", {"features.0.weight": np.zeros((2, 27), np.float32)})
    refused(tmp_path / "flat.pth", r"block1_conv1\.kernel has shape \(2, 27\), expected four axes")


def test_a_state_dict_of_another_network_is_refused(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "other.pth", {"encoder.weight": np.zeros((2, 2), np.float32)})
    refused(tmp_path / "other.pth", "no weights named as in torchvision's VGG16 or ResNet50")


def test_compressed_members_are_refused(tmp_path: Path) -> None:
    write_zip(tmp_path / "bomb.pth", STATE, compression=zipfile.ZIP_DEFLATED)
    refused(tmp_path / "bomb.pth", "is compressed, which torch.save does not do")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html>not found</html>", pickle.dumps({"a": 1}, 2)])
def test_what_is_no_file_of_torch_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "page.pth").write_bytes(content)
    refused(tmp_path / "page.pth", "no file of torch.save|not a zip file")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, write: Write, share: float) -> None:
    path = tmp_path / "cut.pth"
    write(path, STATE)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(path, "damaged|no file of torch")


def test_a_zip_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(tmp_path / "other.zip", "a zip with 0 members `data.pkl`")


THEIR_NAMES = {
    "block1_conv2.kernel": "features.2.weight",
    "block2_conv1.bias": "features.5.bias",
    "block3_conv2.kernel": "features.12.weight",
    "block5_conv1.kernel": "features.24.weight",
    "block5_conv3.bias": "features.28.bias",
    "conv1_bn.gamma": "bn1.weight",
    "conv1_bn.beta": "bn1.bias",
    "conv1_bn.moving_mean": "bn1.running_mean",
    "conv1_bn.moving_variance": "bn1.running_var",
    "conv2_block1_0_bn.gamma": "layer1.0.downsample.1.weight",
    "conv4_block6_2_conv.kernel": "layer3.5.conv2.weight",
    "conv5_block3_3_bn.beta": "layer4.2.bn3.bias",
}
"""By torchvision's own naming: shapes tell neither γ from β nor one 3×3 of a block from the next."""


@pytest.mark.parametrize(("ours", "theirs"), THEIR_NAMES.items(), ids=str)
def test_names_are_torchvisions(ours: str, theirs: str) -> None:
    assert TORCHVISION_NAMES[ours] == theirs
