"""``convlab render confusion``: which classes are taken for which."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@options.run_argument
@options.data_dir
@options.picture("confusion.png")
def command(run, data_dir, picture):
    """Which classes are taken for which, on the run's test images."""
    from convlab import data, training, viz

    run = training.load(run)
    _, test = data.load(run.settings.data, data_dir=data_dir)
    result = training.evaluate(
        run.network, training.centred(test, run.network.input_shape[1:]), run.scaling
    )
    title = f"Confusion matrix, {options.title_of(run)}"
    subtitle = f"test accuracy {100 * result.accuracy:.2f} %"
    figure = viz.confusion(
        result.confusion(), run.classes, title=title, subtitle=subtitle, **picture.look
    )
    picture.save(
        figure,
        title,
        f"{title}: {subtitle}.",
        parameters={"run": run.folder, "data": run.settings.data},
        inputs={},
        weights={},
        result={"accuracy": result.accuracy, "confusion": result.confusion()},
    )
