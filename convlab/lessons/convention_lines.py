"""A comparison of conventions as lines of text: settings, sizes and values side by side."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from convlab.lessons.conventions import Conventions
from convlab.numerals import exact
from convlab.shapes import size_text
from convlab.terminal import Arranged, Block, Line

Part = tuple[str, Sequence[str], np.ndarray]
"""A name, the text below it, and values (H, W)."""


def convention_lines(found: Conventions) -> Iterator[Line | Block]:
    """The input and the kernel, then each comparison and the first cell that differs."""
    yield _beside(("input", [], found.input), ("kernel", [], found.kernel))
    for comparison in found.comparisons:
        yield ""
        yield comparison.title
        sides = []
        for side in comparison.sides:
            rows, columns = side.sizes
            sizes = [rows] if rows == columns else [f"rows {rows}", f"columns {columns}"]
            head = [side.setting, *sizes, size_text(*side.values.shape)]
            sides.append((side.name, head, side.values))
        yield _beside(*sides)
        part = "" if comparison.first is None else "they part first at "
        yield f"  {part}{comparison.difference()}"
    yield ""


def _beside(*parts: Part) -> Block:
    """Two parts in columns, with their values only if a terminal is wide enough."""
    return Arranged(partial(_in_columns, parts))


def _in_columns(parts: Sequence[Part], room: int) -> Iterator[str]:
    blocks, grids = [], []
    for name, lines, values in parts:
        texts = np.reshape(exact(values).marked(), values.shape)
        longest = max(len(text) for text in texts.flat)
        grids.append([" ".join(text.rjust(longest) for text in row) for row in texts])
        blocks.append([name, *lines])
    if 2 + 4 + sum(len(grid[0]) for grid in grids) <= room:
        high = max(len(block) for block in blocks)
        for block, grid in zip(blocks, grids, strict=True):
            block += [""] * (high - len(block)) + grid
    width = max(len(line) for line in blocks[0]) + 4
    for left, right in itertools.zip_longest(*blocks, fillvalue=""):
        yield f"  {left:{width}}{right}".rstrip()
