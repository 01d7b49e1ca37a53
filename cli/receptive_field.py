"""``convlab receptive-field``: what the units of every layer see."""

from __future__ import annotations

import click
from convlab_cli import options
from convlab_cli.output import json_bytes


@click.command()
@click.argument("network", metavar="MODEL|RUN|SPEC.toml")
@click.option("--explain", is_flag=True, help="The recursion with its numbers, layer by layer.")
@click.option(
    "--json",
    "json_file",
    type=options.WRITTEN,
    help="Also write all numbers, those of layers that only pass numbers on among them.",
)
def command(network, explain, json_file):
    """Receptive field r, effective stride S and effective padding P of every layer.

    All in pixels of the input, rows × columns where they differ; "centre" is where the
    first unit looks.  A join is aligned where all its branches have the same S
    and the same centres.  Layers that only pass numbers on are left out.

    Padding that differs is "0 and 1" before and after, or TOP,BOTTOM,LEFT,RIGHT.
    """
    from convlab.lessons import field_recursion
    from convlab.models import receptive_fields

    network, _ = options.network_of(network, weights=False)
    rows = receptive_fields(network)
    if json_file is not None:
        from convlab.files import write_atomically

        record = {
            "network": network.name,
            "input_shape": network.input_shape,
            "layers": [_json(row) for row in rows],
        }
        write_atomically(json_file, json_bytes(record, indent=1))
    before = {name: shape for name, _, shape, _ in network.shapes()}
    shown = [(row, steps) for row in rows if (steps := field_recursion(row, before[row.name]))]
    last = next((at for at, (row, _) in enumerate(shown) if row.field is None), len(shown))
    # Behind the first layer that sees everything all others do.
    without = len({row.field is None for row, _ in shown[last:]}) == 1
    shown = shown[: last + 1] if without else shown
    if explain:
        _explain(network, shown)
    else:
        _table(network, [row for row, _ in shown], before)
    if json_file is not None:
        click.echo(f"wrote {json_file}")


def _table(network, rows, before) -> None:
    from convlab.nn import Family

    table = [("layer", "type", "kernel", "stride", "padding", "output", "r", "S", "P", "centre")]
    table.append(("input", *[""] * 4, _shape(network.input_shape), "1", "1", "0", "0"))
    notes = ["", ""]
    for row in rows:
        window, field = row.window, row.field
        cells = [row.name, type(row.layer).__name__, "", "", "", _shape(row.output_shape)]
        if window is not None:
            cells[2] = _pair(window.kernel)
            if window.dilation != (1, 1):
                cells[2] += f" dilated {_pair(window.dilation)}"
            cells[3] = _pair(window.stride)
            cells[4] = _padding(_read_beyond(row, before[row.name]))
        elif row.family is Family.TRANSPOSED:
            cells[2:4] = _pair(row.layer.kernel_size), f"up {_pair(row.layer.stride)}"
        if field is None:
            cells += ["all" if len(row.output_shape) == 1 else "varies", "", "", ""]
        else:
            cells.append(_pair([f"{'≤ ' if f.period else ''}{f.size}" for f in field]))
            cells.append(_pair([f.stride for f in field]))
            cells.append(_pair([f.padding for f in field]))
            cells.append(_pair([f"{f.centre(0):g}" for f in field]))
        table.append(tuple(cells))
        notes.append(_joint(row))
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row, note in zip(table, notes, strict=True):
        cells = (
            cell.rjust(width) if i > 5 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        click.echo("  ".join([*cells, note]).rstrip())


def _read_beyond(row, input_shape) -> tuple[int, int, int, int]:
    """Padding (top, bottom, left, right), with what the last windows read beyond it.

    The last window of a pooling with ceil_mode may hang over the end.
    """
    from convlab.shapes import effective_kernel

    window, sides = row.window, []
    for axis in (0, 1):
        first, last = window.padding[2 * axis : 2 * axis + 2]
        span = effective_kernel(window.kernel[axis], window.dilation[axis])
        end = (row.output_shape[1 + axis] - 1) * window.stride[axis] + span - first
        sides += [first, max(last, end - input_shape[1 + axis])]
    return tuple(sides)


def _padding(sides) -> str:
    top, bottom, left, right = sides
    if (top, left) == (bottom, right):
        return _pair((top, left))
    if (top, bottom) == (left, right):
        return f"{top} and {bottom}"
    return f"{top},{bottom},{left},{right}"


def _joint(row) -> str:
    """What a table says about a join: its branches, and whether they are aligned."""
    from convlab.nn import Family

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


def _explain(network, shown) -> None:
    rows, columns = network.input_shape[1:]
    click.echo(f"{network.name}, input {rows} × {columns}: r = 1, S = 1, P = 0, centre = 0")
    for row, steps in shown:
        text = f"{row.name}: {type(row.layer).__name__}"
        if row.window is not None:
            text += f" {row.window.kernel[0]} × {row.window.kernel[1]}"
        elif "Adaptive" in text:
            text += f" to {row.output_shape[1]} × {row.output_shape[2]}"
        click.echo(f"\n{text} of {', '.join(row.sources)}")
        for axis, lines in steps:
            if axis:
                click.echo(f"  {axis}")
            for line in lines:
                click.echo(f"  {'  ' if axis else ''}{line}")


def _pair(values) -> str:
    return str(values[0]) if values[0] == values[1] else f"{values[0]} × {values[1]}"


def _shape(shape) -> str:
    """Rows × columns × channels, or the number of features."""
    return f"{shape[1]} × {shape[2]} × {shape[0]}" if len(shape) == 3 else str(shape[0])


def _json(row) -> dict:
    numbers = {
        "layer": row.name,
        "type": type(row.layer).__name__,
        "inputs": row.sources,
        "output_shape": row.output_shape,
        **({} if row.window is None else row.window._asdict()),
        "receptive_field": None,
    }
    if row.field is not None:
        numbers |= {
            "receptive_field": [axis.size for axis in row.field],
            "effective_stride": [_number(axis.stride) for axis in row.field],
            "effective_padding": [axis.padding for axis in row.field],
            "centre": [axis.centre(0) for axis in row.field],
        }
        if any(axis.period for axis in row.field):
            # Half-open pixels of the first units; the others repeat them, moved on.
            numbers["spans"] = [axis.period or [axis.span(0)] for axis in row.field]
    if len(row.sources) > 1:
        numbers["aligned"] = None not in row.inputs and not any(row.misaligned)
        numbers["misaligned"] = row.misaligned
    return numbers


def _number(stride) -> int | float:
    return stride if isinstance(stride, int) else float(stride)
