"""One position of a window as lines of text: what is multiplied, and the sum that it makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from convlab.errors import SpecError
from convlab.insight.code_lines import code_lines
from convlab.insight.sum_lines import strongest
from convlab.lessons.convolution import Convolution
from convlab.numerals import bracketed, grain, sums
from convlab.shapes import size_text
from convlab.terminal import Arranged, Block, Line, Span, plain, quiet, side_by_side
from convlab.window_step import SlidingWindow

MOST_TERMS, ENDS = 24, 8  # terms of a sum in one line; shown at either end of a longer one
ROWS = 12  # of all channels together, unless all are wanted


def example_lines(
    example: Convolution, at: tuple[int, int, int], complete: bool = False, code: bool = False
) -> Iterator[Line | Block]:
    """The sum behind one output value, ``at`` (filter, row, column), and the output's size.

    All terms if ``complete``, however many; with ``code`` the layer in other libraries.  Raises
    ShapeError for a value that does not exist.
    """
    shown = example.picture(example.step(at))
    yield quiet(", ".join(example.words()))
    yield ""
    place = f"filter {at[0]}, row {at[1]}, column {at[2]} of {size_text(*example.output.shape)}"
    yield (Span(place, "output", bold=True),)
    yield from window_lines(shown, complete)
    for axis, relation in zip(("rows", "columns"), example.relations, strict=True):
        number = f"   relation {relation.number}" if relation.number else ""
        yield quiet(f"  {axis:8} {relation}{number}")
    if code:
        yield ""
        yield from code_lines(example.notations())


def window_lines(shown: SlidingWindow, complete: bool = False) -> Iterator[Line | Block]:
    """Patch, kernel and products of each channel side by side, then what they add up to.

    Raises SpecError for a pooling, which has no kernel.
    """
    if shown.kernel is None:
        raise SpecError("lines of a window: expected a convolution, got a pooling")
    patch = shown.patch()
    products = sums(patch * shown.kernel, grain(1, shown.stage, shown.kernel))
    count = len(patch)
    under = np.ix_(np.arange(count), *shown.window)
    grids = (
        (np.reshape(shown.inputs().marked(), shown.stage.shape)[under], "input"),
        (np.reshape(shown.weights().marked(), patch.shape), "window"),
        (np.reshape(products.marked(), patch.shape), ""),
    )
    adding, height = shown.sums(), patch.shape[1]
    most = max(1, ROWS // (height + 1))
    chosen = strongest(shown.channel_sums, complete or count <= most, most)
    for channel in chosen:
        if count > 1:
            yield f"channel {channel} adds {adding[channel]}"
        if height > ROWS and not complete:
            yield quiet(f"  {height} × {patch.shape[2]} numbers (--all prints them)")
            continue
        blocks = [_block(texts[channel], role) for texts, role in grids]
        yield Arranged(partial(_beside, blocks, products.sign))
    if len(chosen) < count:
        hidden = [channel for channel in range(count) if channel not in chosen]
        rest = f"{len(hidden)} channel{'s' * (len(hidden) > 1)} left out"
        yield f"… {rest} (--all prints all) add {shown.sum_of(hidden)} …"
    yield ""
    terms = [bracketed(product) for product in products.marked()]
    if not complete and len(terms) > MOST_TERMS:
        terms[ENDS:-ENDS] = [f"… {len(terms) - 2 * ENDS} more …"]
    line: list[str | Span] = [f"  {' + '.join(terms)}"]
    if shown.bias is not None:
        line += [" + ", Span(bracketed(shown.bias_text()), "bias")]
    equals = max(products.sign, shown.equals())  # "≈" of either
    yield [*line, f" {equals} ", Span(shown.value(), "output", bold=True)]
    yield ""


def _beside(blocks: Sequence[Sequence[Line]], sign: str, width: int) -> Iterator[Line]:
    """Patch, kernel and products side by side, one below the other, or not at all."""
    across = [len(plain(block[0])) for block in blocks]
    signs = ["  ×  ", f"  {sign}  "]
    if sum(across) + 12 <= width:
        yield from side_by_side(blocks, signs, len(blocks[0]) // 2)
    elif max(across) + 2 > width:
        yield quiet(f"  {len(blocks[0])} rows, too long for {width} columns; see --json")
    else:
        for mark, block in zip(["", *signs], blocks, strict=True):
            yield from [mark] if mark else []
            yield from (("  ", *([line] if isinstance(line, str) else line)) for line in block)


def _block(texts: np.ndarray, role: str) -> list[Line]:
    """A grid of texts (H, W) as lines of equal width."""
    width = max(map(len, texts.flat))
    return [[Span(" ".join(text.rjust(width) for text in row), role)] for row in texts]
