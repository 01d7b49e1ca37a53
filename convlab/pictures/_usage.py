"""How often a convolution reads each pixel, and why kernels are odd."""

from __future__ import annotations

from functools import partial

from convlab import lessons, viz
from convlab.errors import ShapeError
from convlab.lessons.words import axis_text, sides_text
from convlab.numerals import MINUS
from convlab.pictures.picture import Picture, said
from convlab.shapes import Pair, along, padding_sides, pair, size_text
from convlab.words import t

MOST = 30  # pixels along a side


def usage(size: int | Pair = 6, kernel: int | Pair = 3, stride: int | Pair = 2) -> Picture:
    """How often each pixel is read without padding, with padding that keeps the size, by strides.

    The counts are the engine's: the gradient of the sum of all outputs, all weights being 1.
    Beside them the kernel with its centre, and the next larger one, which has none if it is
    even.  Raises ShapeError for more than fits.
    """
    size, kernel, stride = pair(size, "size"), pair(kernel, "kernel"), pair(stride, "stride")
    sides = padding_sides("same", kernel)
    if max(size[0] + sides[0] + sides[1], size[1] + sides[2] + sides[3]) > MOST:
        raise ShapeError(
            f"usage: expected at most {MOST} × {MOST} pixels with the padding, got"
            f" {size_text(*size)} and a kernel of {size_text(*kernel)}"
        )
    step = axis_text(stride)
    valid, same = lessons.usage(size, kernel), lessons.usage(size, kernel, padding=sides)
    strided = lessons.usage(size, kernel, stride)
    padded = (
        t("uneven padding")
        if sides[::2] != sides[1::2]
        else t("padding {sides}", sides_text(sides))
    )
    ways = {t("no padding"): valid, padded: same, t("stride {step}", step): strided}
    words = "valid: ", "same: ", ""
    panels = [
        viz.ReadPixels(
            name, t("{word}output {size}", word, size_text(*way.output)), way.counts, way.padding
        )
        for (name, way), word in zip(ways.items(), words, strict=True)
    ]
    other = kernel[0] + 1, kernel[1] + 1
    edges = t(
        "a corner is read {times}, a pixel in the middle {times2}",
        *(_times(valid.corner), _times(valid.most)),
    )
    facts = [
        (t("size kept"), _kept(kernel, same)),
        (
            t("the edges"),
            t(
                "{edges}; with padding {times} and {times2}",
                *(edges, _times(same.corner), _times(same.most)),
            ),
        ),
    ]
    if strided.unread:
        pixels = t(
            "{unread} of {value} pixels at stride {step}", strided.unread, size[0] * size[1], step
        )
        facts.append((t("never read"), pixels))
    title = t("How often each pixel is read")
    subtitle = t("input {size}, kernel {size2}", size_text(*size), size_text(*kernel))
    counts = {name: way.counts for name, way in ways.items()}
    return Picture(
        title,
        f"{title}: {subtitle}. {said(dict(facts))}.",
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
    return {0: t("never"), 1: t("once"), 2: t("twice")}.get(count, t("{count} times", count))


def _kept(kernel: Pair, same: lessons.Usage) -> str:
    """The padding p = (f - 1) / 2 of an odd kernel, or why an even one has none.

    Of the rows, or of the columns if only they have none.
    """
    uneven = [before != after for before, after in (along(same.padding, i) for i in (0, 1))]
    axis = uneven.index(True) if any(uneven) else 0
    before, after = along(same.padding, axis)
    half = f"(f {MINUS} 1)/2 = ({kernel[axis]} {MINUS} 1)/2"
    which = "" if kernel[0] == kernel[1] else ("rows: ", "columns: ")[axis]
    if before == after:
        return t(
            "{which}p = {half} = {before}, and {relations}",
            *(which, half, before, same.relations[axis]),
        )
    no_half = t("{half} is no whole number: {before} before, {after} after", half, before, after)
    return t("{which}{no_half}, and {relations}", which, no_half, same.relations[axis])


def _centred(kernel: Pair) -> viz.CentredKernel:
    name = t("kernel {size}", size_text(*kernel))
    if kernel[0] % 2 and kernel[1] % 2:
        return viz.CentredKernel(name, t("odd: a centre"), kernel, (kernel[0] // 2, kernel[1] // 2))
    return viz.CentredKernel(name, t("even: no centre"), kernel, None)
