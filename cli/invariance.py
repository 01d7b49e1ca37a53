"""``convlab invariance``: how much accuracy a shift of the test images costs."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options
from convlab_cli.equivariance import Numbers


@click.command()
@options.run_argument
@click.option(
    "--against",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Another run on the same data, up to three times.",
)
@click.option(
    "--shifts",
    type=Numbers("0,1,2,3", whole=True),
    default="0,1,2,3,4,5,6",
    show_default=True,
    help="Pixels.",
)
@click.option(
    "--direction",
    type=click.Choice(["all", "down", "up", "right", "left"]),
    default="all",
    show_default=True,
    help="Where to; all: the mean over the four.",
)
@click.option(
    "--border",
    type=click.Choice(["circular", "zeros"]),
    default="zeros",
    show_default=True,
    help="What a shift brings in: what left at the other side, or black.",
)
@options.data_dir
@options.device
@options.threads
@options.picture(None)
def command(run, against, shifts, direction, border, data_dir, picture):
    """Accuracy on the test set when all its images are shifted, of RUN and of others beside it.

    Training on shifted images (train --augment) teaches invariance as well: to see
    what the network itself brings, compare runs that were trained with --augment none.
    """
    import numpy as np

    from convlab import data, insight, training
    from convlab.errors import SpecError

    if len(against) > 3:
        raise click.BadParameter(
            f"expected at most three runs, got {len(against)}", param_hint="--against"
        )
    runs = [options.load_run(folder) for folder in (run, *against)]
    first = runs[0]
    _, test = data.load(first.settings.data, data_dir=data_dir)
    directions = tuple(insight.DIRECTIONS) if direction == "all" else (direction,)
    shares = {}
    for one in runs:
        same = (one.classes, one.image_shape) == (first.classes, first.image_shape)
        if not same or one.settings.data != first.settings.data:
            raise SpecError(
                f"against: expected a run on {first.settings.data} as {first.folder} is, got"
                f" {one.folder}, trained on {one.settings.data}"
            )
        name = one.folder.resolve().name
        if name in shares:
            raise SpecError(f"against: expected folders of different names, got {name} twice")
        shares[name] = insight.accuracy_under_shift(
            one.network,
            training.centred_images(test.images, one.network.input_shape[1:]),
            test.labels,
            one.scaling,
            shifts,
            border=border,
            directions=directions,
        )
    means = {name: share.mean(axis=1) for name, share in shares.items()}
    where = "down, up, right and left (mean)" if direction == "all" else direction
    setting = f"{len(test):,} test images of {test.name}, shifted {where}, border {border}"
    setting += f"; trained with {_augmentation(runs)}"
    click.echo(setting)
    width = max(5, *map(len, shares))
    heads = "".join(f"{shift:>9}" for shift in shifts)
    click.echo(f"{'shift':{width}}{heads}")
    for name, values in means.items():
        cells = "".join(f"{100 * value:7.2f} %" for value in values)
        click.echo(f"{name:{width}}{cells}")
    if not picture.wanted:
        return
    title = "What a shift of the image costs"
    subtitle = setting
    order = np.argsort(shifts)
    described = "; ".join(
        f"{name} from {100 * values[order[0]]:.1f} % at {shifts[order[0]]} to"
        f" {100 * values[order[-1]]:.1f} % at {shifts[order[-1]]} pixels"
        for name, values in means.items()
    )
    description = f"{title}; {subtitle}. Accuracy of {described}."
    record = {
        "parameters": {
            "runs": [one.folder for one in runs],
            "networks": [one.network.name for one in runs],
            "augmentation": [one.settings.augment for one in runs],
            "shifts": shifts,
            "directions": directions,
            "border": border,
        },
        "inputs": {"data": first.settings.data, "test images": len(test)},
        "weights": {},
        "result": {
            name: {"accuracy": means[name], "by direction": share} for name, share in shares.items()
        },
    }
    if picture.path is None:
        picture.write(b"", title, description, **record)
        return
    from convlab import viz

    figure = viz.invariance(shifts, means, title=title, subtitle=subtitle, **picture.look)
    picture.save(figure, title, description, **record)


def _augmentation(runs) -> str:
    """How the training images were varied: once, or run by run where that differs."""
    texts = {one.folder.resolve().name: one.settings.augment for one in runs}
    if len(set(texts.values())) > 1:
        return "; ".join(f"{name}: {text}" for name, text in texts.items())
    (text,) = set(texts.values())
    return "images as they are" if text == "none" else text
