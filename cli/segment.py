"""``convlab segment``: which pixel of a picture belongs to which digit."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options, terminal
from convlab_cli.output import json_text

QUICK = 150  # steps


@click.group()
def command():
    """A small encoder-decoder that says for every pixel which digit it belongs to.

    It learns on generated scenes: digits of several sizes among fragments of others.

    \b
    convlab segment train --data mnist
    convlab segment evaluate runs/segment-mnist
    convlab segment predict runs/segment-mnist scene:3
    """


@command.command()
@click.option(
    "--data",
    "source",
    default="digits",
    show_default=True,
    help="What the digits are taken from: digits, mnist, or a folder of images.",
)
@options.data_dir
@options.whole("--steps", help="Steps of 16 new scenes each.  [default: 1500]")
@click.option("--quick", is_flag=True, help=f"Only {QUICK} steps, to see that it works.")
@options.seed()
@options.threads
@click.option(
    "--out",
    type=options.Written(path_type=Path),
    help="Folder to write.  [default: runs/segment-DATA]",
)
@click.option("--exist-ok", is_flag=True, help="Replace an existing folder.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@options.json_flag()
def train(source, data_dir, steps, quick, seed, out, exist_ok, quiet, as_json):
    """Train on new scenes in each step, then measure on the test digits."""
    import dataclasses

    from convlab import data, tasks, training

    if quick and steps is not None:
        raise click.UsageError("--quick is a number of steps; drop --steps")
    wanted = {} if steps is None else {"steps": steps}
    settings = tasks.SegmentationSettings(
        data=source, seed=seed, **({"steps": QUICK} if quick else wanted)
    )
    folder = out or Path("runs") / f"segment-{Path(source).name}"
    training.check_free(folder, exist_ok)
    digits, test = data.load(source, data_dir=data_dir)
    segmenter = tasks.new_segmenter(settings, digits)

    def say(text: str) -> None:
        if not quiet:
            click.echo(text, err=True)

    say(
        f"encoder-decoder, {segmenter.network.parameter_count():,} parameters,"
        f" {settings.steps} steps of {settings.batch_size} scenes of {digits.name}"
    )
    history = tasks.fit_segmenter(
        folder,
        segmenter,
        digits,
        lambda record: say(
            f"step {record.step}/{settings.steps}  loss {record.loss:.4f}"
            f"  pixels {100 * record.accuracy:.2f} %  {record.seconds:.0f} s"
        ),
    )
    scores = tasks.segmentation_scores(segmenter, test, 100)
    if as_json:
        last = dataclasses.asdict(history[-1])
        click.echo(json_text({"run": str(folder), **last, **scores.record()}))
        return
    said = [f"run: {folder}", f"next: convlab segment predict {folder} scene:0"]
    terminal.say([*scores.lines(), *said])


@command.command()
@options.run_argument
@options.whole("--scenes", most=10_000, default=200, help="How many.")
@options.seed()
@options.data_dir
@options.threads
@options.json_flag()
def evaluate(run, scenes, seed, data_dir, as_json):
    """Pixel accuracy and intersection over union on scenes of the test digits."""
    from convlab import data, tasks

    segmenter = tasks.load_segmenter(run)
    _, test = data.load(segmenter.settings.data, data_dir=data_dir)
    scores = tasks.segmentation_scores(segmenter, test, scenes, seed)
    terminal.say([json_text(scores.record())] if as_json else scores.lines())


@command.command()
@options.run_argument
@click.argument("image", metavar="IMAGE")
@options.seed("Of the scenes.")
@options.whole(
    "--pixels",
    least=32,
    most=512,
    default=128,
    help="Longer side that a file is scaled to: its digits should get 24 to 36.",
)
@options.data_dir
@options.threads
@options.picture("segmented.png")
def predict(run, image, seed, pixels, data_dir, picture):
    """RUN's answer for each pixel of IMAGE: a file, "-", or scene:N.

    scene:N is a generated scene of the test digits, whose truth is known.
    """
    from convlab import pictures

    terminal.show(pictures.segment(run, image, seed, pixels, data_dir), picture)
