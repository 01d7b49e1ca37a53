"""``convlab render receptive-field``: the pixels that one unit sees."""

from __future__ import annotations

import math
from pathlib import Path

import click
from convlab_cli import options


@click.command()
@click.argument("network", metavar="RUN|MODEL|SPEC.toml")
@click.option("--layer", help="A layer with feature maps; the last one by default.")
@click.option(
    "--unit", type=options.Unit(), help="Row and column in the map; the middle by default."
)
@click.option("--image", help="A picture file, or test:N of a run's test set, under the box.")
@click.option("--chain", is_flag=True, help="The boxes of all layers on the way, one in another.")
@click.option("--pyramid", is_flag=True, help="The windows behind the unit along one axis.")
@click.option(
    "--axis",
    type=click.Choice(["rows", "columns"]),
    help="Which axis --pyramid shows; rows by default.",
)
@click.option("--effective", is_flag=True, help="How much each pixel weighs: the unit's gradient.")
@click.option(
    "--images",
    type=click.IntRange(1, 10_000),
    help="Images for --effective: the first of a run's test set, or random normal numbers"
    " for a model without a run.  32 by default.",
)
@options.data_dir
@options.device
@options.picture("receptive-field.png")
def command(
    network, layer, unit, image, chain, pyramid, axis, effective, images, data_dir, picture
):
    """Which input pixels one unit sees: the box on the input, by its exact size and place.

    Behind a transposed convolution or an uneven adaptive pooling each unit has a box of
    its own.  "convlab receptive-field" lists all layers.
    """
    if chain + pyramid + effective > 1:
        raise click.UsageError("expected one of --chain, --pyramid and --effective, got several")
    if axis is not None and not pyramid:
        raise click.UsageError("--axis: expected together with --pyramid")
    if images is not None and not effective:
        raise click.UsageError("--images: expected together with --effective")
    if image is not None and pyramid:
        raise click.UsageError("--image: expected without --pyramid, which draws units alone")
    network, run = options.network_of(network, weights=effective)
    if pyramid:
        _pyramid(network, layer, unit, axis or "rows", picture)
    elif chain:
        _chain(network, run, layer, unit, image, data_dir, picture)
    elif effective:
        _effective(network, run, layer, unit, image, images or 32, data_dir, picture)
    else:
        _box(network, run, layer, unit, image, data_dir, picture)


def _pixels(network, run, image, data_dir):
    """(bytes under a box, the floats that the network takes of it, how it was made to fit).

    None, None and "" without an image.  A picture for a model without a run is cropped
    in its middle, as is usual; a run's is what the run reads.
    """
    from convlab.data.pictures import picture_header
    from convlab.shapes import size_text

    if image is None:
        return None, None, ""
    channels, rows, columns = network.input_shape
    if run is None and image.startswith("test:"):
        raise click.BadParameter(
            f"--image {image}: expected a picture file, or the folder of a run"
        )
    if run is None:
        (height, width), _ = picture_header(Path(image))
        pixels, cropped = _cropped(Path(image), (height, width), (rows, columns), channels)
        fitted = f"centre of a picture of {size_text(height, width)}" if cropped else ""
        return pixels, None, fitted
    from convlab.training import centred_images

    pixels, _ = options.read_image(run, image, data_dir)
    fitted = ""
    if image != "-" and not image.startswith("test:"):
        (height, width), _ = picture_header(Path(image))
        if height * pixels.shape[2] != width * pixels.shape[1]:
            size = size_text(*pixels.shape[1:])
            fitted = f"picture of {size_text(height, width)} padded to {size}"
    return centred_images(pixels[None], (rows, columns))[0], run.network_input(pixels), fitted


def _cropped(path: Path, size, wanted, channels):
    """The middle of a picture of ``size``, scaled to cover ``wanted``; whether any is cut off.

    Very long pictures are not cut: a strip of them would be no picture.
    """
    from convlab import data

    factor = max(need / have for need, have in zip(wanted, size, strict=True))
    cover = [max(need, math.ceil(have * factor)) for need, have in zip(wanted, size, strict=True)]
    if max(have / need for have, need in zip(cover, wanted, strict=True)) > 4:
        return data.read_picture(path, size=wanted, channels=channels), False
    pixels = data.read_picture(path, size=tuple(cover), channels=channels)
    top, left = ((have - need) // 2 for have, need in zip(cover, wanted, strict=True))
    return pixels[:, top : top + wanted[0], left : left + wanted[1]], tuple(cover) != wanted


def _titles(network, field, what="Receptive field of", fitted=""):
    from convlab.shapes import size_text

    channels, rows, columns = network.input_shape
    title = f"{what} {field.layer}, unit {field.unit[0]},{field.unit[1]}"
    subtitle = f"{network.name}, input {size_text(rows, columns, channels)}"
    return title, subtitle + (f"; {fitted}" if fitted else "")


def _geometry(field) -> list[tuple[str, str]]:
    from convlab.shapes import size_text

    pairs = (field.rows, field.columns)
    top, left, bottom, right = field.box
    sizes = [("receptive field", size_text(bottom - top, right - left))]
    if any(axis.period for axis in pairs):
        most = size_text(*(axis.size for axis in pairs))
        sizes.append(("largest of the layer", most))
    return [
        *sizes,
        ("effective stride", size_text(*(axis.stride for axis in pairs))),
        ("effective padding", size_text(*(axis.padding for axis in pairs))),
        (
            "centre",
            "row {:g}, column {:g}".format(
                *(axis.centre(at) for axis, at in zip(pairs, field.unit, strict=True))
            ),
        ),
    ]


def _pair(rows, columns) -> str:
    return str(rows) if rows == columns else f"{rows} × {columns}"


def _parameters(network, field, **more):
    return {"network": network.name, "layer": field.layer, "unit": field.unit} | more


def _inputs(pixels):
    return {} if pixels is None else {"image": pixels}


def _box(network, run, layer, unit, image, data_dir, picture):
    from convlab import insight, viz

    field = insight.unit_field(network, layer, unit)
    pixels, x, fitted = _pixels(network, run, image, data_dir)
    title, subtitle = _titles(network, field, fitted=fitted)
    feature_map = None
    if x is not None:
        (activation,) = insight.trace(network, x, field.layer)
        strongest = activation.array[:, field.unit[0], field.unit[1]].argmax()
        feature_map = activation.array[strongest]
        subtitle += f"; map {strongest}, the strongest at this unit"
    facts = _geometry(field)
    figure = viz.receptive_field(
        input_size=network.input_shape[1:],
        box=field.box,
        map_size=field.map_size,
        unit=field.unit,
        image=pixels,
        map=feature_map,
        title=title,
        subtitle=subtitle,
        facts=facts,
        **picture.look,
    )
    description = f"{title}, {subtitle}: " + ", ".join(f"{label} {text}" for label, text in facts)
    picture.save(
        figure,
        title,
        f"{description}.",
        parameters=_parameters(network, field),
        inputs=_inputs(pixels),
        weights={},
        result={"box": field.box, "facts": dict(facts)}
        | ({} if feature_map is None else {"map": feature_map}),
    )


def _chain(network, run, layer, unit, image, data_dir, picture):
    from convlab import insight, viz
    from convlab.shapes import size_text

    fields = insight.field_chain(network, layer, unit)
    pixels, _, fitted = _pixels(network, run, image, data_dir)
    title, subtitle = _titles(network, fields[-1], "Receptive fields on the way to", fitted)
    boxes = [
        (
            field.layer,
            field.box,
            f"stride {_pair(field.rows.stride, field.columns.stride)},"
            f" padding {_pair(field.rows.padding, field.columns.padding)}",
        )
        for field in fields
    ]
    figure = viz.field_chain(
        input_size=network.input_shape[1:],
        boxes=boxes,
        image=pixels,
        title=title,
        subtitle=subtitle,
        **picture.look,
    )
    sizes = ", ".join(
        f"{name} {size_text(bottom - top, right - left)}"
        for name, (top, left, bottom, right), _ in boxes
    )
    picture.save(
        figure,
        title,
        f"{title}, {subtitle}: {sizes}.",
        parameters=_parameters(network, fields[-1]),
        inputs=_inputs(pixels),
        weights={},
        result={
            "boxes": [
                {"layer": field.layer, "unit": field.unit, "box": field.box} for field in fields
            ]
        },
    )


def _pyramid(network, layer, unit, axis, picture):
    from convlab import insight, lessons, viz

    number = ("rows", "columns").index(axis)
    field = insight.unit_field(network, layer, unit)
    levels = lessons.field_pyramid(network, field.layer, field.unit, number)
    seen = (field.rows, field.columns)[number]
    title = f"What {field.layer} reads, {axis[:-1]} {field.unit[number]}"
    subtitle = f"{network.name}, {network.input_shape[1 + number]} {axis} of pixels"
    figure = viz.pyramid(
        levels, span=seen.span(field.unit[number]), title=title, subtitle=subtitle, **picture.look
    )
    counts = ", ".join(f"{level.name} {len(level.reads)}" for level in levels[::-1])
    start, end = seen.span(field.unit[number])
    picture.save(
        figure,
        title,
        f"{title} of {network.name}, units from the top down: {counts}; its receptive field is"
        f" {end - start} pixels, {start} to {end - 1}.",
        parameters=_parameters(network, field, axis=axis),
        inputs={},
        weights={},
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


def _effective(network, run, layer, unit, image, count, data_dir, picture):
    import numpy as np

    from convlab import data, insight, viz
    from convlab.shapes import size_text

    insight.unit_field(network, layer, unit)  # what is wrong here should not wait for the data
    shown, _, fitted = _pixels(network, run, image, data_dir)
    if run is None:
        random = np.random.default_rng(0)
        images = random.standard_normal((count, *network.input_shape)).astype(np.float32)
        source = f"{count} random normal images, random weights"
    else:
        _, test = data.load(run.settings.data, data_dir=data_dir)
        images = np.stack([run.network_input(pixels) for pixels in test.images[:count]])
        source = f"{len(images)} images of the test set"
    found = insight.effective_field(network, layer, unit, images)
    field = found.theory
    title, subtitle = _titles(network, field, "Effective receptive field of", fitted)
    subtitle += f"; mean absolute gradient over {source}"
    if found.half is None:
        facts = [("gradient", f"0 everywhere: no pixel of {len(images)} images changes the unit")]
    else:
        top, left, bottom, right = found.half
        facts = [
            ("inside the theoretical box", f"{100 * found.share_inside:.4g} %"),
            ("half of the gradient", f"within {size_text(bottom - top, right - left)} pixels"),
            (
                "standard deviation",
                "rows {:.3g}, columns {:.3g} pixels".format(*found.deviation),
            ),
            ("centre", "row {:.3g}, column {:.3g}".format(*found.centre)),
        ]
    figure = viz.effective_field(
        gradient=found.gradient,
        box=field.box,
        half=found.half,
        image=shown,
        title=title,
        subtitle=subtitle,
        facts=facts,
        **picture.look,
    )
    description = f"{title}, {subtitle}: " + ", ".join(f"{label} {text}" for label, text in facts)
    picture.save(
        figure,
        title,
        f"{description}.",
        parameters=_parameters(network, field, images=found.images),
        inputs=_inputs(shown),
        weights={},
        result={
            "box": field.box,
            "half": found.half,
            "gradient": found.gradient,
            "share_inside": found.share_inside,
            "centre": found.centre,
            "standard_deviation": found.deviation,
        },
    )
