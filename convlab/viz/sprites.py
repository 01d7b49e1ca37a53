"""What moves in a film: small pictures of numbers and boxes, laid on a frame at any place."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from convlab.viz import style

_FINE = 3  # drawn so many times larger, then reduced: smooth edges


class Sprite(NamedTuple):
    """A picture with a soft outline: ``colour`` (h, w, 3) times ``cover`` (h, w), 0 to 1."""

    colour: NDArray
    cover: NDArray

    @property
    def width(self) -> int:
        return self.cover.shape[1]

    @property
    def height(self) -> int:
        return self.cover.shape[0]


@lru_cache(maxsize=64)
def _font(px: int, bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), px)


@lru_cache(maxsize=4096)
def chip(
    text: str,
    width: float,
    height: float,
    px: float,
    ink: str,
    fill: str | None = None,
    edge: str | None = None,
    stroke: float = 0.0,
    bold: bool = False,
) -> Sprite:
    """A text in the middle of a box with round corners; without ``fill`` and ``edge`` no box."""
    size = math.ceil(width) * _FINE, math.ceil(height) * _FINE
    ground = fill or edge or ink
    picture = Image.new("RGBA", size, (*style.rgb_bytes(ground).tolist(), 0))
    draw = ImageDraw.Draw(picture)
    if fill or edge:
        end = size[0] - 1, size[1] - 1
        line = round(stroke * _FINE) if edge else 0
        radius = 0.12 * min(size)
        draw.rounded_rectangle((0, 0, *end), radius, fill, edge, line)
    if text:
        font = _font(round(px * _FINE), bold)
        # The middle of digits, whatever letters go deeper.
        middle = (font.getbbox("0", anchor="ls")[1]) / 2
        draw.text((size[0] / 2, size[1] / 2 - middle), text, ink, font, anchor="ms")
    reduced = picture.convert("RGBa").reduce(_FINE)
    values = np.asarray(reduced, np.float32)
    return Sprite(values[..., :3], values[..., 3] / 255)


@lru_cache(maxsize=256)
def outline(width: float, height: float, edge: str, stroke: float) -> Sprite:
    """The outline of a box, its middle line around ``width`` × ``height``."""
    rows, columns = math.ceil(height + stroke), math.ceil(width + stroke)
    line = max(1, round(stroke))
    cover = np.ones((rows, columns), np.float32)
    cover[line:-line, line:-line] = 0
    return Sprite(style.rgb_bytes(edge) * cover[..., None], cover)


def scaled(sprite: Sprite, scale: float) -> Sprite:
    """A sprite larger or smaller."""
    size = max(1, round(sprite.width * scale)), max(1, round(sprite.height * scale))
    if size == (sprite.width, sprite.height):
        return sprite
    pixels = np.dstack([sprite.colour, 255 * sprite.cover])
    picture = Image.fromarray(np.round(pixels).astype(np.uint8), "RGBa")
    values = np.asarray(picture.resize(size, Image.Resampling.BILINEAR), np.float32)
    return Sprite(values[..., :3], values[..., 3] / 255)


def lay(frame: NDArray, sprite: Sprite, x: float, y: float, strength: float = 1.0) -> None:
    """Lay a sprite on a frame (H, W, 3) of bytes, its middle at (x, y), between pixels too."""
    left, top = x - sprite.width / 2, y - sprite.height / 2
    column, row = math.floor(left), math.floor(top)
    right, down = left - column, top - row
    colour, cover = sprite
    if right > 0.01 or down > 0.01:
        colour, cover = _moved(colour, down, right), _moved(cover, down, right)
    rows, columns = frame.shape[:2]
    first, start = max(0, row), max(0, column)
    last, end = min(rows, row + len(cover)), min(columns, column + cover.shape[1])
    if first >= last or start >= end:
        return
    part = np.s_[first - row : last - row, start - column : end - column]
    below = frame[first:last, start:end]
    shown = colour[part] * strength + below * (1 - cover[part] * strength)[..., None]
    frame[first:last, start:end] = (shown + 0.5).astype(np.uint8)


def _moved(values: NDArray, down: float, right: float) -> NDArray:
    """Values that begin a part of a pixel lower and further right."""
    around = ((1, 1), (1, 1), (0, 0))[: values.ndim]
    padded = np.pad(values, around)
    rows = padded[:-1] * down + padded[1:] * (1 - down)
    return rows[:, :-1] * right + rows[:, 1:] * (1 - right)


def ease(share: float) -> float:
    """0 to 1 as something that starts and stops gently; shares outside are cut off."""
    share = min(max(share, 0.0), 1.0)
    return share * share * share * (share * (6 * share - 15) + 10)


def between(moment: float, start: float, end: float) -> float:
    """How far a moment is from ``start`` to ``end``, gently, 0 to 1."""
    return ease((moment - start) / (end - start))
