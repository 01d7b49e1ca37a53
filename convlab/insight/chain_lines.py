"""A chain of explanations as lines of text: step by step down to a pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from convlab.insight.explain import (
    Box,
    BranchSum,
    Cell,
    ConvolutionSum,
    DenseSum,
    Distance,
    Explanation,
    Pooling,
    SoftmaxShare,
    ulps,
)
from convlab.insight.number_lines import short
from convlab.insight.sum_words import (
    COLOURS,
    cell_text,
    place_text,
    strongest_product,
    unit_name,
    value_text,
    what_text,
)
from convlab.models import Network
from convlab.numerals import ALMOST
from convlab.terminal import Arranged, Block, Line, Paragraph, Span


def step_line(one: Explanation) -> Line:
    """One unit of a chain in one line: its value, and what its strongest term is."""
    name = f"{one.layer} {','.join(map(str, one.unit))}"
    parts: list[str | Span] = ["↓ ", Span(f"{name} = {value_text(one.value)}", "output", bold=True)]
    cell = one.strongest
    if cell is None:
        return [*parts, "  its window lies in the padding"]
    if isinstance(one, ConvolutionSum | DenseSum):
        return [*parts, "  ", *_product(one, cell)]
    if isinstance(one, Pooling | SoftmaxShare):
        return [*parts, f"  {_taken(one, cell)}"]
    return [*parts, f"  {cell_text(cell)}"]


def step_lines(one: Explanation, network: Network, classes: Sequence[str]) -> Iterator[Line]:
    """One unit of a chain: its value, its strongest term, and what all others add."""
    exact = "" if ulps(one.value, one.recomputed) else "  to the last bit"
    name = unit_name(one, network, classes)
    yield (
        "↓ ",
        Span(f"{name} = {value_text(one.value)}", "output", bold=True),
        Span(f"  {one.kind}{exact}", quiet=True),
    )
    cell = one.strongest
    if cell is None:
        yield "    its window lies in the padding: the chain ends here"
    elif isinstance(one, ConvolutionSum | DenseSum):
        yield from _product_lines(one, cell)
    elif isinstance(one, Distance):
        largest = short(float(one.squares.max()))
        yield f"    largest of {one.squares.size} squares: {cell_text(cell)}, {largest}"
    elif isinstance(one, BranchSum):
        yield f"    largest of {len(one.cells)} branches: {cell_text(cell)}, {short(cell.value)}"
    else:
        yield f"    {_taken(one, cell)}, ", Span(short(cell.value), "input")


def _taken(one: Explanation, cell: Cell) -> str:
    """What a unit has taken from the numbers that it reads."""
    if isinstance(one, Pooling):
        what = "winner" if one.reduction == "maximum" else f"{one.reduction}; largest"
        return f"{what} of {int((~one.outside).sum())} cells: {cell_text(cell)}"
    if isinstance(one, SoftmaxShare):
        return f"softmax of {cell_text(cell)}"
    return what_text(one)


def _product_lines(one: ConvolutionSum | DenseSum, cell: Cell) -> Iterator[Line]:
    terms, contribution = strongest_product(one)
    yield f"    strongest of {terms} terms: ", *_product(one, cell)
    others = one.exact - contribution - (one.bias or 0.0)
    bias = "" if one.bias is None else f", bias {short(one.bias, plus=True)}"
    yield f"    all others {short(others, plus=True)}{bias}"


def _product(one: ConvolutionSum | DenseSum, cell: Cell) -> list[str | Span]:
    """The strongest term of a sum: its cell, times its weight."""
    _, contribution = strongest_product(one)
    factor = f" × {short(contribution / float(cell.value))}" if cell.value else ""
    value, product = short(cell.value), short(contribution, plus=True)
    sign = ALMOST if ALMOST in f"{value}{factor}{product}" else "="
    return [
        f"{cell_text(cell)}, ",
        Span(value, "input"),
        Span(factor, "window"),
        f" {sign} {product.removeprefix(ALMOST)}",
    ]


def pixel_lines(
    chain: Sequence[Explanation], x: np.ndarray, shown: np.ndarray, complete: bool
) -> Iterator[Line | Block]:
    """The part of the image that the first unit sees, and the pixel at the chain's end.

    x (C, H, W): the image as the network takes it; ``shown``: the bytes it is made of, which are
    printed if ``complete``.
    """
    first, cell = chain[0], chain[-1].strongest
    unit = f"{first.layer}, {place_text(first.unit)}," if len(chain) > 1 else "This unit"
    if first.sees is not None:
        yield from _seen_lines(unit, first.sees, shown, complete)
    elif first.strongest is None:
        yield Paragraph(f"{unit} sees nothing: it is 0 whatever the image.")
    else:
        yield Paragraph(
            "The pixels that this unit sees are not the same box for every unit of the layer."
        )
    if cell is not None and cell.layer is None:
        channel, row, column = cell.place
        colour = f", {COLOURS[channel]}" if len(shown) == 3 else ""
        yield (
            "↓ " if len(chain) > 1 else "strongest: ",
            Span(f"pixel row {row}, column {column}{colour}", "input", bold=True),
            f": byte {shown[cell.place]}, {value_text(x[cell.place])} for the network",
        )


def _seen_lines(unit: str, box: Box, shown: np.ndarray, complete: bool) -> Iterator[Line | Block]:
    _, height, width = shown.shape
    if box == (0, 0, height, width):
        yield Paragraph(f"{unit} sees the whole image, {height} × {width} pixels.")
        return
    top, left, bottom, right = box
    rows, columns = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
    outside = min(top, left) < 0 or bottom > height or right > width
    yield Paragraph(
        f"{unit} sees {bottom - top} × {right - left} pixels{' with padding' * outside}: rows"
        f" {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1} of the"
        " image"
    )
    if complete:
        yield Arranged(lambda width: _byte_lines(shown[:, rows, columns], width))


def _byte_lines(part: np.ndarray, room: int) -> Iterator[Line]:
    """Pixels (C, H, W) as their bytes if they fit in a line, else as shades."""
    channels, height, width = part.shape
    if channels == 1 and 4 * width + 2 <= room:
        for row in part[0]:
            yield "  ", Span("".join(f"{byte:4}" for byte in row), "input")
    elif height and 2 * width + 2 <= room:
        for row in part.mean(axis=0):
            yield "  " + "".join(" ░▒▓█"[min(int(byte / 51.2), 4)] * 2 for byte in row).rstrip()
