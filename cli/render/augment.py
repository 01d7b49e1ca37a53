"""``convlab render augment``: what training sees instead of an image."""

import click
from convlab_cli import completion, drawing, options


@options.command()
@click.argument("source", metavar="IMAGE|DATA", shell_complete=completion.data_sets)
@options.valued(
    "--augment",
    default="shift=2,rotate=15,scale=0.15",  # training.DIGITS_AUGMENTATION
    help="Random changes, as in convlab train.",
)
@options.whole("--count", most=100, help="Versions of each image.  [default: 11, of classes 7]")
@options.seed("As in convlab train.")
@options.data_dir
@drawing.draws("augment.png")
def command(pictures, source, **settings):
    """What training sees: an image beside versions of it, changed at random.

    IMAGE is a picture file, "-", a photograph (china, flower), or a training image of a data set,
    such as digits:3.  Of DATA, a data set or a folder or file of one, the first training image of
    each class has a row.  The code of training draws and makes the changes; below each version is
    what was done to it.
    """
    return pictures.augment(source, **settings)
