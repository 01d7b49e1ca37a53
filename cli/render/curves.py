"""``convlab render curves``: loss and accuracy by epoch."""

from convlab_cli import drawing, options


@options.command()
@options.run_argument
@drawing.picture("curves.png")
def command(run, picture):
    """Loss and accuracy by epoch."""
    from convlab import pictures, training

    made = pictures.curves(run)
    with training.locked_for(picture.path):
        picture.finish(made)
