"""The pixels that one unit sees."""

from __future__ import annotations

import os
from fractions import Fraction
from functools import partial
from typing import Any

from convlab import insight, lessons, viz
from convlab.errors import SpecError
from convlab.insight import UnitField
from convlab.models import Network
from convlab.pictures._image_below import image_below
from convlab.pictures.picture import Picture
from convlab.pictures.sources import NetworkLike, network_of
from convlab.shapes import size_text
from convlab.training import ImageLike
from convlab.viz.style import has_both_signs
from convlab.words import t

AXES = ("rows", "columns")

Number = int | Fraction


def receptive_field(
    network: NetworkLike,
    layer: str | None = None,
    unit: tuple[int, int] | None = None,
    image: ImageLike | None = None,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """Which input pixels one unit sees: the box on the input, with its exact size and place.

    ``layer``: one with feature maps, the last by default; ``unit``: row and column in its
    maps, the middle by default; ``image`` is drawn under the box.  With a run's image the map that
    is strongest at the unit is drawn too.  Raises SpecError for a layer without a single box for
    each unit, ShapeError for a unit outside the maps.
    """
    built, run = network_of(network, weights=False)
    field = insight.unit_field(built, layer, unit)
    below = image_below(built, run, image, data_dir)
    title, subtitle = heads(built, field, t("Receptive field of"), below.fitted)
    feature_map, signed = None, None
    if below.x is not None:
        (activation,) = insight.trace(built, below.x, field.layer)
        strongest = activation.array[:, field.unit[0], field.unit[1]].argmax()
        feature_map, signed = activation.array[strongest], has_both_signs(activation.array)
        subtitle += t("; map {strongest}, the strongest at this unit", strongest)
    facts = _geometry(field)
    return Picture(
        title,
        described(title, subtitle, facts),
        partial(
            viz.receptive_field,
            input_size=built.input_shape[1:],
            box=field.box,
            map_size=field.map_size,
            unit=field.unit,
            image=below.pixels,
            map=feature_map,
            signed=signed,
            title=title,
            subtitle=subtitle,
            facts=facts,
        ),
        parameters=place(built, field),
        inputs=below.numbers,
        result={"box": field.box, "facts": dict(facts)}
        | ({} if feature_map is None else {"map": feature_map}),
    )


def receptive_field_chain(
    network: NetworkLike,
    layer: str | None = None,
    unit: tuple[int, int] | None = None,
    image: ImageLike | None = None,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """The nested boxes of all layers on the way to a unit.

    Arguments and errors as in ``receptive_field``.
    """
    built, run = network_of(network, weights=False)
    fields = insight.field_chain(built, layer, unit)
    below = image_below(built, run, image, data_dir)
    title, subtitle = heads(built, fields[-1], t("Receptive fields on the way to"), below.fitted)
    boxes = [(field.layer, field.box, _step(field)) for field in fields]
    sizes = ", ".join(
        f"{name} {size_text(bottom - top, right - left)}"
        for name, (top, left, bottom, right), _ in boxes
    )
    return Picture(
        title,
        f"{title}, {subtitle}: {sizes}.",
        partial(
            viz.field_chain,
            input_size=built.input_shape[1:],
            boxes=boxes,
            image=below.pixels,
            title=title,
            subtitle=subtitle,
        ),
        parameters=place(built, fields[-1]),
        inputs=below.numbers,
        result={
            "boxes": [
                {"layer": field.layer, "unit": field.unit, "box": field.box} for field in fields
            ]
        },
    )


def receptive_field_pyramid(
    network: NetworkLike,
    layer: str | None = None,
    unit: tuple[int, int] | None = None,
    axis: str = "rows",
) -> Picture:
    """The windows behind a unit along one ``axis``, rows or columns, down to the pixels.

    ``layer`` and ``unit`` as in ``receptive_field``.  Raises the same errors, and SpecError for
    another axis and if branches meet on the way.
    """
    if axis not in AXES:
        raise SpecError(f"axis: expected rows or columns, got {axis!r}")
    built, _ = network_of(network, weights=False)
    number = AXES.index(axis)
    field = insight.unit_field(built, layer, unit)
    levels = lessons.field_pyramid(built, field.layer, field.unit, number)
    span = start, end = (field.rows, field.columns)[number].span(field.unit[number])
    title = t(
        "What {layer} reads, row {unit}" if number == 0 else "What {layer} reads, column {unit}",
        *(field.layer, field.unit[number]),
    )
    subtitle = t(
        "{name}, {count} rows of pixels" if number == 0 else "{name}, {count} columns of pixels",
        *(built.name, built.input_shape[1 + number]),
    )
    counts = ", ".join(f"{level.name} {len(level.reads)}" for level in levels[::-1])
    return Picture(
        title,
        f"{title} of {built.name}, units from the top down: {counts}; its receptive field is"
        f" {end - start} pixels, {start} to {end - 1}.",
        partial(viz.pyramid, levels, span=span, title=title, subtitle=subtitle),
        parameters=place(built, field) | {"axis": axis},
        result={
            "receptive_field": [start, end],
            "levels": [
                {
                    "name": level.name,
                    "units": level.length,
                    "reads": [
                        {"unit": unit, "centre": level.centres[unit], "reads": reads}
                        for unit, reads in level.reads.items()
                    ],
                }
                for level in levels
            ],
        },
    )


def heads(network: Network, field: UnitField, what: str, fitted: str) -> tuple[str, str]:
    """Title and second line of a picture of a unit's pixels."""
    channels, rows, columns = network.input_shape
    title = t(
        "{what} {layer}, unit {unit},{unit2}", what, field.layer, field.unit[0], field.unit[1]
    )
    subtitle = t("{name}, input {size}", network.name, size_text(rows, columns, channels))
    return title, subtitle + (t("; {fitted}", fitted) if fitted else "")


def described(title: str, subtitle: str, facts: list[tuple[str, str]]) -> str:
    """A description of a picture of a unit's pixels."""
    return f"{title}, {subtitle}: {', '.join(f'{label} {text}' for label, text in facts)}."


def place(network: Network, field: UnitField) -> dict[str, Any]:
    """The position of a unit, as numbers."""
    return {"network": network.name, "layer": field.layer, "unit": field.unit}


def _geometry(field: UnitField) -> list[tuple[str, str]]:
    pairs = (field.rows, field.columns)
    top, left, bottom, right = field.box
    sizes = [(t("receptive field"), size_text(bottom - top, right - left))]
    if any(axis.period for axis in pairs):
        most = size_text(*(axis.size for axis in pairs))
        sizes.append((t("largest of the layer"), most))
    row, column = (axis.centre(at) for axis, at in zip(pairs, field.unit, strict=True))
    return [
        *sizes,
        (t("effective stride"), t("{stride} × {stride2}", field.rows.stride, field.columns.stride)),
        (
            t("effective padding"),
            t("{padding} × {padding2}", field.rows.padding, field.columns.padding),
        ),
        (t("centre"), t("row {row:g}, column {column:g}", row, column)),
    ]


def _step(field: UnitField) -> str:
    stride = _pair(field.rows.stride, field.columns.stride)
    return t(
        "stride {stride}, padding {pair}", stride, _pair(field.rows.padding, field.columns.padding)
    )


def _pair(rows: Number, columns: Number) -> str:
    return str(rows) if rows == columns else f"{rows} × {columns}"
