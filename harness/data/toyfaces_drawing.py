"""Draws grey faces from named parameters: what the head is, where it is, what its muscles do.

Everything is a field over the pixel grid: a signed distance in pixels becomes a coverage in [0, 1], and a
coverage blends a tone into the picture, so edges are anti-aliased without drawing larger. Fields use only
`+ - * /`, square roots, comparisons and absolute values, which IEEE 754 rounds in one way, so the pictures do
not depend on the processor (sines, exponentials and powers would).

Head coordinates: the origin lies between the eyes and the nose tip; one unit is the half-width of the head;
`down` grows towards the chin, which is at about 1.25.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.interface import IMAGE_SIZE

Field = NDArray[np.float32]
Face = Mapping[str, Field]
# NumPy's stubs take float32 with a Python number for float64; NumPy itself keeps float32.
_Values = NDArray[np.floating[Any]]

# Where the eyes are, and half the length of a brow; head units.
EYE_LEVEL: Final = -0.12
BROW_REACH: Final = 0.29


@dataclass(frozen=True)
class _Grid:
    """Where each pixel lies on each head, float32 fields of shape (n, 48, 48).

    Attributes:
        head_across, head_down: Coordinates of the outline, which yaw does not move.
        across, down: Coordinates on the skin, shifted by yaw and nod as on a ball.
        outward: Distance from the middle line, so that both halves are drawn at once.
        side: -1 on the left of the middle line, +1 on the right.
        pixels: Pixels per head unit, shape (n, 1, 1).
    """

    head_across: Field
    head_down: Field
    across: Field
    down: Field
    outward: Field
    side: Field
    pixels: Field


def draw_faces(face: Face, noise: Field) -> NDArray[np.uint8]:
    """Draw one face for each row of the parameters.

    Args:
        face: A float32 array of shape (n, 1, 1) for every name of `ACTIONS` and `NUISANCES` in
            `toyfaces_parameters`.
        noise: Sensor noise before scaling, mean 0, standard deviation 1, shape (n, 48, 48).

    Returns:
        Grey levels 0..255, shape (n, 48, 48).

    Raises:
        KeyError: If a parameter is missing.
    """
    grid = _place(face)
    picture = _draw_scene(face, grid)
    head = _draw_head(face, grid, picture)
    _draw_wrinkles(face, grid, picture)
    _draw_nose(face, grid, picture)
    _draw_eyes(face, grid, picture)
    _draw_brows(face, grid, picture)
    _draw_mouth(face, grid, picture)
    _draw_fringe(face, grid, picture, head)
    _light(face, grid, picture, head)
    _draw_glasses(face, grid, picture)
    _draw_occlusion(face, grid, picture)
    return _expose(face, picture, noise)


def _place(face: Face) -> _Grid:
    """Turn pixel positions into head coordinates by shift, rotation, scale and yaw."""
    centred = np.arange(IMAGE_SIZE, dtype=np.float32) - np.float32((IMAGE_SIZE - 1) / 2)
    columns = centred[None, None, :] - face["shift_across"]
    rows = centred[None, :, None] - face["shift_down"]
    # Half-angle formulas: exact arithmetic where a sine would be the processor's own.
    square = face["roll"] * face["roll"]
    cosine = (1 - square) / (1 + square)
    sine = 2 * face["roll"] / (1 + square)
    head_across = (cosine * columns + sine * rows) / face["scale"]
    head_down = (cosine * rows - sine * columns) / face["scale"]
    depth = np.maximum(1 - head_across * head_across, 0)
    across = head_across - face["yaw"] * depth
    down = head_down - face["nod"]
    side = np.where(across < 0, np.float32(-1), np.float32(1))
    return _Grid(head_across, head_down, across, down, np.abs(across), side, face["scale"])


def _cover(distance: _Values) -> Field:
    """Share of each pixel that lies inside: 1 below -½ pixel, 0 above ½."""
    share: Field = np.clip(0.5 - distance, 0, 1)
    return share


def _soften(distance: _Values) -> Field:
    """A smooth bump: 1 at distance 0, 0 from distance 1."""
    bump: Field = np.square(distance)
    # In place: this is the most frequent work of all.
    np.subtract(1, bump, out=bump)
    np.maximum(bump, 0, out=bump)
    bump *= bump
    return bump


def _zigzag(distance: _Values) -> Field:
    """A triangular wave: 1 at every whole number, 0 half-way between."""
    wave: Field = np.abs(2 * (distance - np.floor(distance)) - 1)
    return wave


def _paint(picture: Field, coverage: Field, tone: Field | float) -> None:
    """Blend a tone into the picture, in place."""
    change = tone - picture
    change *= coverage
    picture += change


def _draw_scene(face: Face, grid: _Grid) -> Field:
    """Background with a slope and a blob, hair behind the head, neck and shoulders."""
    across, down = grid.head_across, grid.head_down
    picture = face["background"] + face["background_slope"] * (across + down)
    blob = _soften(across - face["blob_across"]) * _soften(down * 0.7 + 0.4)
    _paint(picture, 0.8 * blob, face["blob"])
    _draw_hair(face, grid, picture)
    neck = _cover(np.maximum(np.abs(across) - 0.5, 0.7 - down) * grid.pixels)
    _paint(picture, neck, 0.7 * face["skin"])
    collar = 1.38 + 0.16 * across * across - 0.2 * np.abs(across)
    _paint(picture, _cover((collar - down) * grid.pixels), face["cloth"])
    return picture


def _draw_hair(face: Face, grid: _Grid, picture: Field) -> None:
    """Hair around the head, from none to a mane, as short or as long as `hair_length`."""
    across = grid.head_across / face["hair_volume"]
    down = (grid.head_down + 0.06) / (face["hair_volume"] * face["head_height"])
    crown = np.where(down < 0, down, 0.45 * down)
    distance = np.maximum(np.sqrt(across * across + crown * crown) - 1, grid.head_down - face["hair_length"])
    _paint(picture, _cover(distance * grid.pixels), face["hair"])


def _draw_head(face: Face, grid: _Grid, picture: Field) -> Field:
    """Ears and head; returns the coverage of the head, shape (n, 48, 48)."""
    lower = np.maximum(grid.head_down, 0)
    across = grid.head_across / (1 - face["jaw_taper"] * lower * lower)
    # An open jaw takes the chin down with it.
    chin = face["head_height"] + 0.16 * face["jaw_drop"] * lower
    down = grid.head_down / chin
    head = _cover((np.sqrt(across * across + down * down) - 1) * grid.pixels)
    ear_across = (np.abs(grid.head_across) - 0.98) / 0.14
    ear_down = (grid.head_down - 0.08) / 0.26
    ears = _cover((np.sqrt(ear_across * ear_across + ear_down * ear_down) - 1) * 0.2 * grid.pixels)
    covered = (face["hair_length"] > 0.1).astype(np.float32)
    _paint(picture, ears * (1 - covered), 0.8 * face["skin"])
    _paint(picture, head, face["skin"])
    beard = np.maximum(face["beard"], 0) * 2.2
    low = np.clip((grid.down - 0.25 + 0.25 * grid.outward) * 3, 0, 1)
    _paint(picture, beard * low * head, face["hair"])
    return head


def _draw_wrinkles(face: Face, grid: _Grid, picture: Field) -> None:
    """Folds that actions press into the skin; drawn as darker or lighter skin."""
    outward, down = grid.outward, grid.down
    # Forehead lines of raised brows and the upright folds of knit ones.
    raised = np.minimum(face["inner_brow_raise"], face["outer_brow_raise"])
    line = _zigzag((down + 0.86 + 0.05 * outward) / 0.15)
    forehead = _soften((down + 0.82) / 0.17) * np.maximum(1 - outward, 0) * np.maximum(1 - 1.6 * line, 0)
    knit = _soften((outward - 0.09) / 0.06) * _soften((down + 0.36) / 0.24)
    # Lines across the bridge of a wrinkled nose, falling away to both sides.
    ripple = _zigzag((down + 0.14 - 0.7 * outward) / 0.14)
    bridge = _soften((down - 0.02) / 0.27) * _soften(outward / 0.26) * np.maximum(1 - 1.3 * ripple, 0)
    # Folds from the nostrils round the corners of the mouth; deeper with a smile or a sneer.
    along = (down - 0.26) / 0.55
    fold_at = 0.22 + face["mouth_width"] * (0.25 + 0.55 * along) + 0.1 * face["corner_pull"]
    fold = _soften((outward - fold_at) / 0.07) * _soften(1.5 * along - 0.75)
    sneer = np.maximum(face["nose_wrinkle"], face["upper_lip_raise"])
    fold *= np.maximum(np.maximum(0.8 * face["corner_pull"], sneer), 0.12)
    # Raised cheeks catch light and leave a crease beneath the eye.
    cheek = _soften((outward - 0.52) / 0.27) * _soften((down - 0.3) / 0.24)
    crease = _soften((outward - face["eye_distance"]) / 0.3) * _soften((down - 0.07) / 0.05)
    dark = 0.45 * raised * forehead + 0.7 * face["brow_lower"] * knit + 0.75 * face["nose_wrinkle"] * bridge
    dark += 0.5 * fold + 0.35 * np.maximum(face["cheek_raise"], face["nose_wrinkle"]) * crease
    picture *= 1 - np.minimum(dark, 0.8) + 0.16 * face["cheek_raise"] * cheek


def _draw_nose(face: Face, grid: _Grid, picture: Field) -> None:
    """A shadow beside the ridge, a lit tip and two nostrils; a wrinkled nose is short and wide."""
    tip = face["nose_length"] - 0.1 * face["nose_wrinkle"]
    width = face["nose_width"] * (1 + 0.3 * face["nose_wrinkle"])
    ridge = _soften((grid.outward - 0.55 * width) / 0.09) * _soften((grid.down - 0.08) / 0.4)
    wing = _soften((grid.outward - width) / 0.07) * _soften((grid.down - tip + 0.03) / 0.11)
    nostril = _soften((grid.outward - 0.55 * width) / 0.085) * _soften((grid.down - tip - 0.02) / 0.075)
    ball = _soften(grid.outward / 0.14) * _soften((grid.down - tip + 0.1) / 0.17)
    picture *= 1 - 0.14 * ridge - 0.3 * wing - 0.65 * nostril + 0.12 * ball


def _draw_eyes(face: Face, grid: _Grid, picture: Field) -> None:
    """White, iris and pupil between two lids; the upper lid is edged by lashes and a crease."""
    width = face["eye_width"]
    inside = (grid.outward - face["eye_distance"]) / width
    profile = np.maximum(1 - inside * inside, 0)
    down = grid.down - EYE_LEVEL
    narrowed = 0.45 * face["lid_tighten"] + 0.4 * face["cheek_raise"] + 0.45 * face["nose_wrinkle"]
    upper = 0.125 * face["eye_opening"] * (1 + 0.75 * face["upper_lid_raise"] - 0.5 * narrowed)
    lower = 0.085 * face["eye_opening"] * (1 + 0.2 * face["upper_lid_raise"] - narrowed)
    upper_edge = -np.maximum(upper, 0.02) * profile
    lower_edge = np.maximum(lower, 0.015) * profile
    beside = (np.abs(inside) - 1) * width
    opening = _cover(np.maximum(np.maximum(upper_edge - down, down - lower_edge), beside) * grid.pixels)
    _paint(picture, opening, 0.35 + 0.62 * face["skin"])
    from_iris = inside * width - face["gaze"] * grid.side
    radius = np.sqrt(from_iris * from_iris + (down + 0.02) * (down + 0.02))
    _paint(picture, opening * _cover((radius - 0.115) * grid.pixels), face["iris"])
    _paint(picture, opening * _cover((radius - 0.05) * grid.pixels), 0.03)
    lashes = _cover((np.maximum(np.abs(down - upper_edge + 0.02), beside) - 0.03) * grid.pixels)
    _paint(picture, 0.85 * lashes, 0.16 * face["skin"])
    rim = _cover((np.maximum(np.abs(down - lower_edge - 0.01), beside) - 0.01) * grid.pixels)
    _paint(picture, 0.5 * rim, 0.5 * face["skin"])


def _draw_brows(face: Face, grid: _Grid, picture: Field) -> None:
    """Two tapered strokes; their inner and outer ends move on their own, knitting draws them together."""
    along = (grid.outward - face["eye_distance"] - 0.03 + 0.09 * face["brow_lower"]) / BROW_REACH
    inner = np.clip(0.5 - 0.5 * along, 0, 1)
    outer = 1 - inner
    balance = 1 + face["mirror_imbalance"] * grid.side
    # Lowering wins over raising at the outer end only: inner ends that are raised and knit stay up (AU 1+4).
    lift = 0.2 * face["inner_brow_raise"] * inner + 0.19 * face["outer_brow_raise"] * outer
    sink = face["brow_lower"] * (1 - 0.75 * face["inner_brow_raise"]) * (0.2 * inner + 0.02 * outer)
    sink += 0.05 * face["nose_wrinkle"]
    arch = face["brow_arch"] * (1 - 0.7 * face["brow_lower"]) * (1 - along * along)
    height = EYE_LEVEL + 0.08 - face["brow_height"] + (sink - lift) * balance - arch
    weight = face["brow_weight"] * (1 - 0.35 * outer)
    distance = np.maximum(np.abs(grid.down - height) - weight, (np.abs(along) - 1) * BROW_REACH)
    _paint(picture, 0.95 * _cover(distance * grid.pixels), np.minimum(face["hair"], 0.35 * face["skin"]))


def _draw_mouth(face: Face, grid: _Grid, picture: Field) -> None:
    """Lips around an opening that shows teeth when the lips are drawn back, darkness when the jaw drops."""
    stretch = 0.34 * face["corner_pull"] + 0.4 * face["lip_stretch"] - 0.14 * face["lip_press"]
    stretch -= 0.22 * face["jaw_drop"] * (1 - face["corner_pull"]) * (1 - face["lip_stretch"])
    width = face["mouth_width"] * (1 + stretch)
    along = grid.across / width
    square = np.minimum(along * along, 1.2)
    profile = np.sqrt(np.maximum(1 - square, 0))
    balance = 1 + face["mirror_imbalance"] * grid.side
    # Lips at rest rise a little to the corners; drawn level they look sullen, by the shadow beneath them.
    bend = 0.03 * (1 - face["jaw_drop"]) + 0.24 * face["corner_pull"] - 0.22 * face["corner_depress"]
    raised = 0.07 * face["upper_lip_raise"] + 0.06 * face["chin_raise"] + 0.02 * face["nose_wrinkle"]
    middle = face["mouth_height"] - raised - bend * balance * (square - 0.45)
    up = (0.13 * face["upper_lip_raise"] + 0.06 * face["jaw_drop"]) * profile
    low = (0.42 * face["jaw_drop"] + 0.05 * face["upper_lip_raise"]) * profile
    lip = face["lip_weight"] * (1 - 0.75 * face["lip_press"]) * profile
    beside = (np.abs(along) - 1) * width
    above, below = middle - up - grid.down, grid.down - middle - low
    lips = _cover(np.maximum(np.maximum(above - lip, below - 1.3 * lip), beside) * grid.pixels)
    _paint(picture, lips, face["lip_contrast"] * face["skin"])
    opening = np.maximum(np.maximum(above, below), beside)
    line = _cover((opening - 0.022) * grid.pixels)
    _paint(picture, 0.9 * line, 0.14 * face["skin"])
    shown = np.maximum(np.maximum(face["corner_pull"], face["upper_lip_raise"]), 0.9 * face["lip_stretch"])
    teeth = np.maximum(np.maximum(opening + 0.01, -above - 0.2 * profile), 0.3 - shown)
    _paint(picture, _cover(teeth * grid.pixels), 0.93)
    shade = _soften(along / 0.8) * _soften((below - 0.2) / 0.1)
    picture *= 1 - (0.12 + 0.25 * face["chin_raise"]) * shade


def _draw_fringe(face: Face, grid: _Grid, picture: Field, head: Field) -> None:
    """Hair that falls over the forehead, inside the head."""
    square = grid.head_across * grid.head_across
    line = face["hairline"] + face["fringe"] * grid.head_across * (1 - square) + 0.3 * square
    hair = _cover((grid.head_down - line) * grid.pixels) * head
    bald = (face["hair_volume"] < 1.01).astype(np.float32)
    _paint(picture, hair * (1 - bald), face["hair"])


def _light(face: Face, grid: _Grid, picture: Field, head: Field) -> None:
    """Shade the head as a ball lit from the front and one side (Lambert's cosine law)."""
    across = grid.head_across
    down = grid.head_down / face["head_height"]
    front = np.sqrt(np.maximum(1 - across * across - down * down, 0.02))
    lit = 0.62 + 0.42 * (front + face["light_across"] * across + face["light_down"] * down)
    picture *= 1 + head * (lit - 1)


def _draw_glasses(face: Face, grid: _Grid, picture: Field) -> None:
    """Two rims and a bridge, on the faces that wear them."""
    across = (grid.outward - face["eye_distance"]) / 0.37
    down = (grid.down - EYE_LEVEL - 0.02) / 0.31
    ring = np.abs(np.sqrt(across * across + down * down) - 1) * 0.33
    bridge = np.maximum(np.abs(down + 0.2) * 0.31, grid.outward - 0.1)
    frame = _cover((np.minimum(ring, bridge) - 0.025) * grid.pixels)
    _paint(picture, 0.8 * frame * (face["glasses"] > 0), 0.08)


def _draw_occlusion(face: Face, grid: _Grid, picture: Field) -> None:
    """A capsule in front of some faces, and a scarf that rises to the chin of others."""
    across = grid.head_across - face["occluder_across"]
    down = grid.head_down - face["occluder_down"]
    # Along and across a segment of slope `occluder_slant`, half a unit to both sides.
    length = np.sqrt(1 + face["occluder_slant"] * face["occluder_slant"])
    lengthwise = np.abs(across + face["occluder_slant"] * down) / length
    crosswise = np.abs(down - face["occluder_slant"] * across) / length
    beyond = np.maximum(lengthwise - 0.5, 0)
    distance = np.sqrt(beyond * beyond + crosswise * crosswise) - face["occluder_radius"]
    _paint(picture, _cover(distance * grid.pixels), face["occluder_tone"])
    rim = face["scarf"] + 0.12 * grid.head_across * grid.head_across
    _paint(picture, _cover((rim - grid.head_down) * grid.pixels), face["cloth"])


def _expose(face: Face, picture: Field, noise: Field) -> NDArray[np.uint8]:
    """What a plain camera makes of it: contrast, tone curve, blur, noise, 8 bits."""
    exposed = 0.5 + face["contrast"] * (picture - 0.5) + face["brightness"]
    np.clip(exposed, 0, 1, out=exposed)
    exposed += face["tone_curve"] * exposed * (1 - exposed)
    for axis in (1, 2):
        exposed += face["blur"] * (_smooth(exposed, axis) - exposed)
    exposed += face["noise"] * noise
    return np.clip(exposed * 255 + 0.5, 0, 255).astype(np.uint8)


def _smooth(picture: _Values, axis: int) -> _Values:
    """Binomial mean (1, 2, 1) / 4 along an axis; edges repeat."""
    widths = [(1, 1) if each == axis else (0, 0) for each in range(picture.ndim)]
    padded = np.moveaxis(np.pad(picture, widths, mode="edge"), axis, 0)
    mean = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return np.moveaxis(mean, 0, axis)
