"""Which class was taken for which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import to_places
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells, cell_numbers, number_size
from convlab.viz.style import Scale


def confusion(
    matrix: ArrayLike,
    classes: Sequence[str],
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A confusion matrix (K, K) of counts: rows are the true classes, columns the predicted.

    The shade of a cell is its share of its row, right answers and mistakes each
    on their own scale; numbers stand in the cells until a cell is 22 pixels
    (of the slide), then two bars explain the shades.  At the right each class's accuracy:
    the diagonal's share of the row.  When there are more classes than lines of
    text, every second, third ... is named and the second line says so.

    Raises ShapeError for a matrix that is not square, counts that are negative
    or not whole, and a number of classes that is not K; SpecError for an
    unknown theme or size.
    """
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.size == 0:
        raise ShapeError(f"expected a confusion matrix (K, K), got {counts.shape}")
    if len(classes) != len(counts):
        raise ShapeError(f"expected {len(counts)} class names, got {len(classes)}")
    if (counts < 0).any() or (counts != np.floor(counts)).any():
        raise ShapeError("expected a confusion matrix of whole counts from 0, got other numbers")
    counts = counts.astype(np.int64)
    names = [" ".join(str(name).split()) for name in classes]

    canvas = Canvas(size, theme, aspect=1.05)
    texts = [str(value) for value in counts.ravel()]
    total, right = int(counts.sum()), int(np.trace(counts))
    shares = _shares(counts)
    off = np.where(np.eye(len(counts), dtype=bool), 0.0, np.nan_to_num(shares))
    scales = _shade(canvas, "right", 1.0), _shade(canvas, "wrong", float(off.max()) or 1.0)
    bars = max(
        ColourBar(canvas, scales[0], "right").width, ColourBar(canvas, scales[1], "wrong").width
    )
    # How many names fit decides the second line, so the headline is first taken at its highest.
    tallest = (canvas.size.title + 2 * canvas.size.subtitle) * LINE + 0.7 * canvas.size.label
    every = _layout(canvas, names, texts, canvas.inner_height - tallest, bars).every
    notes = [subtitle]
    if total:
        notes.append(f"{right} of {total} right")
    if every > 1:
        notes.append(f"every {every}{_ordinal(every)} class named")
    canvas.headline(title, ", ".join(note for note in notes if note), canvas.theme.ink)
    layout = _layout(canvas, names, texts, canvas.inner_height, bars)
    _draw(canvas, shares, names, texts, replace(layout, every=every), scales, bars)
    return canvas.figure


def _ordinal(value: int) -> str:
    if value % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")


def _shares(counts: NDArray) -> NDArray:
    totals = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)


def _shade(canvas: Canvas, what: str, highest: float) -> Scale:
    # Mistakes stay paler: they are on a larger scale and must not outshine the right answers.
    colour, strength = (
        (canvas.theme.output, 0.9) if what == "right" else (canvas.theme.mistake, 0.7)
    )
    end = style.blend(canvas.theme.ground, colour, strength)
    shades = LinearSegmentedColormap.from_list("share", [canvas.theme.ground, end])
    return Scale(0.0, highest, shades)


@dataclass(frozen=True)
class _Layout:
    """Where the matrix lies and how large a cell is, in pixels."""

    side: float  # of the true names, left of the matrix
    head: float  # of the word and the predicted names, above it
    width: float  # of a cell
    height: float
    number: float | None  # height of the numbers in the cells, None if they do not fit
    stand: bool  # the predicted names stand upright
    every: int  # one in so many classes is named
    accuracy: float


_TRUE = "true ↓"


def _layout(
    canvas: Canvas, names: list[str], texts: list[str], height: float, bars: float
) -> _Layout:
    small, unit, count = canvas.size.small, canvas.unit, len(names)
    pad = 10 * unit
    widest = canvas.widest(names, small)
    side = max(min(widest, 0.17 * canvas.width), canvas.measure(_TRUE, small)) + pad
    accuracy = canvas.measure("accuracy", small) + 60 * unit
    room = canvas.inner_width - side - accuracy - 2 * pad

    def whole(length: float) -> float:
        return float(math.floor(length)) if length >= 2 else length

    # Names lie above their columns if they fit there, else they stand upright.
    for stand, above in (
        (False, small * LINE),
        (True, min(widest, 0.2 * canvas.height) + 0.3 * small),
    ):
        head = small * LINE + above
        tall = whole((height - head) / count)
        wide = whole(min(room / count, 1.9 * tall))
        number = number_size(canvas, texts, wide, tall)
        if number is None:
            wide = whole(min((room - bars - 2 * pad) / count, 1.9 * tall))
            tall = min(tall, 1.2 * wide)
        line = 1.25 * small
        every = max(1, math.ceil(line / tall), math.ceil(line / wide) if stand else 1)
        if widest + 0.4 * small <= wide * every:
            break
    return _Layout(side, head, wide, tall, number, stand, every, accuracy)


def _draw(
    canvas: Canvas,
    shares: NDArray,
    names: list[str],
    texts: list[str],
    layout: _Layout,
    scales: tuple[Scale, Scale],
    bars: float,
) -> None:
    size, theme, unit, small = canvas.size, canvas.theme, canvas.unit, canvas.size.small
    count, pad = len(names), 10 * canvas.unit
    side, width, height, every = layout.side, layout.width, layout.height, layout.every
    px, stand = layout.number, layout.stand
    right_scale, wrong_scale = scales
    left, top = canvas.left + side, canvas.top + layout.head
    wide, tall = width * count, height * count

    fills = wrong_scale.rgb(np.nan_to_num(shares))
    diagonal = np.arange(count)
    fills[diagonal, diagonal] = right_scale.rgb(np.nan_to_num(shares[diagonal, diagonal]))
    canvas.picture(fills, left, top, wide, tall)
    if min(width, height) >= 6 * unit:
        Cells(canvas, left, top, count, count, width, height).lines(theme.hairline)
        for index in range(count):
            canvas.box(
                left + index * width,
                top + index * height,
                width,
                height,
                edge=theme.output,
                stroke=1.8 * size.hair,
            )
    else:
        canvas.box(left, top, wide, tall, edge=theme.hairline)
    if px is not None:
        cell_numbers(canvas, texts, fills, px, left, top, wide, tall, faint="0")

    # Names of low rows reach above the matrix; the words over them keep clear of that.
    above = top - max(0.15 * small, small - height / 2)
    canvas.note(left, canvas.top, f"predicted {style.ARROW}")
    canvas.note(left - max(pad, 0.8 * small - width / 2), above, _TRUE, "rb")
    for index in range(0, count, every):
        canvas.text(
            left - pad, top + (index + 0.5) * height, names[index], "rm", px=small, width=side - pad
        )
        canvas.text(
            left + (index + 0.5) * width,
            top - 0.25 * small,
            names[index],
            "mb",
            px=small,
            rotation=90 if stand else 0,
            width=layout.head - small * LINE - 0.3 * small if stand else width * every,
        )
    _accuracy(canvas, shares, (left + wide + 2 * pad, top, layout.accuracy), height, every, above)
    if px is None:
        x = canvas.right - bars
        # A low matrix does not press the two bars together.
        room = max(tall, min(canvas.bottom - top, 18 * small))
        each = min(room / 2 - small, 230 * unit)
        ColourBar(canvas, right_scale, "right").draw(x, top, each)
        ColourBar(canvas, wrong_scale, "wrong").draw(x, top + each + 2 * small, each)


def _accuracy(
    canvas: Canvas,
    shares: NDArray,
    place: tuple[float, float, float],
    height: float,
    every: int,
    above: float,
) -> None:
    """A bar a class from 0 to 1, with its number where a line of text has room."""
    left, top, width = place
    small, theme = canvas.size.small, canvas.theme
    canvas.note(left, above, "accuracy", "lb")
    number = canvas.measure("≈0.00", small) + 8 * canvas.unit
    full = width - number
    for index, share in enumerate(np.diagonal(shares)):
        y = top + (index + 0.5) * height
        known = math.isfinite(share)
        # Where rows are a few pixels high, gaps between bars would only flicker.
        thick = height * (0.55 if height >= 5 * canvas.unit else 1.0)
        canvas.box(left + number, y - thick / 2, full, thick, fill=theme.hairline_fill)
        if known:
            canvas.box(left + number, y - thick / 2, full * share, thick, fill=theme.output)
        if index % every == 0:
            canvas.text(left, y, to_places(share, 2) if known else "none", "lm", px=small)
