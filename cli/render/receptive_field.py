"""``convlab render receptive-field``: the pixels that one unit sees."""

import click
from convlab_cli import completion, drawing, options


@options.command()
@options.network_argument()
@options.layer("A layer with feature maps; the last one by default.")
@options.unit(2, help="Row and column in the map; the middle by default.")
@options.valued(
    "--image",
    shell_complete=completion.images,
    help="A picture file, china, flower, or test:N of a run's test set, under the box.",
)
@options.flag("--chain", help="The nested boxes of all layers on the way.")
@options.flag("--pyramid", help="The windows behind the unit along one axis.")
@options.choice(
    *("--axis", "rows", "columns"),
    default=None,
    help="Which axis --pyramid shows; rows by default.",
)
@options.flag("--effective", help="How much each pixel weighs: the unit's gradient.")
@options.whole(
    "--images",
    most=10_000,
    help="Images for --effective: the first of a run's test set, or random normal numbers"
    " for a model without a run.  32 by default.",
)
@options.data_dir
@options.as_is
@options.device
@drawing.draws("receptive-field.png")
def command(pictures, network, chain, pyramid, axis, effective, images, **asked):
    """Which input pixels one unit sees: the box on the input, with its exact size and place.

    After a transposed convolution or an uneven adaptive pooling each unit has its own box.
    "convlab receptive-field" lists all layers.
    """
    if chain + pyramid + effective > 1:
        raise click.UsageError("expected one of --chain, --pyramid and --effective, got several")
    if axis is not None and not pyramid:
        raise click.UsageError("--axis: expected together with --pyramid")
    if images is not None and not effective:
        raise click.UsageError("--images: expected together with --effective")
    image = asked["image"]
    if image is not None and pyramid:
        raise click.UsageError("--image: expected without --pyramid, which draws units alone")
    network, run = options.network_of(network, weights=effective)
    if run is None and image is not None and image.startswith("test:"):
        raise click.BadParameter(
            f"--image {image}: expected a picture file, or the folder of a run"
        )
    subject = run or network
    if pyramid:
        return pictures.receptive_field_pyramid(
            subject, asked["layer"], asked["unit"], axis or "rows"
        )
    if effective:
        return pictures.effective_receptive_field(subject, images=images or 32, **asked)
    if chain:
        return pictures.receptive_field_chain(subject, **asked)
    return pictures.receptive_field(subject, **asked)
