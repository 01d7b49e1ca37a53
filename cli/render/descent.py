"""``convlab render descent``: gradient descent on a loss of two weights."""

from convlab_cli import drawing, options


@options.command()
@options.image_argument("china")
@options.whole("--row", least=0, help="Of the image; by default the middle one.")
@options.number("--rate", (0, 1e6), min_open=True, help="By default 0.7 of the largest stable one.")
@options.number("--momentum", (0, 1), max_open=True, default=0.6)
@options.whole("--steps", most=200, default=30)
@options.image_data
@options.data_dir
@drawing.draws("descent.png")
def command(pictures, **settings):
    """Gradient descent fits a kernel of two weights to the differences along a row of pixels.

    The loss of both weights as contours, and on it the steps: with the rate, with one just above
    the largest stable one, and with momentum; below, the loss by step.  IMAGE is a picture file,
    "-", a photograph (china, flower), or test:N of --data.
    """
    return pictures.descent(**settings)
