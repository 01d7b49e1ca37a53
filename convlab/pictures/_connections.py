"""Dense, local and shared weights side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from convlab import viz
from convlab.errors import ShapeError
from convlab.lessons import resolve_padding, wirings
from convlab.pictures.picture import Picture
from convlab.shapes import Pair, pair, size_text
from convlab.wiring import check_room
from convlab.words import t

Lengths = int | Sequence[int]


def connections(
    inputs: Lengths | None = None,
    kernel: Lengths = 3,
    stride: Lengths = 1,
    padding: str | Lengths = 0,
    dimensions: int | None = None,
    unit: Lengths | None = None,
) -> Picture:
    """Which inputs each unit sees: dense, by local receptive fields, with shared weights.

    Lengths are one number, or rows and columns; ``inputs`` are by default 12 in one dimension, 6 ×
    6 in two.  ``padding``: same, valid, full, a number, rows and columns, or top, bottom, left and
    right; ``dimensions``: 1, or 2, the default if a length has rows and columns; ``unit``: the one
    to emphasise, from 0, by default one in the middle, in 2-D the first.
    Raises ShapeError for lengths that do not fit, SpecError for more than can be drawn.
    """
    pairs = [not isinstance(n, int) and len(n) > 1 for n in (inputs or 1, kernel, stride)]
    dimensions = dimensions or (2 if any(pairs) else 1)
    flat = dimensions == 1
    size = _pair(inputs or (12 if flat else 6), flat, "inputs")
    window, step = _pair(kernel, flat, "kernel"), _pair(stride, flat, "stride")
    sides = resolve_padding(_padding(padding, flat), size, window, step)
    check_room(size, sides, dimensions)  # before anything large is made
    units, ways = wirings(size, window, step, sides)
    middle = (units[1] - 1) // 2 if flat else 0
    chosen = _pair(unit, flat, "unit", 0) if unit is not None else (0, middle)
    subtitle = _subtitle([size, units, window], step, any(sides), chosen, flat)
    title = t("What each unit sees, and with which weights")
    counts = {way.name: {"connections": way.connections, "weights": way.parameters} for way in ways}
    described = "; ".join(
        f"{name}: {count['connections']:,} connections, {count['weights']:,} weights"
        for name, count in counts.items()
    )
    return Picture(
        title,
        f"{subtitle}. {described}.",
        partial(
            viz.connections,
            ways,
            unit=chosen,
            title=title,
            subtitle=subtitle,
            input_size=size,
            unit_size=units,
            padding=sides,
            dimensions=dimensions,
        ),
        parameters={
            "dimensions": dimensions,
            "inputs": size,
            "kernel": window,
            "stride": step,
            "padding": sides,
            "unit": chosen,
        },
        inputs={way.name: way.reads for way in ways},
        weights={way.name: way.weights for way in ways},
        result={"units": units, **counts},
    )


def _pair(lengths: Lengths, flat: bool, name: str, row: int = 1) -> Pair:
    """(rows, columns); in one dimension a number goes into ``row``."""
    if not isinstance(lengths, int) and len(lengths) == 1:
        (lengths,) = lengths
    if not flat:
        return pair(lengths, name, row)
    if not isinstance(lengths, int):
        raise ShapeError(f"{name}: expected one number in one dimension, got {lengths!r}")
    return row, lengths


def _padding(padding: str | Lengths, flat: bool) -> str | Lengths:
    """Padding as ``resolve_padding`` takes it; one dimension has it on the left and the right."""
    if not flat or isinstance(padding, str):
        return padding
    if isinstance(padding, int):
        return 0, padding
    return (0, padding[1]) if len(padding) == 2 else (0, 0, *padding[2:])


def _subtitle(sizes: list[Pair], stride: Pair, padded: bool, unit: Pair, flat: bool) -> str:
    """Inputs, units, kernel and stride in words; ``sizes`` are those of the first three."""
    inputs, units, kernel = (size_text(*(size[1:] if flat else size)) for size in sizes)
    settings = t("kernel {kernel}", kernel)
    if stride != (1, 1):
        settings += t(
            ", stride {value}", stride[1] if stride[0] in (1, stride[1]) else size_text(*stride)
        )
    if padded:
        settings += t(", dashed: padding")
    number = ",".join(str(at) for at in (unit[1:] if flat else unit))
    return t(
        "{inputs} inputs, {units} {kind}, {settings}, no biases; unit {number} emphasised; where"
        " shared, same colour: same weight",
        *(inputs, units, t("unit") if sizes[1] == (1, 1) else t("units"), settings, number),
    )
