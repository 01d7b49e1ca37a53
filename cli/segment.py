"""``convlab segment``: which pixel of a picture belongs to which digit."""

from functools import partial

import click
from convlab_cli import drawing, options, terminal

QUICK = 150  # steps


@options.group()
def command():
    """A small encoder-decoder that says for every pixel which digit it belongs to.

    It learns on generated scenes: digits of several sizes among fragments of others.

    \b
    convlab segment train --data mnist
    convlab segment evaluate runs/segment-mnist
    convlab segment predict runs/segment-mnist scene:3
    """


@command.command()
@options.data(
    "source",
    default="digits",
    help="What the digits are taken from: digits, mnist, or your own folder or file.",
)
@options.data_dir
@options.whole("--steps", help="Steps of 16 new scenes each.  [default: 1500]")
@options.flag("--quick", help=f"Only {QUICK} steps, to see that it works.")
@options.seed()
@options.threads
@options.output(help="Folder to write.  [default: runs/segment-DATA]", folder=True)
@options.exist_ok
@options.quiet
@options.json_options()
def train(source, data_dir, steps, quick, seed, output, exist_ok, quiet, record):
    """Train on new scenes in each step, then measure on the test digits."""
    from convlab import tasks

    if quick and steps is not None:
        raise click.UsageError("--quick is a number of steps; drop --steps")
    steps = QUICK if quick else steps
    wanted = {} if steps is None else {"steps": steps}
    settings = tasks.SegmentationSettings(data=source, seed=seed, **wanted)
    say = (lambda text: None) if quiet else partial(click.echo, err=True)
    made = tasks.segmentation_run(settings, output, data_dir, exist_ok=exist_ok, say=say)
    record.show([made.record()], made.lines())


@command.command()
@options.run_argument
@options.whole("--scenes", most=10_000, default=200, help="How many.")
@options.seed()
@options.data_dir
@options.threads
@options.json_options()
def evaluate(run, scenes, seed, data_dir, record):
    """Pixel accuracy and intersection over union on scenes of the test digits."""
    from convlab import data, tasks

    segmenter = tasks.load_segmenter(run)
    _, test = data.load(segmenter.settings.data, data_dir=data_dir)
    scores = tasks.segmentation_scores(segmenter, test, scenes, seed)
    record.show([scores.record()], scores.lines())


@command.command()
@options.run_argument
@options.image_argument()
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
@drawing.picture("segmented.png")
def predict(run, image, seed, pixels, data_dir, picture):
    """RUN's answer for each pixel of IMAGE: a file, "-", or scene:N.

    scene:N is a generated scene of the test digits, whose truth is known.
    """
    from convlab import pictures

    terminal.show(pictures.segment(run, image, seed, pixels, data_dir), picture)
