"""What the units of every layer see, as a table and as the recursion with its numbers."""

from __future__ import annotations

from convlab.lessons.recursion import field_recursion
from convlab.lessons.words import axis_text
from convlab.models import LayerField, Network, receptive_fields
from convlab.models.summary_table import shape_cell
from convlab.nn import Family, Window
from convlab.shapes import Pair, Sides, along, as_image, effective_kernel, size_text
from convlab.terminal import Table

HEAD = ("layer", "type", "kernel", "stride", "padding", "output", "r", "S", "P", "centre")
NUMERIC = range(6, 10)
SPARE = (10, 1, 5, 4, 8, 3)

Recursion = list[tuple[str, list[str]]]


def field_table(network: Network) -> Table:
    """Receptive field r, effective stride S, effective padding P and first centre of each layer.

    All in pixels of the input.  Layers that only pass numbers on are left out, as are those after
    the first one that sees everything.
    """
    before = {name: shape for name, _, shape, _ in network.shapes()}
    first = ("input", "", "", "", "", shape_cell(network.input_shape), "1", "1", "0", "0", "")
    rows = [_cells(row, before[row.name]) for row, _ in _shown(network)]
    joints = "branches" if any(row[-1] for row in rows) else ""
    return Table([(*HEAD, joints), first, *rows], NUMERIC, SPARE)


def field_explanation(network: Network) -> list[str]:
    """How the receptive field of each layer of ``field_table`` follows, in lines."""
    size = size_text(*network.input_shape[1:])
    lines = [f"{network.name}, input {size}: r = 1, S = 1, P = 0, centre = 0"]
    for row, steps in _shown(network):
        text = f"{row.name}: {type(row.layer).__name__}"
        if row.window is not None:
            text += f" {size_text(*row.window.kernel)}"
        elif "Adaptive" in text:
            text += f" to {size_text(*row.output_shape[1:])}"
        lines += ["", f"{text} of {', '.join(row.sources)}"]
        for axis, formulas in steps:
            lines += [f"  {axis}"] if axis else []
            lines += [f"  {'  ' if axis else ''}{formula}" for formula in formulas]
    return lines


def _shown(network: Network) -> list[tuple[LayerField, Recursion]]:
    """The layers that change what units see, with their recursion."""
    before = {name: shape for name, _, shape, _ in network.shapes()}
    rows = receptive_fields(network)
    shown = [(row, steps) for row in rows if (steps := field_recursion(row, before[row.name]))]
    last = next((at for at, (row, _) in enumerate(shown) if row.field is None), len(shown))
    # After the first layer that sees everything, all others do.
    without = all(row.field is None for row, _ in shown[last:])
    return shown[: last + 1] if without else shown


def _cells(row: LayerField, input_shape: tuple[int, ...]) -> list[str]:
    window, field = row.window, row.field
    kernel = stride = padding = ""
    if window is not None:
        kernel, stride = axis_text(window.kernel), axis_text(window.stride)
        if window.dilation != (1, 1):
            kernel += f" dilated {axis_text(window.dilation)}"
        padding = _padding(_read_beyond(window, as_image(input_shape), as_image(row.output_shape)))
    elif row.family is Family.TRANSPOSED:
        kernel, stride = axis_text(row.layer.kernel_size), f"up {axis_text(row.layer.stride)}"
    if field is None:
        seen = ["all" if len(row.output_shape) == 1 else "varies", "", "", ""]
    else:
        seen = [
            axis_text([f"{'≤ ' if axis.period else ''}{axis.size}" for axis in field]),
            axis_text([axis.stride for axis in field]),
            axis_text([axis.padding for axis in field]),
            axis_text([f"{axis.centre(0):g}" for axis in field]),
        ]
    kind, output = type(row.layer).__name__, shape_cell(row.output_shape)
    return [row.name, kind, kernel, stride, padding, output, *seen, _joint(row)]


def _read_beyond(window: Window, before: tuple[int, ...], after: tuple[int, ...]) -> Sides:
    """Padding (top, bottom, left, right), including what the last windows read beyond it.

    The last window of a pooling with ceil_mode may extend past the end.
    """

    def both_ends(axis: int) -> Pair:
        first, last = along(window.padding, axis)
        span = effective_kernel(window.kernel[axis], window.dilation[axis])
        end = (after[1 + axis] - 1) * window.stride[axis] + span - first
        return first, max(last, end - before[1 + axis])

    return *both_ends(0), *both_ends(1)


def _padding(sides: Sides) -> str:
    top, bottom, left, right = sides
    if (top, left) == (bottom, right):
        return axis_text((top, left))
    if (top, bottom) == (left, right):
        return f"{top} and {bottom}"
    return f"{top},{bottom},{left},{right}"


def _joint(row: LayerField) -> str:
    """What a table says about a join: its branches, and whether they are aligned."""
    if row.family is not Family.JOIN:
        return ""
    branches = " + ".join(row.sources)
    if None in row.inputs:
        return f"{branches}: a branch without a field"
    rows, columns = row.misaligned
    if not rows and not columns:
        return f"{branches}: aligned"
    if rows == columns:
        return f"{branches}: not aligned, {rows}"
    differ = [f"{axis}: {text}" for axis, text in (("rows", rows), ("columns", columns)) if text]
    return f"{branches}: not aligned, {'; '.join(differ)}"
