"""What a dense layer costs as images grow."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from convlab import viz
from convlab.errors import SpecError
from convlab.lessons import conv_layer, dense_layer, shape_text
from convlab.lessons.counts import WeightedCount
from convlab.pictures.picture import Picture
from convlab.shapes import Pair, pair, size_text
from convlab.words import t

SIDES = (8, 2000)
MOST = 32  # the most rows and columns of a kernel: an example has this many pixels


def parameters(neurons: int = 1000, kernel: int | Pair = 5, filters: int = 6) -> Picture:
    """Parameters of dense layers and of a convolution as the image grows.

    Dense layers of ``neurons`` are counted by their weights, the convolution with ``filters``
    including its biases.  Raises SpecError for a kernel above 32 × 32.
    """
    kernel = pair(kernel, "kernel")
    first, last = SIDES
    first = max(first, *kernel)
    if first > MOST:
        raise SpecError(f"kernel: expected at most {MOST} x {MOST}, got {size_text(*kernel)}")
    sides = np.unique(np.round(np.geomspace(first, last, 60)).astype(int))
    counted = _Counted(neurons, kernel, filters)
    growths, examples = counted.growths(sides), counted.examples()
    title = t("Parameters as the image grows")
    subtitle = t(
        "dense layers: weights; convolution {size}: weights and biases", size_text(*kernel)
    )
    described = ", ".join(f"{e.texts[0]}: {e.count:,}" for e in examples)
    return Picture(
        title,
        f"{subtitle}. {described}.",
        partial(viz.parameters, growths, examples, title=title, subtitle=subtitle),
        parameters={"neurons": neurons, "kernel": kernel, "filters": filters},
        inputs={"sides": sides},
        result={
            "lines": {t("{name}, {detail}", g.name, g.detail): g.counts for g in growths},
            "examples": {e.texts[0]: e.count for e in examples},
        },
    )


class _Counted(NamedTuple):
    """The layers that are counted."""

    neurons: int
    kernel: Pair
    filters: int

    @property
    def each(self) -> str:
        return t("{n:,} neuron", self.neurons, several="{n:,} neurons")

    def dense(self, side: int, channels: int) -> int:
        return dense_layer((side * side * channels,), self.neurons).dense.value

    def convolution(self, side: int) -> WeightedCount:
        return conv_layer((3, side, side), self.kernel, self.filters)

    def growths(self, sides: np.ndarray) -> list[viz.Growth]:
        """The lines: a layer's name and detail, and its count for each side."""
        named = t(
            "{size}, {n:,} filter",
            *(size_text(*self.kernel, 3), self.filters),
            several="{size}, {n:,} filters",
        )
        convolutions = [self.convolution(side) for side in sides.tolist()]
        rows: list[tuple[str, str, list[int], bool]] = [
            (
                t("dense"),
                t("{each}, grey", self.each),
                [self.dense(n, 1) for n in sides.tolist()],
                True,
            ),
            (
                t("dense"),
                t("{each}, RGB", self.each),
                [self.dense(n, 3) for n in sides.tolist()],
                True,
            ),
            (t("dense"), t("to the same outputs"), [c.dense.value for c in convolutions], True),
            (t("convolution"), named, [c.parameters.value for c in convolutions], False),
        ]
        return [
            viz.Growth(name, detail, sides, np.array(counts), is_dense)
            for name, detail, counts, is_dense in rows
        ]

    def examples(self) -> list[viz.Example]:
        """What is marked on the lines."""
        small = self.convolution(MOST)
        outputs = t("32 × 32 × 3 to {size}", shape_text(small.output_shape))
        megapixel = t("one megapixel, RGB, to {each}", self.each)
        rows = (
            (100, self.dense(100, 1), t("100 × 100 to {each}", self.each), "100 × 100", True),
            (1000, self.dense(1000, 3), megapixel, "1000 × 1000 × 3", True),
            (32, small.dense.value, outputs, "32 × 32 × 3", True),
            (32, small.parameters.value, t("the same by convolution"), "32 × 32 × 3", False),
        )
        return [
            viz.Example(side, count, (long, short, ""), is_dense)
            for side, count, long, short, is_dense in rows
        ]
