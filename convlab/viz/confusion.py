"""Which class was taken for which."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.page import LINE, Page
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

    page = Page(size, theme, aspect=0.8)
    total, right = int(counts.sum()), int(np.trace(counts))
    # The headline's height depends on whether names are left out, and that on its height.
    tallest = (page.size.title + 2 * page.size.subtitle) * LINE + 0.7 * page.size.label
    every = _every(page, len(names), page.bottom - page.top - tallest)
    notes = [subtitle]
    if total:
        notes.append(f"{right} of {total} right")
    if every > 1:
        notes.append(f"every {every}{_ordinal(every)} class named")
    page.headline(title, ", ".join(note for note in notes if note), page.theme.ink)
    _draw(page, counts, names, every)
    return page.figure


def _ordinal(value: int) -> str:
    if value % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")


def _head(page: Page) -> float:
    """The least height above the matrix: the word "predicted" and one line of names."""
    return 2 * page.size.small * LINE + 0.3 * page.size.small


def _every(page: Page, count: int, height: float) -> int:
    cell = (height - 2.2 * _head(page)) / count
    return max(1, math.ceil(page.size.small * 1.15 / cell))


def _shares(counts: NDArray) -> NDArray:
    totals = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)


def _shade(page: Page, colour: str, strength: float, highest: float) -> Scale:
    end = style.blend(page.theme.ground, colour, strength)
    shades = LinearSegmentedColormap.from_list("share", [page.theme.ground, end])
    return Scale(0.0, highest, shades)


def _cell(
    page: Page, count: int, texts: list[str], names: float, room: float, bars: float
) -> tuple[float, float, float, float | None]:
    """Height above the matrix, a cell's height and width, and its numbers' height if they fit.

    ``names`` is the height of the names above it; without numbers the width of ``bars`` is
    kept free.
    """
    head = page.size.small * LINE + names

    def whole(length: float) -> float:
        return float(math.floor(length)) if length >= 2 else length

    height = whole((page.bottom - page.top - head) / count)
    width = whole(min(room / count, 1.9 * height))
    px = page.number_size(texts, width, height)
    if px is None:
        width = whole(min((room - bars) / count, 1.9 * height))
    return head, height, width, px


def _draw(page: Page, counts: NDArray, names: list[str], every: int) -> None:
    size, theme, unit, small = page.size, page.theme, page.unit, page.size.small
    count = len(counts)
    shares = _shares(counts)
    off = np.where(np.eye(count, dtype=bool), 0.0, np.nan_to_num(shares))
    right_scale = _shade(page, theme.output, 0.9, 1.0)
    wrong_scale = _shade(page, theme.mistake, 0.7, float(off.max()) or 1.0)

    named = names[::every]
    pad = 10 * unit
    true = "true ↓"
    side = max(min(page.widest(named, small), 0.17 * page.width), page.measure(true, small)) + pad
    accuracy = page.measure("accuracy", small) + 60 * unit
    bars = max(page.bar_width(right_scale, "right"), page.bar_width(wrong_scale, "wrong"))
    room = page.right - page.left - side - accuracy - 2 * pad
    texts = [str(value) for value in counts.ravel()]

    # Names lie above their columns if they fit there, else they stand upright.
    upright = min(page.widest(named, small), 0.2 * page.height) + 0.3 * small
    lying = small * LINE
    head, height, width, px = _cell(page, count, texts, lying, room, bars + 2 * pad)
    stand = page.widest(named, small) + 0.4 * small > width * every
    if stand:
        head, height, width, px = _cell(page, count, texts, upright, room, bars + 2 * pad)
    left, top = page.left + side, page.top + head
    wide, tall = width * count, height * count

    fills = wrong_scale.rgb(np.nan_to_num(shares))
    diagonal = np.arange(count)
    fills[diagonal, diagonal] = right_scale.rgb(np.nan_to_num(shares[diagonal, diagonal]))
    page.picture(fills, left, top, wide, tall)
    if min(width, height) >= 6 * unit:
        page.grid_lines(left, top, count, count, (width, height), theme.hairline)
        for index in range(count):
            page.box(
                left + index * width, top + index * height, width, height, edge=theme.output,
                stroke=1.8 * size.hair,
            )  # fmt: skip
    else:
        page.box(left, top, wide, tall, edge=theme.hairline)
    if px is not None:
        page.cell_numbers(texts, fills, px, left, top, wide, tall, faint="0")

    # Names of low rows reach above the matrix; the words over them keep clear of that.
    above = top - max(0.15 * small, 0.85 * small - height / 2)
    page.text(left, page.top, f"predicted {style.ARROW}", px=small, colour=theme.quiet)
    page.text(
        left - pad, top - 0.15 * small, "true ↓", px=small, colour=theme.quiet, ha="right",
        va="bottom", width=side - pad,
    )  # fmt: skip
    for index in range(0, count, every):
        page.text(
            left - pad, top + (index + 0.5) * height, names[index], px=small, ha="right",
            va="center_baseline", width=side - pad,
        )  # fmt: skip
        page.text(
            left + (index + 0.5) * width,
            top - 0.25 * small,
            names[index],
            px=small,
            ha="center",
            va="bottom",
            rotation=90 if stand else 0,
            width=upright - 0.3 * small if stand else width * every,
        )
    _accuracy(page, shares, (left + wide + 2 * pad, top, accuracy), height, every, above)
    if px is None:
        x = page.right - bars
        each = min(tall / 2 - small, 230 * unit)
        page.bar(right_scale, "right", x, top, each)
        page.bar(wrong_scale, "wrong", x, top + each + 2 * small, each)


def _accuracy(
    page: Page,
    shares: NDArray,
    place: tuple[float, float, float],
    height: float,
    every: int,
    above: float,
) -> None:
    """A bar a class from 0 to 1, with its number where a line of text has room."""
    left, top, width = place
    small, theme = page.size.small, page.theme
    page.text(left, above, "accuracy", px=small, colour=theme.quiet, va="bottom")
    number = page.measure("0.00", small) + 8 * page.unit
    full = width - number
    for index, share in enumerate(np.diagonal(shares)):
        y = top + (index + 0.5) * height
        known = math.isfinite(share)
        thick = height * 0.55
        page.box(left + number, y - thick / 2, full, thick, fill=theme.hairline_fill)
        if known:
            page.box(left + number, y - thick / 2, full * share, thick, fill=theme.output)
        if index % every == 0:
            page.text(left, y, f"{share:.2f}" if known else "none", px=small, va="center_baseline")
