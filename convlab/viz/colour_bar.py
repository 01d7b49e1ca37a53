"""What the shades of a figure mean: the bar of a scale, and the ring of directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convlab.numerals import number, plus_minus
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.style import Scale
from convlab.words import t

EVERYWHERE = t("everywhere")  # below the only number of a bar


@dataclass(frozen=True)
class ColourBar:
    """A figure's scale, upright: its word above, its limits beside it.

    ``broken`` adds the hatched cell and its meaning at the foot.
    """

    canvas: Canvas
    scale: Scale
    word: str = ""
    broken: bool = False
    LEAST: ClassVar[float] = 2.6
    """How high it is at least, in heights of its letters."""

    def _labels(self) -> list[tuple[float, str]]:
        scale = self.scale
        if scale.only is not None:
            return [(scale.only, number(scale.only))]
        low, high = number(scale.lowest), number(scale.highest)
        labels = [
            (scale.lowest, f"≤ {low}" if scale.cut_low else low),
            (scale.highest, f"≥ {high}" if scale.cut_high else high),
        ]
        if min(-scale.lowest, scale.highest) > 0.2 * (scale.highest - scale.lowest):
            labels.append((0.0, "0"))
        return labels

    @property
    def width(self) -> float:
        """Pixels that :meth:`draw` takes."""
        canvas, small = self.canvas, self.canvas.size.small
        beside = 30 * canvas.unit + canvas.widest((text for _, text in self._labels()), small)
        words = [self.word, *([t("not finite")] if self.broken else [])]
        words += [EVERYWHERE] if self.scale.only is not None else []
        return max(beside, canvas.widest(words, small))

    def draw(self, left: float, top: float, height: float) -> None:
        """Draw it at (left, top).

        A bar too low for its labels is made as high as they need; if all numbers are equal it is
        one cell, and says so.
        """
        canvas, scale, theme = self.canvas, self.scale, self.canvas.theme
        small, side = canvas.size.small, 18 * canvas.unit
        if self.word:
            canvas.note(left, top, self.word)
            top += small * LINE + 0.3 * small
            height -= small * LINE + 0.3 * small
        height = max(height, self.LEAST * small)
        if self.broken:
            height -= 2.6 * small * LINE
            foot = top + height + small
            canvas.box(left, foot, side, side, edge=theme.mistake)
            canvas.hatch(left, foot, side, side)
            canvas.note(left, foot + small * LINE, t("not finite"))
        beside = left + 30 * canvas.unit
        if scale.only is not None:
            only = scale.rgb(np.array([[scale.only]]))
            canvas.picture(only, left, top, side, side, edge=theme.hairline)
            canvas.text(beside, top, number(scale.only), px=small)
            canvas.text(left, top + side + 0.3 * small, EVERYWHERE, px=small)
            return
        shades = np.linspace(scale.highest, scale.lowest, 257)[:, None]
        canvas.picture(scale.rgb(shades), left, top, side, height, edge=theme.hairline)
        for value, text in self._labels():
            share = (scale.highest - value) / (scale.highest - scale.lowest)
            if 0 < share < 1 and min(share, 1 - share) * height < 2.2 * small:
                continue
            # The end labels stay inside the bar's height; those between are centred.
            anchor = {0.0: "lt", 1.0: "lb"}.get(share, "lc")
            canvas.text(beside, top + share * height, text, anchor, px=small)

    def strip(self, left: float, top: float, width: float, height: float) -> None:
        """Only the shades, horizontally, the lowest at the left."""
        shades = np.linspace(self.scale.lowest, self.scale.highest, 257)[None]
        edge = self.canvas.theme.hairline
        self.canvas.picture(self.scale.rgb(shades), left, top, width, height, edge=edge)

    def limits(
        self, left: float, top: float, width: float, meanings: tuple[str, str] = ("", "")
    ) -> None:
        """A horizontal bar's ends with their meanings, zero in its middle, as far as they fit."""
        canvas, scale, small = self.canvas, self.scale, self.canvas.size.small
        low, high = ends = number(scale.lowest), number(scale.highest)
        sides = [canvas.widest(pair, small) for pair in zip(ends, meanings, strict=True)]
        if sum(sides) + small > width:
            # Too narrow for both side by side: one below the other.
            lines = [t("{end} {word}", end, word) for end, word in zip(ends, meanings, strict=True)]
            if not any(meanings):
                lines = [
                    plus_minus(scale.highest)
                    if scale.lowest < 0
                    else t("{low} to {high}", low, high)
                ]
            canvas.paragraph(left, top, lines, px=small, width=width)
            return
        for x, anchor, end, word in zip(
            (left, left + width), ("lt", "rt"), ends, meanings, strict=True
        ):
            canvas.text(x, top, end, anchor, px=small)
            canvas.note(x, top + small * LINE, word, anchor)
        if scale.lowest < 0 and 2 * canvas.widest(ends, small) + 3 * small < width:
            canvas.text(left + width / 2, top, "0", "mt", px=small)


_PARTS = 90


class DirectionRing:
    """Every direction in its colour, at the place that it points to, below its word.

    ``scale``: degrees above -180 up to 180, 0 to the right and 90 downwards; ``width`` and
    ``height`` in pixels.
    """

    word = t("direction")

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.scale = Scale(-180.0, 180.0, style.cyclic_map(canvas.theme))
        self.radius, small = 42 * canvas.unit, canvas.size.small
        ring = 2 * self.radius + 0.4 * small + canvas.measure("0°", small)
        self.width = max(ring, canvas.measure(self.word, small))
        self.height = 2 * self.radius + (2 * LINE + 0.5) * small

    def draw(self, left: float, top: float) -> None:
        """Draw it at (left, top)."""
        canvas, radius, small = self.canvas, self.radius, self.canvas.size.small
        canvas.note(left, top, self.word)
        x, y = left + radius, top + small * LINE + 0.3 * small + radius
        degrees = np.arange(_PARTS) * 360 / _PARTS - 180
        # Each part reaches under the next one, so that no gap shows between them.
        ends = np.radians(degrees[:, None] + 360 / _PARTS * np.array([-0.5, 0.9]))
        outer = radius * np.stack([np.cos(ends), np.sin(ends)], axis=-1)
        corners = np.concatenate([outer, 0.55 * outer[:, ::-1]], axis=1)
        fills = [style.to_hex(rgb / 255) for rgb in self.scale.rgb(degrees)]
        canvas.polygons(corners + (x, y), fill=fills)
        canvas.text(x + radius + 0.4 * small, y, "0°", "lc", px=small)
        canvas.text(x, y + radius + 0.2 * small, "90°", "mt", px=small)
