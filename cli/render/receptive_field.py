"""``convlab render receptive-field``: the pixels that one unit sees."""

from __future__ import annotations

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
@options.data_dir
@options.picture("receptive-field.png")
def command(network, layer, unit, image, data_dir, picture):
    """Which input pixels one unit sees: the box on the input, by its exact size and place."""
    from convlab import data, insight, viz
    from convlab.shapes import size_text

    network, run = options.network_of(network)
    field = insight.unit_field(network, layer, unit)
    _, rows, columns = network.input_shape
    pixels = feature_map = None
    if image is not None and run is not None:
        from convlab.training import centred_images

        pixels, _ = options.read_image(run, image, data_dir)
        (activation,) = insight.trace(network, run.network_input(pixels), field.layer)
        strongest = activation.array[:, field.unit[0], field.unit[1]].argmax()
        feature_map = activation.array[strongest]
        pixels = centred_images(pixels[None], (rows, columns))[0]
    elif image is not None:
        pixels = data.read_picture(
            Path(image), size=(rows, columns), channels=network.input_shape[0]
        )
    title = f"Receptive field of {field.layer}, unit {field.unit[0]},{field.unit[1]}"
    subtitle = f"{network.name}, input {size_text(rows, columns, network.input_shape[0])}"
    if feature_map is not None:
        subtitle += f"; map {strongest}, the strongest at this unit"
    pairs = (field.rows, field.columns)
    facts = [
        ("receptive field", size_text(*(axis.size for axis in pairs))),
        ("effective stride", size_text(*(axis.stride for axis in pairs))),
        ("effective padding", size_text(*(axis.padding for axis in pairs))),
        (
            "centre",
            "row {:g}, column {:g}".format(
                *(axis.centre(at) for axis, at in zip(pairs, field.unit, strict=True))
            ),
        ),
    ]
    figure = viz.receptive_field(
        input_size=(rows, columns),
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
        parameters={"network": network.name, "layer": field.layer, "unit": field.unit},
        inputs={} if pixels is None else {"image": pixels},
        weights={},
        result={"box": field.box, "facts": dict(facts)}
        | ({} if feature_map is None else {"map": feature_map}),
    )
