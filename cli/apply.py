"""``convlab apply``: a classic kernel on an image."""

from __future__ import annotations

import click
from convlab_cli import options, terminal

RAW = (".npy", ".csv")


@click.command()
@click.argument("image", default="china")
@click.option(
    "--kernel",
    default="sobel",
    show_default=True,
    help="Name, name:NUMBER, rows such as '1 0 -1; 2 0 -2; 1 0 -1', or a .csv file with"
    " semicolons, tabs, commas or spaces between the numbers; beside semicolons and tabs a comma is"
    " the decimal mark.",
)
@click.option(
    "--grey/--colour",
    default=None,
    help="The luma of a colour picture, or each channel; luma for edges by default.",
)
@click.option("--padding", type=options.Padding(), help="same by default, valid for 6x6-edge.")
@click.option(
    "--padding-mode",
    type=click.Choice(["zeros", "reflect", "replicate", "circular"]),
    default="replicate",
    show_default=True,
    help="What is in the padding; zeros make edges at the border.",
)
@click.option("--stride", type=options.Lengths(example="2"), default="1", show_default=True)
@click.option(
    "--convolve",
    is_flag=True,
    help="Also true convolution, with the kernel turned by 180°, and the difference.",
)
@click.option(
    "--threshold",
    type=options.Number(0, 1e9),
    help="Least magnitude whose direction is shown; a tenth of the largest by default.",
)
@click.option(
    "--raw",
    type=options.WRITTEN,
    callback=lambda context, parameter, path: path and options.check_suffix(path, RAW),
    help="Also write the result's numbers: .npy or .csv.",
)
@options.threads
@options.picture("apply.png")
def command(image, kernel, grey, padding, padding_mode, stride, convolve, threshold, raw, picture):
    """The effect of a kernel on an image: before, kernel, after.

    IMAGE is a picture file, "-" for standard input, a photograph (china, flower)
    or a test pattern (step, checkerboard, 6x6-edge); china by default.

    \b
    Gradients   sobel, scharr, prewitt, roberts: magnitude and direction;
                one of the two with -x or -y, such as sobel-x
    Edges       vertical, horizontal, laplacian
    Smoothing   gaussian:SIGMA, box:K, motion:K
    Others      sharpen, emboss, identity

    The kernel slides over the image as it is printed: cross-correlation.
    """
    import dataclasses

    from convlab import lessons, pictures
    from convlab.data.table import numbers_bytes
    from convlab.files import write_atomically

    if grey is False and lessons.classic_kernel(kernel).is_pair:
        name = lessons.classic_kernel(kernel).name
        raise click.UsageError(
            f"--colour: expected one kernel such as {name}-x, got the pair {name},"
            " whose direction is that of one channel"
        )
    made = pictures.apply(
        image,
        kernel,
        grey=grey,
        padding=padding,
        padding_mode=padding_mode,
        stride=stride,
        convolve=convolve,
        threshold=threshold,
    )
    numbers = made.result["output"]
    content = None if raw is None else numbers_bytes(numbers, raw.name)

    def before() -> None:
        if raw is not None and content is not None:
            write_atomically(raw, content)
        if not picture.alt:
            terminal.say(made.lines())
            terminal.say([] if raw is None else [f"wrote {raw}"])

    if picture.json is not None:  # without the megabytes of a photograph
        made = dataclasses.replace(
            made,
            inputs={"image": lessons.record(made.inputs["image"])},
            result={**made.result, "output": lessons.record(numbers)},
        )
    picture.finish(made, before)
