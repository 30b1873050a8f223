"""What toy faces differ in: facial actions, the expressions made of them, and what varies without meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Span = tuple[float, float]

ACTIONS: Final = (
    "inner_brow_raise",
    "outer_brow_raise",
    "brow_lower",
    "upper_lid_raise",
    "cheek_raise",
    "lid_tighten",
    "nose_wrinkle",
    "upper_lip_raise",
    "corner_pull",
    "corner_depress",
    "chin_raise",
    "lip_stretch",
    "lip_press",
    "jaw_drop",
)
"""Facial actions, each 0 (at rest) to 1 (as strong as can be): action units 1, 2, 4, 5, 6, 7, 9, 10, 12, 15,
17, 20, 24 and 26 of the Facial Action Coding System (Ekman & Friesen 1978), in this order."""

NUISANCES: Final[Mapping[str, Span]] = {
    # Pose. Pixels; `roll` is the tangent of half the angle in the picture plane (0.16 is 18 degrees).
    "shift_across": (-4.0, 4.0),
    "shift_down": (-3.5, 3.0),
    "scale": (13.5, 17.5),
    "roll": (-0.16, 0.16),
    "yaw": (-0.3, 0.3),
    "nod": (-0.07, 0.07),
    "mirror_imbalance": (-0.2, 0.2),
    # Identity. Lengths in head units, tones from 0 (black) to 1 (white).
    "head_height": (1.17, 1.33),
    "jaw_taper": (0.05, 0.24),
    "skin": (0.42, 0.9),
    "hair": (0.04, 0.6),
    "hair_volume": (0.98, 1.26),
    "hair_length": (-0.5, 1.5),
    "hairline": (-1.0, -0.72),
    "fringe": (-0.3, 0.45),
    "eye_distance": (0.40, 0.47),
    "eye_width": (0.23, 0.28),
    "eye_opening": (0.9, 1.12),
    "iris": (0.08, 0.32),
    "gaze": (-0.06, 0.06),
    "brow_height": (0.36, 0.42),
    "brow_arch": (0.03, 0.09),
    "brow_weight": (0.042, 0.075),
    "nose_length": (0.32, 0.40),
    "nose_width": (0.14, 0.2),
    "mouth_height": (0.69, 0.75),
    "mouth_width": (0.34, 0.41),
    "lip_weight": (0.06, 0.11),
    "lip_contrast": (0.62, 0.84),
    # Below zero there is none: about one face in five wears glasses, one in four a beard.
    "glasses": (-0.8, 0.2),
    "beard": (-0.75, 0.25),
    # Scene.
    "background": (0.05, 0.95),
    "background_slope": (-0.25, 0.25),
    "blob": (0.0, 1.0),
    "blob_across": (-1.6, 1.6),
    "cloth": (0.05, 0.95),
    "light_across": (-0.65, 0.65),
    "light_down": (-0.6, 0.2),
    # Occlusion: a capsule (hand, microphone, strap) in about one picture of seven, else its radius is
    # negative; and a scarf or collar that rises to somewhere below the mouth.
    "occluder_radius": (-1.5, 0.25),
    "occluder_across": (-1.0, 1.0),
    "occluder_down": (-0.9, 1.3),
    "occluder_slant": (-1.0, 1.0),
    "occluder_tone": (0.1, 0.9),
    "scarf": (1.05, 3.0),
    # Camera.
    "contrast": (0.7, 1.15),
    "brightness": (-0.1, 0.1),
    "tone_curve": (-0.35, 0.35),
    "blur": (0.0, 0.8),
    "noise": (0.005, 0.03),
}
"""What varies without meaning: name -> (lowest, highest), drawn uniformly."""

# Which actions make which face, and how strongly: (weakest, strongest), drawn uniformly. Where there are two
# ways of showing an emotion, one is drawn. Combinations after Ekman & Friesen, "Facial Action Coding System"
# (1978) with its dictionary for emotions (EMFACS), and Lucey et al., "The Extended Cohn-Kanade Dataset"
# (CVPR Workshops 2010): anger 4+5+7+23/24, disgust 9/10 (+17), fear 1+2+4+5+20+26, happiness 6+12,
# sadness 1+4+15, surprise 1+2+5+26.
EXPRESSIONS: Final[Mapping[str, tuple[Mapping[str, Span], ...]]] = {
    "angry": (
        {
            "brow_lower": (0.6, 1),
            "lid_tighten": (0.3, 0.8),
            "lip_press": (0.4, 1),
            "corner_depress": (0, 0.35),
        },
        {
            "brow_lower": (0.6, 1),
            "upper_lid_raise": (0.1, 0.6),
            "lip_stretch": (0.2, 0.5),
            "upper_lip_raise": (0.35, 0.6),
            "jaw_drop": (0.2, 0.5),
            "corner_depress": (0.1, 0.4),
        },
    ),
    "disgust": (
        {
            "nose_wrinkle": (0.65, 1),
            "upper_lip_raise": (0.6, 1),
            "brow_lower": (0.15, 0.45),
            "corner_depress": (0.2, 0.6),
            "chin_raise": (0, 0.6),
        },
    ),
    "fear": (
        {
            "inner_brow_raise": (0.65, 1),
            "outer_brow_raise": (0.3, 0.5),
            "brow_lower": (0.4, 0.9),
            "upper_lid_raise": (0.6, 1),
            "lip_stretch": (0.5, 1),
            "jaw_drop": (0.15, 0.5),
            "corner_depress": (0.1, 0.35),
        },
    ),
    "happy": (
        {"corner_pull": (0.45, 1), "cheek_raise": (0.3, 1)},
        {
            "corner_pull": (0.6, 1),
            "cheek_raise": (0.4, 1),
            "jaw_drop": (0.2, 0.6),
            "upper_lip_raise": (0.1, 0.4),
        },
    ),
    "neutral": ({},),
    "sad": (
        {
            "inner_brow_raise": (0.5, 1),
            "brow_lower": (0.2, 0.7),
            "corner_depress": (0.4, 1),
            "chin_raise": (0, 0.8),
            "lid_tighten": (0, 0.5),
        },
    ),
    "surprise": (
        {
            "inner_brow_raise": (0.5, 1),
            "outer_brow_raise": (0.5, 1),
            "upper_lid_raise": (0.4, 1),
            "jaw_drop": (0.35, 1),
        },
    ),
}
"""Class -> ways of showing it -> action -> (weakest, strongest)."""

# No face is ever quite at rest; this much is drawn into every action that an expression does not name.
RESTLESSNESS: Final = (0.0, 0.15)
