"""``convlab render flatten``: an image as the row of numbers that a dense layer reads."""

from convlab_cli import drawing, options


@options.command()
@options.image_argument("test:7")
@options.at("The pixel whose place is worked out; by default that in the middle.")
@options.image_data
@options.data_dir
@drawing.draws("flatten.png")
def command(pictures, **settings):
    """What Flatten makes of an image: its numbers in a row, and the place of each.

    IMAGE is a picture file, "-", a photograph (china, flower), or test:N of --data.  28 x 28
    pixels become 784 numbers, row after row; of colours one channel after the other.

    \b
    convlab render flatten test:3 --at 9,14
    """
    return pictures.flatten(**settings)
