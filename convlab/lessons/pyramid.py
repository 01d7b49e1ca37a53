"""The windows behind one unit along one axis, drawn as in lectures: a pyramid of dots."""

from __future__ import annotations

from convlab.errors import SpecError
from convlab.insight import unit_field
from convlab.models import INPUT, Network, receptive_fields
from convlab.nn import Family
from convlab.shapes import ReceptiveField
from convlab.viz import PyramidLevel
from convlab.words import t

AXES = ("rows", "columns")


def field_pyramid(
    network: Network, layer: str | None, unit: tuple[int, int] | None, axis: int
) -> list[PyramidLevel]:
    """The units that ``unit`` (row, column) of a layer reads, level by level down to the image.

    Along ``axis`` (0 for rows, 1 for columns).  Layers that only pass numbers on have no level.
    Raises SpecError like ``unit_field``, and if branches meet on the way.
    """
    chosen = unit_field(network, layer, unit)
    shapes = {name: (before, after) for name, _, before, after in network.shapes()}
    rows = {row.name: row for row in receptive_fields(network)}
    alone = ReceptiveField(), ReceptiveField()
    levels: list[PyramidLevel] = []
    name, units = chosen.layer, [chosen.unit[axis]]
    while name != INPUT:
        row = rows[name]
        if row.family is Family.JOIN:
            raise SpecError(
                f"pyramid: expected layers in a row up to {chosen.layer}, branches meet at {name}"
            )
        if row.field is None:
            raise SpecError(f"pyramid: expected layers with receptive fields, {name} has none")
        source = row.sources[0]
        window = (row.layer.field_of(alone, shapes[name][0]) or alone)[axis]
        if window == alone[axis] and row.field == row.inputs[0] and row.window is None:
            name = source
            continue
        step = 1 if row.window is None else row.window.dilation[axis]
        if row.family is Family.TRANSPOSED and row.layer.dilation[axis] > 1:
            raise SpecError(f"pyramid: expected no dilated transposed convolution, {name} is one")
        length = shapes[name][1][1 + axis]
        # What lies beyond a map's border is zero and reads nothing.
        reads = [tuple(range(*window.span(u))[::step]) if 0 <= u < length else () for u in units]
        text = t("windows of several sizes")
        if row.family is Family.TRANSPOSED:
            text = t("transposed, kernel {kernel_size}", row.layer.kernel_size[axis])
            text += t(", stride {stride}", row.layer.stride[axis])
        elif row.window is not None:
            text = t(
                "kernel {kernel}, stride {stride}", row.window.kernel[axis], row.window.stride[axis]
            )
            text += t(", dilation {step}", step) if step > 1 else ""
        elif not window.period:
            text = t("kernel {size}, stride {stride}", window.size, window.stride)
        levels.append(_level(name, text, length, row.field[axis], units, reads))
        units = sorted({u for group in reads for u in group})
        name = source
    pixels = network.input_shape[1 + axis]
    reads = [()] * len(units)
    levels.append(_level(t("input"), "", pixels, ReceptiveField(), units, reads))
    return levels[::-1]


def _level(
    name: str,
    text: str,
    length: int,
    field: ReceptiveField,
    units: list[int],
    reads: list[tuple[int, ...]],
) -> PyramidLevel:
    first, last = min(0, *units), max(length, *(u + 1 for u in units))
    centres = {u: field.centre(u) for u in range(first, last)}
    return PyramidLevel(name, text, length, centres, dict(zip(units, reads, strict=True)))
