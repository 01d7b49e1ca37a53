"""Output sizes as written in a lecture: the relation with its numbers filled in.

The relations' numbers are those of Dumoulin & Visin (2016), "A guide to
convolution arithmetic for deep learning".
"""

from __future__ import annotations

from dataclasses import dataclass

from convlab import shapes
from convlab.errors import ShapeError

MINUS = "\u2212"


@dataclass(frozen=True)
class SizeRelation:
    """The size of an output along one axis, in pixels.

    ``expression`` is the right-hand side with all numbers put in, such as
    "⌊(5 + 2·1 − 3) / 2⌋ + 1"; ``number`` is the relation's in Dumoulin & Visin
    (2016), None for what their guide does not cover (padding that cuts off).
    """

    expression: str
    value: int
    number: int | None

    def __str__(self) -> str:
        return f"{self.expression} = {self.value}"


def _padding(before: int, after: int) -> str:
    """2·1 for equal sides, 0 + 1 for others, nothing for none."""
    if before == after:
        return f"2·{before}" if before else ""
    return f"{before} + {after}"


def _span(kernel: int, dilation: int) -> str:
    """What is subtracted for the kernel, with dilation as in relation 15."""
    if dilation == 1:
        return f"{MINUS} {kernel}"
    return f"{MINUS} {kernel} {MINUS} {kernel - 1}·{dilation - 1}"


def conv_size(
    size: int, kernel: int, stride: int = 1, before: int = 0, after: int = 0, dilation: int = 1
) -> SizeRelation:
    """Output size of a convolution with ``before`` and ``after`` pixels of padding.

    Relations 1 to 6, and 15 with dilation.  Raises ShapeError, with the relation,
    if the kernel is larger than the padded input.
    """
    padding = _padding(before, after)
    sides = f" + {padding}" if padding else ""
    span = shapes.effective_kernel(kernel, dilation)
    if size + before + after < span:
        # A zero is shown here, because it is what has to change.
        sides = sides or " + 2·0"
        raise ShapeError(
            f"{size}{sides} {_span(kernel, dilation)} < 0: kernel larger than padded input"
        )
    inside = f"{size}{sides} {_span(kernel, dilation)}"
    expression = f"({inside}) + 1" if stride == 1 else f"⌊({inside}) / {stride}⌋ + 1"
    value = shapes.conv_output(size, kernel, stride, before + after, dilation)
    if dilation > 1:
        number = 15
    elif stride > 1:
        number = 6 if before or after else 5
    elif before == after == (kernel - 1) / 2 and kernel % 2:
        number = 3 if before else 1
    elif before == after == kernel - 1:
        number = 4
    else:
        number = 2 if before or after else 1
    return SizeRelation(expression, value, number)


def conv_transpose_size(
    size: int,
    kernel: int,
    stride: int = 1,
    before: int = 0,
    after: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> SizeRelation:
    """Output size of a transposed convolution; ``before`` and ``after`` are cut off.

    Relations 8 to 14; with dilation the kernel of 14 is the dilated one.
    Raises ShapeError if nothing is left.
    """
    padding = _padding(before, after)
    if padding and before != after:
        padding = f"({padding})"
    taken = f" {MINUS} {padding}" if padding else ""
    extra = f" + {output_padding}" if output_padding else ""
    wide = str(kernel) if dilation == 1 else f"({dilation}·{kernel - 1} + 1)"
    steps = f"({size} {MINUS} 1)" if stride == 1 else f"{stride}·({size} {MINUS} 1)"
    expression = f"{steps}{extra} + {wide}{taken}"
    value = shapes.conv_transpose_output(
        size, kernel, stride, before + after, output_padding, dilation
    )
    if value < 1:
        raise ShapeError(f"{expression} = {value} < 1: padding cuts off the whole output")
    if stride > 1:
        number = 14 if output_padding or dilation > 1 else 13 if before or after else 12
    elif before == after == 0:
        number = 8
    elif before == after and kernel % 2 and before == kernel // 2:
        number = 10
    elif before == after == kernel - 1:
        number = 11
    else:
        number = 9
    if dilation > 1 or output_padding:
        number = 14
    return SizeRelation(expression, value, number)


def pool_size(
    size: int,
    kernel: int,
    stride: int,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> SizeRelation:
    """Output size of a pooling, ``padding`` on both sides; relation 7 if there is none.

    With ``ceil_mode`` the quotient is rounded up, as PyTorch and Caffe do, and a window that would
    begin past the input and its leading padding is left out.  Raises ShapeError, with the relation,
    if the window is larger than the padded input.
    """
    span = shapes.effective_kernel(kernel, dilation)
    sides = f" + 2·{padding}" if padding else ""
    inside = f"{size}{sides} {_span(kernel, dilation)}"
    if size + 2 * padding < span:
        raise ShapeError(
            f"{size} + 2·{padding} {_span(kernel, dilation)} < 0: window larger than padded input"
        )
    value = shapes.pool_output(size, kernel, stride, padding, dilation, ceil_mode)
    left, right = ("⌈", "⌉") if ceil_mode else ("⌊", "⌋")
    expression = f"({inside}) + 1" if stride == 1 else f"{left}({inside}) / {stride}{right} + 1"
    full = -(-(size + 2 * padding - span) // stride) + 1
    if ceil_mode and value < full:
        expression += f" {MINUS} 1"
    plain = padding == 0 and dilation == 1 and not ceil_mode
    return SizeRelation(expression, value, 7 if plain else None)
