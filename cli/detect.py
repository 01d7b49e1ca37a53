"""``convlab detect``: digits or objects of several sizes in one picture."""

import click
from convlab_cli import drawing, options, runs, terminal
from convlab_cli.values import Spelled


@options.command()
@options.whole(
    "--scenes",
    most=10_000,
    help="Measure the mean average precision on this many generated scenes.",
)
@options.seed("Of the scenes.")
@options.whole(
    "--clutter",
    least=0,
    most=100,
    default=0,
    help="Fragments of other digits, or of backgrounds, in each scene.",
)
@options.number("--threshold", (0, 1), default=0.5, help="Least probability of a box.")
@options.number("--overlap", (0, 1), default=0.1, help="Most intersection over union of two boxes.")
@options.valued(
    "--scales",
    type=Spelled("S,S,...", "numbers", example="1.4,1,0.7", within=(0.01, 8)),
    help="How far the picture is enlarged for each scan; by default a quarter octave apart.",
)
@options.valued(
    "--background",
    metavar="CLASS",
    help="The class of pictures without an object.  [default: background]",
)
@runs.about_run(runs.image_argument(required=False))
@drawing.picture(None)
def command(run, image, scenes, threshold, overlap, background, picture, **settings):
    """Find digits or objects in one picture: the network, moved over all of it.

    IMAGE is a file, "-", or scene:N, a generated scene of the test set's images whose
    boxes are known.  The dense layers become convolutions with the same weights
    (LeCun et al. 1998, section VII); the picture is read at several sizes.

    A classifier that knows only digits takes every spot for a digit.  Train one
    that also knows background, and measure it:

    \b
    convlab train --data scenes
    convlab detect runs/lenet5-scenes scene:3
    convlab detect runs/lenet5-scenes --scenes 500

    Objects of your own: a folder with a folder of pictures for each class, one of
    them called background, with pictures without any object:

    \b
    convlab train --data scenes:pets
    convlab detect runs/lenet5-pets-scenes photo.jpg
    convlab detect runs/lenet5-pets-scenes --scenes 500
    """
    if (image is None) == (scenes is None):
        raise click.UsageError("expected either IMAGE or --scenes")
    if scenes is not None and picture.path is not None:
        raise click.UsageError("-o: expected IMAGE with it; --scenes has numbers alone")
    from convlab import pictures, tasks

    kept = {"threshold": threshold, "overlap": overlap, "background": background}
    detector = tasks.detector(run, **kept)
    if detector.note:
        click.echo(detector.note, err=True)
    if scenes is None:
        made = pictures.detect(run, image, **kept, **settings)
        terminal.show(made, picture.or_else("detected.png"))
        return
    scores = tasks.measure_detector(detector, scenes, **settings)
    if not picture.alt:
        terminal.say(scores.lines())
    if picture.record.wanted or picture.alt:
        picture.write([], scores.title, f"{scores.summary}.", **scores.numbers)
