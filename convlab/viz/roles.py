"""Colours of a user's own for the roles of figures: which there are, and what is hard to see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from convlab.errors import SpecError
from convlab.names import meant
from convlab.viz import style
from convlab.viz.style import Theme

PAIRS = ("negative", "positive")  # half way and at the limit of the diverging map
ROLES = [each.name for each in fields(Theme) if each.name not in ("name", "transparent")]
_MEANT = ("input", "window", "output", "mistake")  # roles whose colours are told apart
_APART = 20.0  # CIE76; those of our own are at least 25 apart
# What is seen of linear red, green and blue (Machado, Oliveira & Fernandes 2009, severity 1).
_SEEN = {
    "normal sight": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # of linear sRGB


def checked_roles(given: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Colours by role as a theme takes them: #RRGGBB, of the diverging map two for each sign.

    Raises SpecError for another role or colour; ``source`` begins its line.
    """
    roles: dict[str, Any] = {}
    for name, value in given.items():
        if name not in ROLES:
            wanted = f"expected roles among {', '.join(ROLES)}"
            raise SpecError(f"{source}: {wanted}, got {name!r}{meant(name, ROLES)}")
        colours = value if name in PAIRS and isinstance(value, list | tuple) else [value]
        right = all(isinstance(c, str) and re.fullmatch("#[0-9A-Fa-f]{6}", c) for c in colours)
        if not right or len(colours) != 1 + (name in PAIRS):
            wanted = '["#RRGGBB", "#RRGGBB"]' if name in PAIRS else '"#RRGGBB"'
            raise SpecError(f"{source}: expected {name} = {wanted}, got {value!r}")
        roles[name] = tuple(colours) if name in PAIRS else value.upper()
    return roles


def with_fills(theme: Theme, roles: Mapping[str, Any]) -> dict[str, Any]:
    """Those roles, and fills in the tone of the edges that have a colour of their own."""
    ground = roles.get("ground", theme.ground)
    fills = {
        f"{name}_fill": style.blend(ground, roles.get(name, getattr(theme, name)), 0.15)
        for name in ("input", "window", "output")
        if name in roles or "ground" in roles
    }
    return fills | dict(roles)


def doubts(theme: Theme) -> Iterator[str]:
    """What of a theme's colours is hard to read, or to tell apart with some kind of sight."""
    for name, least in (("ink", 4.5), ("quiet", 4.5), *((role, 3.0) for role in _MEANT)):
        contrast = style.contrast(getattr(theme, name), theme.ground)
        if contrast < least:
            yield f"{name} has a contrast of {contrast:.1f} with the ground, less than {least:g}"
    for one, other in combinations(_MEANT, 2):
        apart = {
            sight: _distance(getattr(theme, one), getattr(theme, other), seen)
            for sight, seen in _SEEN.items()
        }
        sight = min(apart, key=apart.__getitem__)
        if apart[sight] < _APART:
            yield f"{one} and {other} look alike with {sight}"


def _distance(one: str, other: str, seen: NDArray) -> float:
    return float(np.linalg.norm(_lab(one, seen) - _lab(other, seen)))


def _lab(colour: str, seen: NDArray) -> NDArray:
    """A colour, as it is seen, in CIELAB (white point D65)."""
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    xyz = _XYZ @ np.clip(seen @ linear, 0, 1) / _XYZ.sum(axis=1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
