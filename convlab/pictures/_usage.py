"""How often a convolution reads each pixel, and why kernels are odd."""

from __future__ import annotations

from functools import partial

from convlab import lessons, viz
from convlab.errors import ShapeError
from convlab.numerals import MINUS
from convlab.pictures.picture import Picture
from convlab.shapes import Pair, Sides, pair, size_text

MOST = 30  # pixels along a side


def usage(size: int | Pair = 6, kernel: int | Pair = 3, stride: int | Pair = 2) -> Picture:
    """How often each pixel is read without padding, with padding that keeps the size, by strides.

    The counts are the engine's: the gradient of the sum of all outputs, all weights being 1.
    Beside them the kernel with its centre, and the next larger one, which has none if it is
    even.  Raises ShapeError for more than fits.
    """
    size, kernel, stride = pair(size, "size"), pair(kernel, "kernel"), pair(stride, "stride")
    sides = lessons.same_sides(kernel)
    if max(size[0] + sides[0] + sides[1], size[1] + sides[2] + sides[3]) > MOST:
        raise ShapeError(
            f"usage: expected at most {MOST} × {MOST} pixels with the padding, got"
            f" {size_text(*size)} and a kernel of {size_text(*kernel)}"
        )
    step = stride[0] if stride[0] == stride[1] else size_text(*stride)
    valid, same = lessons.usage(size, kernel), lessons.usage(size, kernel, padding=sides)
    strided = lessons.usage(size, kernel, stride)
    ways = {"no padding": valid, f"padding {_around(sides)}": same, f"stride {step}": strided}
    words = "valid: ", "same: ", ""
    panels = [
        viz.ReadPixels(name, f"{word}output {size_text(*way.output)}", way.counts, way.padding)
        for (name, way), word in zip(ways.items(), words, strict=True)
    ]
    other = kernel[0] + 1, kernel[1] + 1
    edges = f"a corner is read {_times(valid.corner)}, a pixel in the middle {_times(valid.most)}"
    facts = [
        ("size kept", _kept(kernel, same)),
        ("the edges", f"{edges}; with padding {_times(same.corner)} and {_times(same.most)}"),
    ]
    if strided.unread:
        pixels = f"{strided.unread} of {size[0] * size[1]} pixels at stride {step}"
        facts.append(("never read", pixels))
    title = "How often each pixel is read"
    subtitle = f"input {size_text(*size)}, kernel {size_text(*kernel)}"
    counts = {name: way.counts for name, way in ways.items()}
    return Picture(
        title,
        f"{title}: {subtitle}. " + "; ".join(f"{label}: {text}" for label, text in facts) + ".",
        partial(
            viz.usage,
            panels,
            [_centred(kernel), _centred(other)],
            facts=facts,
            title=title,
            subtitle=subtitle,
        ),
        parameters={"input": size, "kernel": kernel, "stride": stride, "padding": sides},
        result={"counts": counts, "outputs": {name: way.output for name, way in ways.items()}},
        facts=dict(facts),
    )


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _around(sides: Sides) -> str:
    """Padding as one number where it is the same on all sides."""
    return str(sides[0]) if len(set(sides)) == 1 else ",".join(map(str, sides))


def _kept(kernel: Pair, same: lessons.Usage) -> str:
    """The padding p = (f - 1) / 2 of an odd kernel, or why an even one has none."""
    (rows, _), (before, after) = same.relations, same.padding[:2]
    half = f"(f {MINUS} 1)/2 = ({kernel[0]} {MINUS} 1)/2"
    if before == after:
        return f"p = {half} = {before}, and {rows}"
    return f"{half} is no whole number: {before} before, {after} after, and {rows}"


def _centred(kernel: Pair) -> viz.CentredKernel:
    name = f"kernel {size_text(*kernel)}"
    if kernel[0] % 2 and kernel[1] % 2:
        return viz.CentredKernel(name, "odd: a centre", kernel, (kernel[0] // 2, kernel[1] // 2))
    return viz.CentredKernel(name, "even: no centre", kernel, None)
