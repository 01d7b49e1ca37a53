"""Whether layers follow a shift: errors by layer and amount, and one image the two ways round."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import MINUS, number
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.colour_bar import ColourBar

NEAREST = "≈"


def equivariance(
    errors: ArrayLike,
    layers: Sequence[tuple[str, str]],
    amounts: Sequence[str],
    *,
    rounded: ArrayLike | None = None,
    inner: ArrayLike | None = None,
    word: str = "shift",
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """The equivariance error of each layer for each amount, as shaded numbers.

    errors: (layers, amounts), relative, 0 being exact.  layers: a name and a
    quiet note each.  amounts: the columns' heads, under ``word``.  rounded
    (layers, amounts): where the maps were shifted by the nearest whole number of
    cells, which gets the mark "≈".  inner (layers, amounts): the errors away from the
    border alone, which stand below where they have room.  Exact zeros stand in an outlined, empty
    cell; a dash stands where there was nothing to compare (NaN).  Where not all
    layers have room the second line says so.

    Raises ShapeError for arrays of other sizes, SpecError for an unknown theme or size.
    """
    errors = np.asarray(errors, dtype=float)
    if errors.shape != (len(layers), len(amounts)) or not errors.size:
        raise ShapeError(
            f"expected errors ({len(layers)}, {len(amounts)}), one a layer and amount, got"
            f" {errors.shape}"
        )
    marks = np.zeros(errors.shape, bool) if rounded is None else np.asarray(rounded, bool)
    if marks.shape != errors.shape:
        raise ShapeError(f"expected rounded {errors.shape}, got {marks.shape}")
    within = None if inner is None else np.asarray(inner, dtype=float)
    if within is not None and within.shape != errors.shape:
        raise ShapeError(f"expected inner {errors.shape}, got {within.shape}")
    canvas = Canvas(size, theme, aspect=0.75)
    theme_, small, unit = canvas.theme, canvas.size.small, canvas.unit
    notes = [subtitle] if subtitle else []
    head = 2.8 * small
    # Three lines of headline are the most that can come.
    room = canvas.inner_height - (canvas.size.title + 2 * canvas.size.subtitle) * LINE - head
    most = max(1, math.floor(room / (1.45 * small)))
    if len(layers) > most:
        notes.append(f"first {most} of {len(layers)} layers")
        errors, marks, layers = errors[:most], marks[:most], layers[:most]
        within = within if within is None else within[:most]
    if marks.any():
        notes.append(f"{NEAREST} nearest whole cell")
    scale = style.activation_scale(np.append(errors[np.isfinite(errors)], 0.0))
    bar = ColourBar(canvas, scale, "error").width
    names = canvas.widest((name for name, _ in layers), small, True)
    quiet = canvas.widest((note for _, note in layers), small)
    left = canvas.left + names + (1.2 * small + quiet if quiet else 0) + 1.2 * small
    right = canvas.right - bar - 1.6 * canvas.size.label
    texts = _texts(errors, marks)
    if quiet and (right - left) * 0.92 < len(amounts) * canvas.widest(texts, small):
        # A narrow canvas shows numbers rather than notes.
        left -= quiet + 1.2 * small
        quiet = 0.0
    width = (right - left) / len(amounts)
    inside = [] if within is None else [f"inside {text}" for text in _texts(within, marks)]
    if room / len(layers) < 3 * small or canvas.widest(inside, small) > 0.92 * width:
        inside = []
    if inside:
        notes.append("inside: away from the border alone")
    canvas.headline(title, "; ".join(notes), theme_.ink)
    top = canvas.top + head
    height = min((canvas.bottom - top) / len(layers), 110 * unit)
    px = next(
        (px for px in (canvas.size.label, small) if canvas.widest(texts, px) <= 0.92 * width), None
    )
    if height < 1.25 * (px or math.inf):
        px = small if canvas.widest(texts, small) <= 0.92 * width else None
    canvas.note(left, canvas.top, word, width=right - left)
    every = math.ceil((canvas.widest(amounts, small) + 0.5 * small) / width)
    for column, amount in enumerate(amounts):
        if column % every == 0:
            x = left + (column + 0.5) * width
            canvas.text(x, canvas.top + 1.45 * small, amount, "mt", px=small, bold=True)
    fills = scale.rgb(errors)
    for row, (name, note) in enumerate(layers):
        y = top + (row + 0.5) * height
        canvas.text(canvas.left, y, name, "lm", px=small, bold=True)
        if quiet:
            x = canvas.left + names + 1.2 * small
            canvas.note(x, y, note, "lm")
        for column in range(len(amounts)):
            x, value = left + column * width, errors[row, column]
            gap = 1.5 * unit
            box = (x + gap, top + row * height + gap, width - 2 * gap, height - 2 * gap)
            exact, shaded = value == 0, bool(np.isfinite(value) and value != 0)
            fill = style.to_hex(fills[row, column] / 255) if shaded else theme_.ground
            edge = theme_.output if exact else theme_.hairline
            canvas.box(*box, fill=fill, edge=None if shaded else edge)
            if px is not None:
                at = row * len(amounts) + column
                colour = theme_.output if exact else style.ink_on(fill)
                below = inside and shaded and np.isfinite(within[row, column])
                shift = 0.65 * small if below else 0.0
                where = {"anchor": "mm", "colour": colour}
                canvas.text(x + width / 2, y - shift, texts[at], px=px, bold=exact, **where)
                if below:
                    canvas.text(x + width / 2, y + 1.3 * shift, inside[at], px=small, **where)
    ColourBar(canvas, scale, "error").draw(
        canvas.right - bar,
        canvas.top,
        min(canvas.inner_height, head + len(layers) * height, 420 * unit),
    )
    return canvas.figure


def _texts(errors: NDArray, marks: NDArray) -> list[str]:
    """Errors with three decimals; what that would round to zero in powers of ten."""
    texts = []
    for value, mark in zip(errors.ravel(), marks.ravel(), strict=True):
        if math.isnan(value):
            texts.append(MINUS)
            continue
        if value == 0 or math.isinf(value):
            text = number(value)
        elif value < 0.0005:
            text = number(float(f"{value:.0e}"))
        else:
            text = f"{value:.3f}"
        texts.append(f"{NEAREST}{text}" if mark else text)
    return texts


def two_ways(
    image: ArrayLike,
    shifted_image: ArrayLike,
    map: ArrayLike,
    map_of_shifted: ArrayLike,
    shifted_map: ArrayLike,
    *,
    layer: str,
    steps: tuple[str, str],
    facts: tuple[str, str],
    compared: ArrayLike | None = None,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """Above "shift, then the layer", below "the layer, then shift", at the right the difference.

    image, shifted_image: (1 or 3, H, W).  map, map_of_shifted, shifted_map: (h, w),
    one map of the layer, on one scale; their difference (upper minus lower) on a
    signed one.  steps: how the image and how the map are shifted, in words.  facts:
    the title and the second line of the difference.  compared (h, w): cells outside are
    left out of the difference and stay grey.

    Raises ShapeError for arrays whose sizes differ, SpecError for an unknown theme or size.
    """
    before, after = np.asarray(map_of_shifted, float), np.asarray(shifted_map, float)
    plain = np.asarray(map, float)
    if not before.ndim == 2 or {before.shape, after.shape} != {plain.shape}:
        raise ShapeError(
            f"expected three maps (h, w) of one size, got {plain.shape}, {before.shape} and"
            f" {after.shape}"
        )
    inside = np.ones(plain.shape, bool) if compared is None else np.asarray(compared, bool)
    if inside.shape != plain.shape:
        raise ShapeError(f"expected compared {plain.shape}, got {inside.shape}")
    pictures = image_rgb(image), image_rgb(shifted_image)
    if pictures[0].shape != pictures[1].shape:
        raise ShapeError(
            f"expected two images of one size, got {pictures[0].shape[:2]} and"
            f" {pictures[1].shape[:2]}"
        )
    canvas = Canvas(size, theme, aspect=0.9)
    canvas.headline(title, subtitle, canvas.theme.ink)
    _TwoWays(canvas, pictures, plain, before, after, inside, layer, steps, facts).draw()
    return canvas.figure


class _TwoWays:
    def __init__(self, canvas, pictures, plain, before, after, inside, layer, steps, facts) -> None:
        self.canvas, self.pictures, self.inside = canvas, pictures, inside
        self.plain, self.before, self.after = plain, before, after
        self.layer, self.steps, self.facts = layer, steps, facts
        shared = np.stack([plain, before, after])
        self.scale = style.activation_scale(shared)
        self.difference = np.where(inside, before - after, 0.0)
        self.signed = style.signed_scale(self.difference, canvas.theme)

    def draw(self) -> None:
        canvas = self.canvas
        words = canvas.widest((*self.steps, self.layer), canvas.size.small)
        bars = ColourBar(canvas, self.signed, "").width + 0.8 * canvas.size.label
        if not self._laid_out(max(words + 14 * canvas.unit, 60 * canvas.unit), bars, 1.0):
            # On a narrow canvas the steps stand above what they make, the scale below all.
            self._laid_out(34 * canvas.unit, 0.0, 0.0)

    def _laid_out(self, arrow: float, bars: float, least: float) -> bool:
        """Draw with arrows and a bar of these widths; False: pictures would be too small."""
        canvas, theme, size = self.canvas, self.canvas.theme, self.canvas.size
        small, unit = size.small, canvas.unit
        narrow = bars == 0
        head = size.label * LINE + 0.2 * small + (small * LINE if narrow else 0)
        foot = 2.4 * small * LINE if narrow else 0.0
        gap_y, fork = 0.9 * size.label, 2.2 * size.label
        room = canvas.inner_width - 2 * arrow - bars - fork
        rows, columns = self.pictures[0].shape[:2]
        # As wide as high at most: a very long image gets a lower box.
        side = min(room / 4, (canvas.inner_height - foot - 2 * head - gap_y) / 2)
        if side < least * 150 * unit:
            return False
        ratio = rows / columns
        width, height = (side, side * ratio) if ratio <= 1 else (side / ratio, side)
        total = 4 * width + 2 * arrow + fork + bars
        left = canvas.left + (canvas.inner_width - total) / 2
        block = 2 * (head + height) + gap_y
        top = canvas.top + max(0.0, canvas.inner_height - foot - block) / 2
        xs = [left, left + width + arrow, left + 2 * (width + arrow)]
        shift, move = self.steps
        lines = [
            (f"shift, then {self.layer}", self.pictures[1], (shift, self.layer), self.before),
            (f"{self.layer}, then shift", self.plain, (self.layer, move), self.after),
        ]
        for index, (words, middle, labels, result) in enumerate(lines):
            y = top + index * (head + height + gap_y)
            canvas.text(xs[0], y, words, bold=True, width=xs[2] + width - xs[0])
            y += head
            self._image(self.pictures[0], xs[0], y, width, height)
            if middle.ndim == 3:
                self._image(middle, xs[1], y, width, height)
            else:
                canvas.array(middle, self.scale, xs[1], y, width, height, edge=theme.output)
            canvas.array(result, self.scale, xs[2], y, width, height, edge=theme.output)
            for label, x in zip(labels, xs[1:], strict=True):
                self._arrow(x - arrow, x, y + height / 2, "" if narrow else label)
                if narrow:
                    self._label(label, x + width / 2, y, width + arrow)
        x = xs[2] + width + fork
        y = top + head + (block - 2 * head - height) / 2
        # From both results to their difference.
        centre, bend = y + height / 2, xs[2] + width + fork / 2
        for at in (top + head + height / 2, top + 2 * head + height * 1.5 + gap_y):
            canvas.line(
                [xs[2] + width + 6 * unit, bend, bend, x - 6 * unit],
                [at, at, centre, centre],
                theme.quiet,
            )
        canvas.array(self.difference, self.signed, x, y, width, height)
        self._outside(x, y, width, height)
        canvas.box(x, y, width, height, edge=theme.mistake)
        name, note = self.facts
        beside = canvas.right - x
        canvas.text(
            x,
            y - size.label * LINE - 0.2 * small,
            name,
            bold=True,
            colour=theme.mistake,
            width=canvas.right - x,
        )
        notes = [*note.split("; "), f"maps: {self.scale.words}"]
        if narrow:
            limits = [number(end) for end in (self.signed.lowest, self.signed.highest)]
            notes = [note, f"{notes[-1]}; difference from {limits[0]} to {limits[1]}"]
            x, y, beside = (
                canvas.left,
                canvas.bottom - foot + 0.6 * small,
                canvas.inner_width,
            )
        else:
            ColourBar(canvas, self.signed, "").draw(x + width + 0.8 * size.label, y, height)
            y += height + 0.4 * small
        for line in notes:
            canvas.note(x, y, line, width=beside)
            y += small * LINE
        return True

    def _image(self, rgb: NDArray, left: float, top: float, width: float, height: float) -> None:
        self.canvas.picture(rgb, left, top, width, height)
        self.canvas.box(left, top, width, height, edge=self.canvas.theme.input)

    def _arrow(self, start: float, end: float, y: float, label: str) -> None:
        canvas, unit = self.canvas, self.canvas.unit
        start, end, tip = start + 8 * unit, end - 8 * unit, 7 * unit
        canvas.line([start, end], [y, y], canvas.theme.window, stroke=1.4 * canvas.size.hair)
        for side in (-1, 1):
            canvas.line([end - tip, end], [y + side * tip * 0.7, y], canvas.theme.window)
        self._label(label, (start + end) / 2, y, end - start + 16 * unit)

    def _label(self, label: str, x: float, y: float, width: float) -> None:
        """The words of a step above (x, y)."""
        self.canvas.text(
            x,
            y - 0.35 * self.canvas.size.small,
            label,
            "mb",
            px=self.canvas.size.small,
            colour=self.canvas.theme.window,
            width=width,
        )

    def _outside(self, left: float, top: float, width: float, height: float) -> None:
        """Cells that the difference leaves out."""
        rows, columns = self.inside.shape
        for row, column in np.argwhere(~self.inside):
            self.canvas.box(
                left + column * width / columns,
                top + row * height / rows,
                width / columns,
                height / rows,
                fill=self.canvas.theme.hairline,
            )
