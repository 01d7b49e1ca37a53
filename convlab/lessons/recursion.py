"""The recursion behind a receptive field, with its numbers, layer by layer."""

from __future__ import annotations

import itertools

from convlab import numerals
from convlab.models import LayerField
from convlab.nn import Family
from convlab.numerals import MINUS
from convlab.shapes import ReceptiveField, adaptive_windows


def field_recursion(row: LayerField, input_shape: tuple[int, ...]) -> list[tuple[str, list[str]]]:
    """(axis, lines) of how a layer's receptive field follows from those that it reads.

    input_shape: (C, H, W) or (features,) of what the layer reads.
    The axis is "rows", "columns", or empty where both have the same numbers.  The
    lines are r = 11 + (3 − 1)·4 = 19 and the like for the effective stride S, the
    effective padding P and the centre of the first unit (Araujo, Norris & Sim 2019,
    equations 1 to 4); none for layers that only pass numbers on, and if there is no field, one that
    says so.
    """
    if row.field is None:
        return [("", [_without_field(row)])]
    if row.family is not Family.JOIN and row.field == row.inputs[0] and row.window is None:
        return []
    axes = [_axis_lines(row, row.field[axis], axis, input_shape) for axis in (0, 1)]
    if axes[0] == axes[1]:
        return [("", axes[0])]
    return list(zip(("rows", "columns"), axes, strict=True))


def _without_field(row: LayerField) -> str:
    if row.family is Family.JOIN and any(row.misaligned):
        differ = next(text for text in row.misaligned if text)
        return f"no one field for all units: {differ}"
    if len(row.output_shape) == 1:
        return "every unit sees the whole input"
    return "no one field: what it reads has none"


def _axis_lines(
    row: LayerField, field: ReceptiveField, axis: int, input_shape: tuple[int, ...]
) -> list[str]:
    # Where a layer has a field, all that it reads have one.
    before = [inputs[axis] for inputs in row.inputs if inputs is not None]
    if row.family is Family.JOIN:
        return _joined(before, field, row.misaligned[axis])
    old = before[0]
    lines: list[str] = []
    if row.window is not None:
        window = row.window
        kernel, stride = window.kernel[axis], window.stride[axis]
        padding, dilation = window.padding[2 * axis], window.dilation[axis]
    elif row.family is Family.TRANSPOSED:
        return _in_turn(row, old, field, axis, [])
    else:
        text, kernel, stride = _shared_out(input_shape[1 + axis], row.output_shape[1 + axis])
        lines, padding, dilation = [text], 0, 1
    if not kernel or field.period or old.period:
        return _in_turn(row, old, field, axis, lines)
    spread = f"·{dilation}" if dilation > 1 else ""
    return [
        *lines,
        f"r = {old.size} + ({kernel} {MINUS} 1){spread}·{old.stride} = {field.size}",
        f"S = {old.stride}·{stride} = {field.stride}",
        f"P = {old.padding} + {padding}·{old.stride} = {field.padding}",
        f"centre = {_minus(-field.padding)} + ({field.size} {MINUS} 1)/2 = {_centre(field)}",
    ]


def _shared_out(cells: int, output: int) -> tuple[str, int, int]:
    """What an adaptive pooling does along an axis, and its kernel and stride, or 0, 0."""
    windows = adaptive_windows(cells, output)
    lengths = sorted({end - start for start, end in windows})
    steps = sorted({one[0] - other[0] for other, one in itertools.pairwise(windows)}) or [cells]
    if len(lengths) == len(steps) == 1:
        kernel, stride = lengths[0], steps[0]
        return f"{cells} to {output} cells: kernel {kernel}, stride {stride}", kernel, stride
    sizes, apart = (" and ".join(map(str, several)) for several in (lengths, steps))
    return (
        f"{cells} to {output} cells: windows of {sizes}, {apart} apart,"
        " so no one kernel and stride",
        0,
        0,
    )


def _joined(before: list[ReceptiveField], field: ReceptiveField, misaligned: str) -> list[str]:
    starts, ends = zip(*(old.span(0) for old in before), strict=True)
    return [
        f"r = max({_listed(ends)}) {MINUS} min({_listed(starts)}) = {field.size}"
        if not field.period
        else f"r = {field.size} at most, the hull of all branches",
        f"S = {field.stride} in every branch",
        f"P = {MINUS}min({_listed(starts)}) = {_minus(field.padding)}",
        f"centre = {_centre(field)}, "
        + (f"not aligned: {misaligned}" if misaligned else "all branches aligned"),
    ]


def _in_turn(
    row: LayerField, old: ReceptiveField, field: ReceptiveField, axis: int, lines: list[str]
) -> list[str]:
    """If units may see more and less in turn: what each reads, and what follows."""
    layer = row.layer
    sizes = {end - start for start, end in map(field.span, range(max(1, len(field.period))))}
    stride = f"S = {field.stride}"
    if row.family is Family.TRANSPOSED:
        kernel, step = layer.kernel_size[axis], layer.stride[axis]
        padding, dilation = layer.padding[2 * axis], layer.dilation[axis]
        tap = f"{dilation}·j" if dilation > 1 else "j"
        lines.append(
            f"unit u reads the units i with u = {step}·i {MINUS} {padding} + {tap},"
            f" j = 0 to {kernel - 1}"
        )
        quotient = f"{_factor(old.stride)}/{step}"
        stride = f"S = {quotient}" + (f" = {field.stride}" * (quotient != str(field.stride)))
    elif row.window is not None:
        stride = f"S = {_factor(old.stride)}·{row.window.stride[axis]} = {field.stride}"
    if len(sizes) > 1:
        lines.append(f"r = {min(sizes)} to {max(sizes)}, not the same for all units")
        stride += " on average"
    else:
        lines.append(f"r = {field.size}")
    return [
        *lines,
        stride,
        f"P = {_minus(field.padding)}",
        f"centre = {_centre(field)}",
    ]


def _factor(stride) -> str:
    return f"({stride})" if "/" in str(stride) else str(stride)


def _centre(field: ReceptiveField) -> str:
    return _minus(field.centre(0))


def _listed(numbers) -> str:
    return ", ".join(_minus(number) for number in numbers)


def _minus(number: float) -> str:
    return numerals.number(number, 15)
