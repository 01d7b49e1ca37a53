"""Where PyTorch, TensorFlow and Caffe differ."""

from __future__ import annotations

from functools import partial
from typing import Any

from convlab import lessons, shapes, viz
from convlab.errors import ShapeError
from convlab.lessons.convention_lines import convention_lines
from convlab.lessons.words import axis_text
from convlab.pictures.picture import Picture
from convlab.shapes import Pair, size_text
from convlab.words import t

MOST = 40  # the most rows and columns of an input whose outputs a picture can show


def compare_conventions(
    input: int | Pair = 6,
    kernel: int | Pair = 3,
    stride: int | Pair = 2,
    dilation: int | Pair = 1,
    padding: int | Pair | None = None,
    seed: int = 1,
) -> Picture:
    """The same numbers under several conventions, and the first cell in which they differ.

    PyTorch's padding, by default half the kernel, against TensorFlow's SAME, correlation
    against convolution, pooling rounded down or up (Caffe), and a maximum padded with minus
    infinity or zeros.  Raises ShapeError for an input that is too large to be shown.
    """
    input, kernel = shapes.pair(input, "input"), shapes.pair(kernel, "kernel")
    stride, dilation = shapes.pair(stride, "stride"), shapes.pair(dilation, "dilation")
    if max(input) > MOST:
        raise ShapeError(f"input: expected at most {MOST} x {MOST}, got {size_text(*input)}")
    if padding is not None:
        padding = shapes.pair(padding, "padding", least=0)
    found = lessons.compare_conventions(input, kernel, stride, dilation, padding, seed)
    title = t("Where conventions part")
    subtitle = t("input {size}, kernel {size2}", size_text(*input), size_text(*kernel))
    if stride != (1, 1):
        subtitle += t(", stride {size}", axis_text(stride))
    if dilation != (1, 1):
        subtitle += t(", dilation {size}", axis_text(dilation))
    subtitle += t(", seed {seed}", seed)
    described = "; ".join(
        f"{c.title}, {c.sides[0].name} and {c.sides[1].name}: {c.difference()}"
        for c in found.comparisons
    )
    return Picture(
        title,
        f"{title}: {subtitle}. {described}.",
        partial(
            viz.conventions,
            found.input,
            found.kernel,
            found.comparisons,
            title=title,
            subtitle=subtitle,
        ),
        facts={"setting": subtitle},
        parameters={
            "kernel": kernel,
            "stride": stride,
            "dilation": dilation,
            "padding": padding,
            "seed": seed,
        },
        inputs={"input": found.input},
        weights={"kernel": found.kernel},
        result={
            c.title: {"first": c.first, **{side.name: _record(side) for side in c.sides}}
            for c in found.comparisons
        },
        lines=lambda: [subtitle, *convention_lines(found)],
    )


def _record(side: viz.Convention) -> dict[str, Any]:
    return {"setting": side.setting, "sizes": side.sizes, "values": side.values}
