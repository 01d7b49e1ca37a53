"""The rungs in order, each ready to run on one convolution."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from difflib import unified_diff
from types import ModuleType

import numpy as np

from convlab.errors import ShapeError
from convlab.ladder import (
    batch_innermost,
    channels,
    compiled,
    engine,
    plain_python,
    taps,
    threads,
    tiles,
    unsigned_index,
)
from convlab.shapes import Conv2dGeometry
from convlab.words import t

PART = 50_000  # multiply-adds per call of the loop in plain Python: some hundredths of a second


@dataclass(frozen=True)
class Rung:
    """One version of the loop: its idea in a few words, and its module.

    The module has ``convolve``, or ``convolve_with(kernel_width)``, which returns it.
    """

    idea: str
    module: ModuleType
    batch_innermost: bool = True  # (C, H, W, N); else (N, C, H, W)
    block: int = 1  # output channels come in blocks of this many

    def loop(self, kernel_width: int) -> Callable:
        """The loop for kernels of so many columns; it is compiled when first called."""
        if hasattr(self.module, "convolve_with"):
            return self.module.convolve_with(kernel_width)
        return self.module.convolve

    @property
    def text(self) -> str:
        """The idea and where it is from, in whole sentences; the first line is its title."""
        return inspect.cleandoc(self.module.__doc__ or "")

    @property
    def source(self) -> str:
        """The source of the loop, including the function that makes it."""
        maker = getattr(self.module, "convolve_with", None) or self.module.convolve
        return inspect.getsource(inspect.unwrap(maker))

    @property
    def lines(self) -> list[str]:
        """The lines of the loop only."""
        source = inspect.getsource(inspect.unwrap(self.loop(1)))
        return textwrap.dedent(source).splitlines()


RUNGS = (
    Rung(t("plain Python"), plain_python, batch_innermost=False),
    Rung(t("compiled"), compiled, batch_innermost=False),
    Rung(t("threads"), threads, batch_innermost=False),
    Rung(t("batch innermost"), batch_innermost),
    Rung(t("unsigned indices: vectors"), unsigned_index),
    Rung(t("a row of taps at once"), taps),
    Rung(t("4 output channels at once"), channels, block=4),
    Rung(t("tiles that stay in cache"), tiles, block=4),
    Rung(t("the engine's own"), engine),
)
PLAIN, ENGINE = RUNGS[0], RUNGS[-1]


def difference(number: int) -> str:
    """The unified diff from the loop before to a rung's own, by its number from 1.

    Empty for the first, and for the engine's, which is a different loop altogether.
    """
    if RUNGS[number - 1] in (PLAIN, ENGINE):
        return ""
    before, after = RUNGS[number - 2], RUNGS[number - 1]
    old, new = (f"{rung.module.__name__.rpartition('.')[2]}.py" for rung in (before, after))
    return "\n".join(unified_diff(before.lines, after.lines, old, new, n=2, lineterm=""))


class Task:
    """One rung on one convolution: each call is one run to measure.

    x: (N, C, H, W) · weight: (O, C, KH, KW), both float32.  What a rung needs of its arrays is made
    here, once: their memory order, zeros around the input, channels that fill a block. ``share`` is
    the fraction of all multiply-adds that a call does: plain Python gets at most ``PART`` of them.

    Raises ShapeError for strides, dilations and groups, which only the engine has.
    """

    def __init__(self, rung: Rung, x: np.ndarray, weight: np.ndarray, g: Conv2dGeometry):
        if g.stride != (1, 1) or g.dilation != (1, 1) or g.groups != 1:
            raise ShapeError(
                "ladder: expected stride 1, dilation 1 and one group, got stride"
                f" {g.stride}, dilation {g.dilation} and {g.groups} groups"
            )
        self.rung, self.geometry, self.share = rung, g, 1.0
        if rung is ENGINE:
            self.arguments: tuple = (_batch_last(x), weight, g)
            self.loop = engine.convolve
            return
        top, bottom, left, right = g.padding
        x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
        missing = -g.out_channels % rung.block
        weight = np.pad(weight, ((0, missing), (0, 0), (0, 0), (0, 0)))
        shape: tuple[int, ...] = (len(x), len(weight), *g.output)
        if rung is PLAIN:
            shape, weight, self.share = _part(shape, weight)
        if rung.batch_innermost:
            x, shape = _batch_last(x), (*shape[1:], shape[0])
        # Not empty: earlier results may lie there.
        self.arguments = x, weight, np.full(shape, np.nan, x.dtype)
        self.loop = rung.loop(g.kernel[1])

    def __call__(self) -> np.ndarray | None:
        """Run it; see ``output`` for the result."""
        return self.loop(*self.arguments)

    def output(self) -> np.ndarray:
        """Run it, and return the output (N, O, OH, OW), or the part of it that is computed."""
        made = self()
        out = self.arguments[2] if made is None else made
        out = out.transpose(3, 0, 1, 2) if self.rung.batch_innermost else out
        return out[:, : self.geometry.out_channels]


def _batch_last(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(1, 2, 3, 0))


def _part(shape: tuple[int, ...], weight: np.ndarray) -> tuple[tuple[int, ...], np.ndarray, float]:
    """A smaller output (N, O, OH, OW) and weight with at most ``PART`` multiply-adds.

    The innermost loops keep their length: what is left out is whole iterations of the outer ones.
    """
    sizes = [*shape, *weight.shape[1:]]
    kept, left = list(sizes), PART
    for axis in reversed(range(len(sizes))):
        kept[axis] = min(sizes[axis], max(1, left))
        left //= kept[axis]
    n, o, oh, ow, c, kh, kw = kept
    share = float(np.prod(kept, dtype=float) / np.prod(sizes, dtype=float))
    return (n, o, oh, ow), np.ascontiguousarray(weight[:o, :c, :kh, :kw]), share
