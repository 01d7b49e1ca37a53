"""``convlab detect``: digits of several sizes in one picture."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
from convlab_cli import options, terminal


class Scales(click.ParamType):
    """Enlargements of a picture, such as 1.4,1,0.7."""

    name = "S,S,..."

    def convert(self, value, parameter, context):
        if not isinstance(value, str):
            return value
        try:
            scales = [float(part) for part in value.split(",")]
        except ValueError:
            scales = []
        if not scales or not all(0.01 <= scale <= 8 for scale in scales):
            self.fail(f"expected numbers from 0.01 to 8 such as 1.4,1,0.7, got {value!r}")
        return scales


@click.command()
@options.run_argument
@click.argument("image", metavar="[IMAGE]", required=False)
@options.whole(
    "--scenes",
    most=10_000,
    help="Measure the mean average precision on this many generated scenes.",
)
@options.seed("Of the scenes.")
@options.whole(
    "--clutter", least=0, most=100, default=0, help="Fragments of other digits in each scene."
)
@click.option(
    "--threshold",
    type=options.Number(0, 1),
    default=0.5,
    show_default=True,
    help="Least probability of a box.",
)
@click.option(
    "--overlap",
    type=options.Number(0, 1),
    default=0.1,
    show_default=True,
    help="Most intersection over union of two boxes.",
)
@click.option(
    "--scales",
    type=Scales(),
    help="How far the picture is enlarged for each scan; by default a quarter octave apart.",
)
@options.data_dir
@options.device
@options.threads
@options.picture(None)
def command(run, image, scenes, seed, clutter, threshold, overlap, scales, data_dir, picture):
    """Find digits of several sizes in one picture: the network, moved over all of it.

    IMAGE is a file, "-", or scene:N, a generated scene of the test set's digits whose
    boxes are known.  The dense layers become convolutions with the same weights
    (LeCun et al. 1998, section VII); the picture is read at several sizes.

    A classifier that knows only digits takes every spot for a digit.  Train one
    that also knows background, and measure it:

    \b
    convlab train --data scenes
    convlab detect runs/lenet5-scenes scene:3
    convlab detect runs/lenet5-scenes --scenes 500
    """
    if (image is None) == (scenes is None):
        raise click.UsageError("expected either IMAGE or --scenes")
    if scenes is not None and picture.path is not None:
        raise click.UsageError("-o: expected IMAGE with it; --scenes has numbers alone")
    from convlab import pictures, tasks
    from convlab.data import BACKGROUND

    run = options.load_run(run)
    detector = tasks.detector(run, threshold, overlap)
    if BACKGROUND not in run.classes:
        click.echo(
            f"note: {run.folder} knows no class {BACKGROUND!r}, so it finds digits everywhere; one"
            " that does: convlab train --data scenes",
            err=True,
        )
    if scenes is not None:
        scores = tasks.measure_detector(
            detector, scenes, seed=seed, clutter=clutter, scales=scales, data_dir=data_dir
        )
        if not picture.alt:
            terminal.say(scores.lines())
        if picture.json is not None or picture.alt:
            picture.write(b"", scores.title, f"{scores.summary}.", **scores.numbers)
        return
    made = pictures.detect(
        run,
        image,
        seed=seed,
        clutter=clutter,
        threshold=threshold,
        overlap=overlap,
        scales=scales,
        data_dir=data_dir,
    )
    terminal.show(made, dataclasses.replace(picture, path=picture.path or Path("detected.png")))
