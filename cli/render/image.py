"""``convlab render image``: the channels of an image, or its numbers."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options


@click.command()
@click.argument("image", metavar="[IMAGE]", default="china")
@click.option("--numbers", is_flag=True, help="The values of some pixels, instead of channels.")
@click.option(
    "--pixels",
    type=options.Lengths(example="8x8"),
    help="Rows x columns of --numbers; 14x14 of a grey image, 14x8 of colours by default.",
)
@click.option(
    "--at",
    type=options.Unit(),
    help="The first of them, or the pixel marked on the image; by default in the middle.",
)
@click.option(
    "--data",
    "source",
    default="digits",
    show_default=True,
    help="The data set of test:N.",
)
@options.data_dir
@options.picture("image.png")
def command(image, numbers, pixels, at, source, data_dir, picture):
    """An image as a network gets it: its red, green and blue channels, or numbers.

    IMAGE is a picture file, "-", a photograph (china, flower), or test:N of --data.  A grey
    image has one channel, so that its numbers are shown.

    \b
    convlab render image photo.png
    convlab render image test:7 --numbers --pixels 12
    """
    from convlab import lessons, viz
    from convlab.errors import ShapeError
    from convlab.shapes import size_text

    bytes_, name = _read(image, source, data_dir)
    channels, rows, columns = bytes_.shape
    numbers = numbers or channels == 1
    if not numbers and pixels:
        raise click.UsageError("--pixels: expected together with --numbers")
    size = size_text(rows, columns, channels)
    if numbers:
        high, wide = pixels or (14, 14 if channels == 1 else 8)
        if pixels is None:
            high, wide = min(high, rows), min(wide, columns)
        top, left = at or (max(0, (rows - high) // 2), max(0, (columns - wide) // 2))
        if not (0 <= top <= rows - high and 0 <= left <= columns - wide):
            raise ShapeError(
                f"pixels: expected {size_text(high, wide)} of them inside {name}, which has"
                f" {size_text(rows, columns)}, got the first one at row {top}, column {left}"
            )
        box = (top, left, top + high, left + wide)
        title = "An image is numbers"
        levels = (
            "0 is black, 255 is white" if channels == 1 else "of each colour, 0 is none, 255 is all"
        )
        subtitle = f"{name}, {size}: {levels}"
        figure = viz.pixel_numbers(bytes_, box, title=title, subtitle=subtitle, **picture.look)
        described = f"rows {top} to {box[2] - 1}, columns {left} to {box[3] - 1}"
        shown = bytes_[:, top : box[2], left : box[3]]
        parameters = {"image": image, "box": box}
        result = {"pixels": shown}
    else:
        title = "A colour image is three maps"
        subtitle = f"{name}, {size}: in each channel 0 is black, 255 is white"
        row, column = at or (rows // 2, columns // 2)
        if not (0 <= row < rows and 0 <= column < columns):
            raise ShapeError(
                f"at: expected a pixel inside {size_text(rows, columns)}, got row {row}, column"
                f" {column}"
            )
        figure = viz.channels(bytes_, (row, column), title=title, subtitle=subtitle, **picture.look)
        values = bytes_[:, row, column]
        described = "row {}, column {} is red {}, green {}, blue {}".format(row, column, *values)
        parameters = {"image": image, "pixel": (row, column)}
        result = {"values": values}
    picture.save(
        figure,
        title,
        f"{title}: {subtitle}; {described}.",
        parameters=parameters,
        inputs={"image": lessons.record(bytes_)},
        weights={},
        result=result,
    )


def _read(image: str, source: str, data_dir):
    """(bytes (C, H, W), what the image is called)."""
    from convlab import data
    from convlab.data.pictures import picture_header
    from convlab.errors import DataError
    from convlab.reading import read_standard_input

    if image.startswith("test:"):
        _, test = data.load(source, data_dir=data_dir)
        number = image.removeprefix("test:")
        if not number.isdecimal() or len(number) > 18 or int(number) >= len(test):
            raise DataError(f"image {image}: expected test:0 to test:{len(test) - 1}")
        return test.images[int(number)], f"{image} of {test.name}"
    if image in data.PHOTOGRAPHS:
        return data.photograph(image).transpose(2, 0, 1), image
    if image == "-":
        content, name = read_standard_input(), "standard input"
    else:
        content, name = Path(image), Path(image).name
        if not content.exists():
            raise DataError(
                f"{image}: expected a picture file, test:N or one of"
                f" {', '.join(data.PHOTOGRAPHS)}; there is no such file"
            )
    size, is_grey = picture_header(content)
    return data.read_picture(content, size=size, channels=1 if is_grey else 3), name
