"""The weights of a convolution as pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.page import LINE, Page, arrange, how_many_fit, round_count, whole_cells
from convlab.viz.style import Scale


def filters(
    weights: ArrayLike,
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
    limit: float | None = None,
    channels: Sequence[str] | None = None,
) -> Figure:
    """Signed weights (O, I, kH, kW) of one convolution, all on one scale.

    One input channel: a grid of O filters, each with its number.  More: a row a
    filter, a column an input channel.  Zero is exactly the ground's colour and
    the limits are symmetric; ``limit`` is the largest magnitude shown (None:
    the largest weight).  ``channels`` names the input channels, as in
    ("red", "green", "blue"); None numbers them from 0.  When not everything
    fits readably the second line says how many are shown.  Weights that are not
    finite are hatched.

    Raises ShapeError for weights that are not 4-dimensional or a number of
    names that is not I, SpecError for a limit not above zero and for an unknown
    theme or size.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.ndim != 4 or 0 in weights.shape:
        raise ShapeError(f"expected weights (O, I, kH, kW), none of them 0, got {weights.shape}")
    inputs = weights.shape[1]
    if channels is not None and len(channels) != inputs:
        raise ShapeError(f"expected {inputs} names of input channels, got {len(channels)}")
    page = Page(size, theme, aspect=0.8 if weights.shape[1] == 1 else 1.0)
    scale = style.signed_scale(weights, page.theme, limit)
    if inputs == 1 and channels is None:
        _grid(page, weights[:, 0], scale, title, subtitle)
    else:
        _table(page, weights, scale, title, subtitle, channels)
    return page.figure


def _with_notes(subtitle: str, *notes: str) -> str:
    return ", ".join(part for part in (subtitle, *notes) if part)


def _grid(page: Page, weights: NDArray, scale: Scale, title: str, subtitle: str) -> None:
    # weights: (O, kH, kW)
    count, *shape = weights.shape
    broken = not np.isfinite(weights).all()
    small = page.size.small
    bar = page.bar_width(scale, "weight", broken)
    width = page.right - page.left - bar - 2 * page.size.label
    gap, label = 10 * page.unit, small * LINE
    smallest = max(2.2 * small, 3 * page.unit * max(shape))
    height = page.bottom - page.top - (page.size.title + 2 * page.size.subtitle) * LINE
    shown = how_many_fit(
        count, width, height, tuple(shape), gap=gap, label=label, smallest=smallest
    )
    note = f"first {shown} of {count} filters" if shown < count else ""
    page.headline(title, _with_notes(subtitle, note), page.theme.window)
    grid = arrange(shown, width, page.bottom - page.top, tuple(shape), gap=gap, label=label)
    cell = grid.width / shape[1]
    texts, px = _numbers(page, weights[:shown], scale, cell)
    for index in range(shown):
        left, top = grid.corner(index)
        left, top = page.left + left, page.top + top
        page.text(left, top - label, str(index), px=small, colour=page.theme.quiet)
        page.array(
            weights[index], scale, left, top, grid.width, grid.height, edge=page.theme.window
        )
        if px is not None:
            each = math.prod(shape)
            page.cell_numbers(
                texts[index * each : (index + 1) * each],
                scale.rgb(weights[index]),
                px,
                left,
                top,
                grid.width,
                grid.height,
            )
    _bar(page, scale, bar, broken, label)


def _numbers(
    page: Page, weights: NDArray, scale: Scale, cell: float
) -> tuple[list[str], float | None]:
    """The weights as texts with the most digits that fit a cell, and their height if any does."""
    finite = np.where(np.isfinite(weights), weights, 0.0)
    for digits in (3, 2):
        texts = style.numbers(finite, digits)
        px = page.number_size(texts, cell, cell)
        if px is not None:
            break
    known = np.isfinite(weights).ravel()
    return [text if good else "" for text, good in zip(texts, known, strict=True)], px


def _bar(page: Page, scale: Scale, width: float, broken: bool, drop: float) -> None:
    height = min(page.bottom - page.top - drop, 420 * page.unit)
    page.bar(scale, "weight", page.right - width, page.top, height + drop, broken)


def _table(
    page: Page,
    weights: NDArray,
    scale: Scale,
    title: str,
    subtitle: str,
    channels: Sequence[str] | None,
) -> None:
    # weights: (O, I, kH, kW)
    outputs, inputs, *shape = weights.shape
    broken = not np.isfinite(weights).all()
    small, unit, theme = page.size.small, page.unit, page.theme
    bar = page.bar_width(scale, "weight", broken)
    width = page.right - page.left - bar - 2 * page.size.label
    gap, between, head = 5 * unit, 40 * unit, small * LINE
    names = [str(index) for index in range(inputs)] if channels is None else list(channels)
    number = page.measure(str(outputs - 1), small) + 10 * unit
    smallest = max(2.2 * small, 3 * unit * max(shape))
    # A column is as wide as its name; without names only every second, third ... has a number.
    heading = min(page.widest(names, small) + 8 * unit, 7 * small) if channels is not None else 0.0
    # Three lines of headline are the most that can come.
    height = page.bottom - page.top - (page.size.title + 2 * page.size.subtitle) * LINE - head
    cell = smallest / max(shape)
    pitch = max(cell * shape[1] + gap, heading)
    columns = math.floor((width - number + gap) / pitch)
    rows = max(1, math.floor((height + gap) / (max(cell * shape[0], small * 1.1) + gap)))
    shown_inputs = round_count(inputs, max(1, columns))
    blocks = max(1, math.floor((width + between) / (number + shown_inputs * pitch - gap + between)))
    shown_outputs = round_count(outputs, rows * blocks)
    notes = ["rows: filters, columns: input channels"]
    if shown_outputs < outputs:
        notes.append(f"first {shown_outputs} of {outputs} filters")
    if shown_inputs < inputs:
        notes.append(f"first {shown_inputs} of {inputs} input channels")
    page.headline(title, _with_notes(subtitle, *notes), theme.window)

    height = page.bottom - page.top - head
    best = (0.0, 0)
    for blocks in range(1, shown_outputs + 1):
        rows = math.ceil(shown_outputs / blocks)
        block = (width - between * (blocks - 1)) / blocks - number
        pitch = (block + gap) / shown_inputs
        tile_height = (height - gap * (rows - 1)) / rows
        if pitch >= max(heading, 2 * gap) and tile_height >= small * 1.1:
            best = max(best, (whole_cells(pitch - gap, tile_height, *shape), -blocks))
    cell, blocks = best[0], -best[1]
    rows = math.ceil(shown_outputs / blocks)
    tile_width, tile_height = cell * shape[1], cell * shape[0]
    pitch = max(tile_width + gap, heading)
    block = number + shown_inputs * pitch - gap
    step_x = block + min(0.6 * block, (width - block * blocks) / max(1, blocks - 1))
    step_y = max(tile_height + gap, small * 1.1)
    texts, px = _numbers(page, weights[:shown_outputs, :shown_inputs], scale, cell)
    each = math.prod(shape)
    every = 1
    if channels is None:
        every = math.ceil((page.widest(names[:shown_inputs], small) + 6 * unit) / pitch)
    for index in range(shown_outputs):
        column, row = divmod(index, rows)
        left, top = page.left + column * step_x, page.top + head + row * step_y
        page.text(
            left + number - 10 * unit,
            top + tile_height / 2,
            str(index),
            px=small,
            colour=theme.quiet,
            ha="right",
            va="center_baseline",
        )
        for channel in range(shown_inputs):
            x = left + number + channel * pitch
            if row == 0 and channel % every == 0:
                named = names[channel]
                page.text(
                    x + tile_width / 2,
                    page.top,
                    named,
                    px=small,
                    colour={"red": theme.red, "green": theme.green, "blue": theme.blue}.get(
                        named, theme.quiet
                    ),
                    ha="center",
                    width=math.inf if channels is None else pitch - 4 * unit,
                )
            values = weights[index, channel]
            page.array(values, scale, x, top, tile_width, tile_height, edge=theme.window)
            if px is not None:
                start = (index * shown_inputs + channel) * each
                page.cell_numbers(
                    texts[start : start + each],
                    scale.rgb(values),
                    px,
                    x,
                    top,
                    tile_width,
                    tile_height,
                )
    _bar(page, scale, bar, broken, head)
