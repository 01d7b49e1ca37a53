"""``convlab render``: pictures of what a network has learned and sees."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options


@click.group("render")
def command():
    """Pictures for slides and papers, as .png, .svg or .pdf."""


def _title(run) -> str:
    folder = run.folder.resolve().name
    return f"run {folder}, {run.network.name} trained on {Path(run.settings.data).name}"


@command.command()
@options.run_argument
@click.option("--layer", help="A convolution; the first by default.")
@options.picture_options("filters.png")
def filters(run, layer, output, theme, size):
    """The weights of a convolution: one picture a filter and input channel."""
    from convlab import nn, training, viz
    from convlab.errors import SpecError
    from convlab.shapes import size_text

    run = training.load(run)
    layers = {
        name: module
        for name, module in run.network.named_children()
        if isinstance(module, nn.Conv2d)
    }
    if not layers:
        raise SpecError(f"filters: {run.network.name} has no convolution")
    layer = layer or next(iter(layers))
    if layer not in layers:
        raise SpecError(f"layer: expected a convolution, {', '.join(layers)}, got {layer!r}")
    weight = layers[layer].weight.numpy()
    out, per_filter, rows, columns = weight.shape
    first = layer == next(iter(layers))
    title = f"Filters of {layer}"
    subtitle = f"{_title(run)}; {out} filters of {size_text(rows, columns, per_filter)}"
    figure = viz.filters(
        weight,
        title=title,
        subtitle=subtitle,
        theme=theme,
        size=size,
        channels=("red", "green", "blue") if first and per_filter == 3 else None,
    )
    options.save_picture(figure, output, f"{title}, {_title(run)}", f"{subtitle}.")


@command.command()
@options.run_argument
@click.argument("image", metavar="IMAGE")
@click.option("--layer", help="One layer, large; all layers by default.")
@options.data_dir
@options.picture_options("features.png")
def features(run, image, layer, data_dir, output, theme, size):
    """What every layer makes of IMAGE: a file, "-", or test:N of the run's test set."""
    import numpy as np

    from convlab import Tensor, insight, no_grad, training, viz

    run = training.load(run)
    picture, inverted = options.read_image(run, image, data_dir)
    x = run.network_input(picture)
    name = Path(image).name
    note = "; inverted" if inverted else ""
    if layer is not None:
        (activation,) = insight.trace(run.network, x, layer)
        title = f"{layer}: {activation.kind} of {name}"
        subtitle = f"{_title(run)}{note}"
        if activation.array.ndim == 3:
            channels, rows, columns = activation.array.shape
            subtitle += f"; {rows} × {columns} × {channels}"
        figure = viz.feature_maps(
            activation.array, title=title, subtitle=subtitle, theme=theme, size=size
        )
    else:
        activations = insight.trace(run.network, x)
        with no_grad():
            output_array = run.network(Tensor(x[np.newaxis])).numpy()
        probabilities = run.network.probabilities(output_array)[0]
        title = f"The journey of {name}"
        subtitle = f"{_title(run)}{note}"
        # Flattening shows the same numbers again.
        layers = [(a.name, a.array) for a in activations if a.kind != "Flatten"]
        figure = viz.journey(
            picture,
            layers,
            title=title,
            subtitle=subtitle,
            classes=run.classes,
            probabilities=probabilities,
            theme=theme,
            size=size,
        )
    options.save_picture(figure, output, title, f"{title}, {subtitle}.")


class Unit(click.ParamType):
    """ROW,COL of a feature map, from 0."""

    name = "ROW,COL"

    def convert(self, value, parameter, context):
        parts = value.split(",") if isinstance(value, str) else value
        try:
            row, column = (int(part) for part in parts)
        except ValueError:
            self.fail(f"expected two whole numbers such as 3,4, got {value!r}", parameter, context)
        return row, column


@command.command("receptive-field")
@click.argument("network", metavar="RUN|MODEL|SPEC.toml")
@click.option("--layer", help="A layer with feature maps; the last one by default.")
@click.option("--unit", type=Unit(), help="Row and column in the map; the middle by default.")
@click.option("--image", help="A picture file, or test:N of a run's test set, under the box.")
@options.data_dir
@options.picture_options("receptive-field.png")
def receptive_field(network, layer, unit, image, data_dir, output, theme, size):
    """Which input pixels one unit sees: the box on the input, by its exact size and place."""
    from convlab import data, insight, viz
    from convlab.shapes import size_text

    network, run = options.network_of(network)
    field = insight.unit_field(network, layer, unit)
    _, rows, columns = network.input_shape
    picture = feature_map = None
    if image is not None and run is not None:
        from convlab.training import centred_images

        picture, _ = options.read_image(run, image, data_dir)
        (activation,) = insight.trace(network, run.network_input(picture), field.layer)
        strongest = activation.array[:, field.unit[0], field.unit[1]].argmax()
        feature_map = activation.array[strongest]
        picture = centred_images(picture[None], (rows, columns))[0]
    elif image is not None:
        picture = data.read_picture(
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
        image=picture,
        map=feature_map,
        title=title,
        subtitle=subtitle,
        facts=facts,
        theme=theme,
        size=size,
    )
    description = f"{title}, {subtitle}: " + ", ".join(f"{label} {text}" for label, text in facts)
    options.save_picture(figure, output, title, f"{description}.")


def draw_curves(
    folder: Path, output: Path, theme: str = "light", size: str = "slide", quiet: bool = True
) -> None:
    """The curves of the run in ``folder``: what ``render curves`` and ``train`` write."""
    from convlab import training, viz

    history = training.history(folder)
    settings = training.load_settings(folder)
    name = f"{Path(settings.model).stem} on {Path(settings.data).name}"
    title = f"Training of {name}"
    figure = viz.curves(
        history,
        title=title,
        subtitle=f"batch size {settings.batch_size}, {settings.optimizer}, {settings.schedule}",
        best_epoch=training.load(folder).best_epoch or None,
        theme=theme,
        size=size,
    )
    options.save_picture(
        figure, output, title, f"Loss and accuracy of {name} by epoch.", quiet=quiet
    )


@command.command()
@options.run_argument
@options.picture_options("curves.png")
def curves(run, output, theme, size):
    """Loss and accuracy by epoch."""
    draw_curves(run, output, theme, size, quiet=False)


@command.command()
@options.run_argument
@options.data_dir
@options.picture_options("confusion.png")
def confusion(run, data_dir, output, theme, size):
    """Which classes are taken for which, on the run's test images."""
    from convlab import data, training, viz

    run = training.load(run)
    _, test = data.load(run.settings.data, data_dir=data_dir)
    result = training.evaluate(
        run.network, training.centred(test, run.network.input_shape[1:]), run.scaling
    )
    title = f"Confusion matrix, {_title(run)}"
    subtitle = f"test accuracy {100 * result.accuracy:.2f} %"
    figure = viz.confusion(
        result.confusion(), run.classes, title=title, subtitle=subtitle, theme=theme, size=size
    )
    options.save_picture(figure, output, title, f"{title}: {subtitle}.")
