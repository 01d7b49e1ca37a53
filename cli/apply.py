"""``convlab apply``: a classic kernel on an image."""

import click
from convlab_cli import drawing, options, terminal
from convlab_cli.output import write


@options.command()
@options.image_argument("china")
@options.kernel(
    "Name, name:NUMBER, rows such as '1 0 -1; 2 0 -2; 1 0 -1', or a .csv file with semicolons,"
    " tabs, commas or spaces between the numbers; beside semicolons and tabs a comma is the decimal"
    " mark.",
    default="sobel",
)
@options.flag(
    "--grey/--colour",
    default=None,
    help="The luma of a colour picture, or each channel; luma for edges by default.",
)
@options.padding(help="same by default, valid for 6x6-edge.")
@options.padding_mode("replicate", "What is in the padding; zeros make edges at the border.")
@options.lengths("--stride", example="2", default="1")
@options.flag(
    "--convolve",
    help="Also true convolution, with the kernel turned by 180°, and the difference.",
)
@options.number(
    "--threshold",
    (0, 1e9),
    help="Least magnitude whose direction is shown; a tenth of the largest by default.",
)
@options.also(
    "--raw", suffixes=(".npy", ".csv"), help="Also write the result's numbers: .npy or .csv."
)
@options.valued(
    "--pool",
    metavar="max:K|average:K",
    help="Instead of a kernel: pooling, beside the picture made smaller.",
)
@options.threads
@drawing.picture("apply.png")
@click.pass_context
def command(context, image, grey, pool, raw, picture, **settings):
    """The effect of a kernel on an image: before, kernel, after.

    IMAGE is a picture file, "-" for standard input, a photograph (china, flower)
    or a test pattern (step, checkerboard, 6x6-edge); china by default.

    \b
    Gradients   sobel, scharr, prewitt, roberts: magnitude and direction;
                one of the two with -x or -y, such as sobel-x
    Edges       vertical, horizontal, laplacian
    Smoothing   gaussian:SIGMA, box:K, motion:K
    Others      sharpen, emboss, identity

    With --pool it is pooled instead, and made smaller by Pillow, whose BOX is the mean of
    a block.

    The kernel slides over the image as it is printed: cross-correlation.
    """
    from convlab import lessons, pictures
    from convlab.data.table import numbers_bytes
    from convlab.pictures._apply import summarised

    kernel = settings["kernel"]
    if pool is not None:
        if given := options.typed(context, settings):
            raise click.UsageError(f"{given[0]}: expected a kernel, and --pool has none")
        made = pictures.pooled(image, pool, grey=bool(grey))
    elif grey is False and lessons.classic_kernel(kernel).is_pair:
        name = lessons.classic_kernel(kernel).name
        raise click.UsageError(
            f"--colour: expected one kernel such as {name}-x, got the pair {name},"
            " whose direction is that of one channel"
        )
    else:
        made = pictures.apply(image, grey=grey, **settings)
    content = None if raw is None else numbers_bytes(made.result["output"], raw.name)

    def before() -> None:
        if raw is not None and content is not None:
            write(raw, content)
        if not picture.alt:
            terminal.say([*made.lines(), *([] if raw is None else [f"wrote {raw}"])])

    picture.finish(summarised(made) if picture.record.wanted else made, before)
