"""Maps of what an answer depends on: for the trained network and for one that learned nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.colour_bar import EVERYWHERE, ColourBar
from convlab.viz.style import Scale
from convlab.viz.tiles import Panels

COVER = 0.85  # of the image, where a map drawn over it has its largest value
DIMMED = (14, 0.36)  # the grey of black under such a map, and the remaining share of contrast


def attribution(
    image: ArrayLike,
    maps: Sequence[tuple[str, ArrayLike]],
    *,
    signed: bool,
    over: bool = False,
    ends: tuple[str, str] = ("", ""),
    notes: Sequence[tuple[str, bool]] = (),
    facts: Sequence[tuple[str, str]] = (),
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """An image and maps of its pixels side by side, each map on its own scale.

    image: (1, H, W) or (3, H, W), uint8.  maps: names with arrays (H, W); the first
    is that of the trained network, others are drawn quietly beside it.  signed: diverging colours
    with symmetric limits; else magnitudes from 0, in cividis.  over: the magnitudes are drawn as a
    glow over the image, which is grey and dimmed, the brighter the larger.  ends: what the lower
    and the upper end of a scale mean.  A constant map has no scale, but its number.  notes: one for
    the image and one for each map, a text below the heading and whether it reports a mistake.
    facts: (label, text) pairs below.

    Raises ShapeError for no map, for maps whose size is not the image's and for a wrong number of
    notes, SpecError for an unknown theme or size.
    """
    rgb = image_rgb(np.asarray(image))
    arrays = [np.asarray(values, dtype=float) for _, values in maps]
    _check(rgb, arrays, len(notes))
    canvas = Canvas(size, theme, aspect=0.9)
    if len(maps) > 1 and not all(map(_constant, arrays)):
        subtitle = "; ".join(filter(None, (subtitle, "each map on its own scale")))
    canvas.headline(title, subtitle, canvas.theme.output)
    small, label = canvas.size.small, canvas.size.label
    names = ["input", *(name for name, _ in maps)]
    texts = [canvas.widest([text for text, _ in notes], small), 11 * small]
    need = max(canvas.widest(names, label, bold=True), *texts)
    head = label * LINE + (small * LINE if notes else 0.0) + 0.3 * small
    below = 24 * canvas.unit + 0.3 * small + small * LINE * (2 if any(ends) else 1)
    room = {"head": head, "below": below, "need": need}
    panels = Panels(canvas, len(names), rgb.shape[:2], facts, **room)
    colours = [canvas.theme.input, canvas.theme.output, *[canvas.theme.quiet] * len(maps)]
    for index, (name, colour) in enumerate(zip(names, colours, strict=False)):
        left, top, *_ = place = panels.place(index)
        top -= head
        canvas.text(left, top, name, colour=colour, bold=True, width=panels.slot)
        if notes:
            text, mistake = notes[index]
            colour = canvas.theme.mistake if mistake else canvas.theme.ink
            canvas.text(left, top + label * LINE, text, px=small, colour=colour, width=panels.slot)
        if index:
            shown = _Map(canvas, arrays[index - 1], signed, rgb if over else None)
            shown.draw(place, max(panels.width, min(panels.slot, 11 * small)), ends)
        else:
            canvas.picture(rgb, *place, edge=canvas.theme.input)
    return canvas.figure


def _check(rgb: NDArray, arrays: list[NDArray], notes: int) -> None:
    if not arrays:
        raise ShapeError("expected at least one map, got none")
    for array in arrays:
        if array.shape != rgb.shape[:2]:
            raise ShapeError(f"expected maps {rgb.shape[:2]} as the image, got {array.shape}")
    if notes not in (0, 1 + len(arrays)):
        raise ShapeError(f"expected {1 + len(arrays)} notes, got {notes}")


def _constant(values: NDArray) -> bool:
    """Whether all numbers of a map are equal, so that it has no scale."""
    finite = values[np.isfinite(values)]
    return not finite.size or bool(finite.min() == finite.max())


class _Map:
    """A map (H, W) on its scale; as a glow over the bytes ``under`` (H, W, 3) if given."""

    def __init__(
        self, canvas: Canvas, values: NDArray, signed: bool, under: NDArray | None
    ) -> None:
        self.canvas, self.values, self.under = canvas, values, under
        self.scale: Scale = style.activation_scale(np.append(values, 0.0))
        if signed:
            self.scale = style.signed_scale(values, canvas.theme)

    def draw(
        self, place: tuple[float, float, float, float], long: float, ends: tuple[str, str]
    ) -> None:
        """The map in ``place``, and below it a bar ``long`` pixels wide with its ends' meaning."""
        canvas, scale, edge = self.canvas, self.scale, self.canvas.theme.hairline
        left, top, _, tall = place
        if self.under is not None:
            canvas.picture(self._glowing(self.values, self.under), *place, edge=edge)
        else:
            canvas.array(self.values, scale, *place, edge=edge)
        top, strip, small = top + tall + 10 * canvas.unit, 14 * canvas.unit, canvas.size.small
        if _constant(self.values):
            finite = self.values[np.isfinite(self.values)]
            text = f"{number(finite[0])} {EVERYWHERE}" if finite.size else "no finite number"
            canvas.text(left, top, text, px=small, width=long)
            return
        bar = ColourBar(canvas, scale)
        if self.under is None:
            bar.strip(left, top, long, strip)
        else:
            # A glow looks different over white and over black.
            shades = np.linspace(scale.lowest, scale.highest, 257)[None]
            for level, y in ((255, top), (0, top + strip / 2)):
                ground = np.full((1, 257, 3), level)
                canvas.picture(self._glowing(shades, ground), left, y, long, strip / 2)
            canvas.box(left, top, long, strip, edge=edge)
        bar.limits(left, top + strip + 0.3 * small, long, ends)

    def _glowing(self, values: NDArray, rgb: NDArray) -> NDArray:
        """An image, grey and dimmed, under the scale's highest colour, as bytes (H, W, 3)."""
        highest = self.scale.highest
        share = COVER * np.nan_to_num(values / highest).clip(0, 1)[..., None]
        darkest, contrast = DIMMED
        grey = darkest + contrast * rgb.mean(axis=2, keepdims=True)
        glow = self.scale.rgb(np.array([highest]))
        return np.round(share * glow + (1 - share) * grey).astype(np.uint8)
