"""``convlab render features``: what every layer makes of an image."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options


@click.command()
@options.run_argument
@click.argument("image", metavar="IMAGE")
@click.option("--layer", help="One layer, large; all layers by default.")
@options.data_dir
@options.picture("features.png")
def command(run, image, layer, data_dir, picture):
    """What every layer makes of IMAGE: a file, "-", or test:N of the run's test set."""
    import numpy as np

    from convlab import Tensor, insight, no_grad, training, viz

    run = training.load(run)
    pixels, inverted = options.read_image(run, image, data_dir)
    x = run.network_input(pixels)
    name = Path(image).name
    note = "; inverted" if inverted else ""
    if layer is not None:
        (activation,) = activations = insight.trace(run.network, x, layer)
        title = f"{layer}: {activation.kind} of {name}"
        subtitle = f"{options.title_of(run)}{note}"
        if activation.array.ndim == 3:
            channels, rows, columns = activation.array.shape
            subtitle += f"; {rows} × {columns} × {channels}"
        figure = viz.feature_maps(activation.array, title=title, subtitle=subtitle, **picture.look)
    else:
        activations = insight.trace(run.network, x)
        with no_grad():
            output_array = run.network(Tensor(x[np.newaxis])).numpy()
        probabilities = run.network.probabilities(output_array)[0]
        title = f"The journey of {name}"
        subtitle = f"{options.title_of(run)}{note}"
        # Flattening shows the same numbers again.
        layers = [(a.name, a.array) for a in activations if a.kind != "Flatten"]
        figure = viz.journey(
            pixels,
            layers,
            title=title,
            subtitle=subtitle,
            classes=run.classes,
            probabilities=probabilities,
            **picture.look,
        )
    result = {activation.name: activation.array for activation in activations}
    if layer is None:
        result["probabilities"] = dict(zip(run.classes, probabilities.tolist(), strict=True))
    picture.save(
        figure,
        title,
        f"{title}, {subtitle}.",
        parameters={"run": run.folder, "image": image, "layer": layer, "inverted": inverted},
        inputs={"image": pixels, "network input": x},
        weights=run.network.state_dict(),
        result=result,
    )
