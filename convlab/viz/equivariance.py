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
from convlab.viz.page import LINE, Page, image_rgb

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
    page = Page(size, theme, aspect=0.75)
    theme_, small, unit = page.theme, page.size.small, page.unit
    notes = [subtitle] if subtitle else []
    head = 2.8 * small
    # Three lines of headline are the most that can come.
    room = page.bottom - page.top - (page.size.title + 2 * page.size.subtitle) * LINE - head
    most = max(1, math.floor(room / (1.45 * small)))
    if len(layers) > most:
        notes.append(f"first {most} of {len(layers)} layers")
        errors, marks, layers = errors[:most], marks[:most], layers[:most]
        within = within if within is None else within[:most]
    if marks.any():
        notes.append(f"{NEAREST} nearest whole cell")
    scale = style.activation_scale(np.append(errors[np.isfinite(errors)], 0.0))
    bar = page.bar_width(scale, "error")
    names = page.widest((name for name, _ in layers), small, True)
    quiet = page.widest((note for _, note in layers), small)
    left = page.left + names + (1.2 * small + quiet if quiet else 0) + 1.2 * small
    right = page.right - bar - 1.6 * page.size.label
    texts = _texts(errors, marks)
    if quiet and (right - left) * 0.92 < len(amounts) * page.widest(texts, small):
        # A narrow canvas shows numbers rather than notes.
        left -= quiet + 1.2 * small
        quiet = 0.0
    width = (right - left) / len(amounts)
    inside = [] if within is None else [f"inside {text}" for text in _texts(within, marks)]
    if room / len(layers) < 3 * small or page.widest(inside, small) > 0.92 * width:
        inside = []
    if inside:
        notes.append("inside: away from the border alone")
    page.headline(title, "; ".join(notes), theme_.ink)
    top = page.top + head
    height = min((page.bottom - top) / len(layers), 110 * unit)
    px = next(
        (px for px in (page.size.label, small) if page.widest(texts, px) <= 0.92 * width), None
    )
    if height < 1.25 * (px or math.inf):
        px = small if page.widest(texts, small) <= 0.92 * width else None
    page.text(left, page.top, word, px=small, colour=theme_.quiet, width=right - left)
    every = math.ceil((page.widest(amounts, small) + 0.5 * small) / width)
    for column, amount in enumerate(amounts):
        if column % every == 0:
            x = left + (column + 0.5) * width
            page.text(x, page.top + 1.45 * small, amount, px=small, bold=True, ha="center")
    fills = scale.rgb(errors)
    for row, (name, note) in enumerate(layers):
        y = top + (row + 0.5) * height
        page.text(page.left, y, name, px=small, bold=True, va="center_baseline")
        if quiet:
            x = page.left + names + 1.2 * small
            page.text(x, y, note, px=small, colour=theme_.quiet, va="center_baseline")
        for column in range(len(amounts)):
            x, value = left + column * width, errors[row, column]
            gap = 1.5 * unit
            box = (x + gap, top + row * height + gap, width - 2 * gap, height - 2 * gap)
            exact, shaded = value == 0, bool(np.isfinite(value) and value != 0)
            fill = style.to_hex(fills[row, column] / 255) if shaded else theme_.ground
            edge = theme_.output if exact else theme_.hairline
            page.box(*box, fill=fill, edge=None if shaded else edge)
            if px is not None:
                at = row * len(amounts) + column
                colour = theme_.output if exact else style.ink_on(fill)
                below = inside and shaded and np.isfinite(within[row, column])
                shift = 0.65 * small if below else 0.0
                where = {"ha": "center", "va": "center_baseline", "colour": colour}
                page.text(x + width / 2, y - shift, texts[at], px=px, bold=exact, **where)
                if below:
                    page.text(x + width / 2, y + 1.3 * shift, inside[at], px=small, **where)
    page.bar(
        scale,
        "error",
        page.right - bar,
        page.top,
        min(page.bottom - page.top, head + len(layers) * height, 420 * unit),
    )
    return page.figure


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
    page = Page(size, theme, aspect=0.9)
    page.headline(title, subtitle, page.theme.ink)
    _TwoWays(page, pictures, plain, before, after, inside, layer, steps, facts).draw()
    return page.figure


class _TwoWays:
    def __init__(self, page, pictures, plain, before, after, inside, layer, steps, facts) -> None:
        self.page, self.pictures, self.inside = page, pictures, inside
        self.plain, self.before, self.after = plain, before, after
        self.layer, self.steps, self.facts = layer, steps, facts
        shared = np.stack([plain, before, after])
        self.scale = style.activation_scale(shared)
        self.difference = np.where(inside, before - after, 0.0)
        self.signed = style.signed_scale(self.difference, page.theme)

    def draw(self) -> None:
        page = self.page
        words = page.widest((*self.steps, self.layer), page.size.small)
        bars = page.bar_width(self.signed, "") + 0.8 * page.size.label
        if not self._laid_out(max(words + 14 * page.unit, 60 * page.unit), bars, 1.0):
            # On a narrow canvas the steps stand above what they make, the scale below all.
            self._laid_out(34 * page.unit, 0.0, 0.0)

    def _laid_out(self, arrow: float, bars: float, least: float) -> bool:
        """Draw with arrows and a bar of these widths; False: pictures would be too small."""
        page, theme, size = self.page, self.page.theme, self.page.size
        small, unit = size.small, page.unit
        narrow = bars == 0
        head = size.label * LINE + 0.2 * small + (small * LINE if narrow else 0)
        foot = 2.4 * small * LINE if narrow else 0.0
        gap_y, fork = 0.9 * size.label, 2.2 * size.label
        room = page.right - page.left - 2 * arrow - bars - fork
        rows, columns = self.pictures[0].shape[:2]
        # As wide as high at most: a very long image gets a lower box.
        side = min(room / 4, (page.bottom - page.top - foot - 2 * head - gap_y) / 2)
        if side < least * 150 * unit:
            return False
        ratio = rows / columns
        width, height = (side, side * ratio) if ratio <= 1 else (side / ratio, side)
        total = 4 * width + 2 * arrow + fork + bars
        left = page.left + (page.right - page.left - total) / 2
        block = 2 * (head + height) + gap_y
        top = page.top + max(0.0, page.bottom - page.top - foot - block) / 2
        xs = [left, left + width + arrow, left + 2 * (width + arrow)]
        shift, move = self.steps
        lines = [
            (f"shift, then {self.layer}", self.pictures[1], (shift, self.layer), self.before),
            (f"{self.layer}, then shift", self.plain, (self.layer, move), self.after),
        ]
        for index, (words, middle, labels, result) in enumerate(lines):
            y = top + index * (head + height + gap_y)
            page.text(xs[0], y, words, bold=True, width=xs[2] + width - xs[0])
            y += head
            self._image(self.pictures[0], xs[0], y, width, height)
            if middle.ndim == 3:
                self._image(middle, xs[1], y, width, height)
            else:
                page.array(middle, self.scale, xs[1], y, width, height, edge=theme.output)
            page.array(result, self.scale, xs[2], y, width, height, edge=theme.output)
            for label, x in zip(labels, xs[1:], strict=True):
                self._arrow(x - arrow, x, y + height / 2, "" if narrow else label)
                if narrow:
                    self._label(label, x + width / 2, y, width + arrow)
        x = xs[2] + width + fork
        y = top + head + (block - 2 * head - height) / 2
        # From both results to their difference.
        centre, bend = y + height / 2, xs[2] + width + fork / 2
        for at in (top + head + height / 2, top + 2 * head + height * 1.5 + gap_y):
            page.line(
                [xs[2] + width + 6 * unit, bend, bend, x - 6 * unit],
                [at, at, centre, centre],
                theme.quiet,
            )
        page.array(self.difference, self.signed, x, y, width, height)
        self._outside(x, y, width, height)
        page.box(x, y, width, height, edge=theme.mistake)
        name, note = self.facts
        beside = page.right - x
        page.text(
            x,
            y - size.label * LINE - 0.2 * small,
            name,
            bold=True,
            colour=theme.mistake,
            width=page.right - x,
        )
        notes = [*note.split("; "), f"maps: {self.scale.words}"]
        if narrow:
            limits = [number(end) for end in (self.signed.lowest, self.signed.highest)]
            notes = [note, f"{notes[-1]}; difference from {limits[0]} to {limits[1]}"]
            x, y, beside = page.left, page.bottom - foot + 0.6 * small, page.right - page.left
        else:
            page.bar(self.signed, "", x + width + 0.8 * size.label, y, height)
            y += height + 0.4 * small
        for line in notes:
            page.text(x, y, line, px=small, colour=theme.quiet, width=beside)
            y += small * LINE
        return True

    def _image(self, rgb: NDArray, left: float, top: float, width: float, height: float) -> None:
        self.page.picture(rgb, left, top, width, height)
        self.page.box(left, top, width, height, edge=self.page.theme.input)

    def _arrow(self, start: float, end: float, y: float, label: str) -> None:
        page, unit = self.page, self.page.unit
        start, end, tip = start + 8 * unit, end - 8 * unit, 7 * unit
        page.line([start, end], [y, y], page.theme.window, stroke=1.4 * page.size.hair)
        for side in (-1, 1):
            page.line([end - tip, end], [y + side * tip * 0.7, y], page.theme.window)
        self._label(label, (start + end) / 2, y, end - start + 16 * unit)

    def _label(self, label: str, x: float, y: float, width: float) -> None:
        """The words of a step above (x, y)."""
        self.page.text(
            x,
            y - 0.35 * self.page.size.small,
            label,
            px=self.page.size.small,
            colour=self.page.theme.window,
            ha="center",
            va="bottom",
            width=width,
        )

    def _outside(self, left: float, top: float, width: float, height: float) -> None:
        """Cells that the difference leaves out."""
        rows, columns = self.inside.shape
        for row, column in np.argwhere(~self.inside):
            self.page.box(
                left + column * width / columns,
                top + row * height / rows,
                width / columns,
                height / rows,
                fill=self.page.theme.hairline,
            )
