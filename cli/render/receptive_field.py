"""``convlab render receptive-field``: the pixels that one unit sees."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@click.argument("network", metavar="RUN|MODEL|SPEC.toml")
@click.option("--layer", help="A layer with feature maps; the last one by default.")
@click.option(
    "--unit", type=options.Unit(), help="Row and column in the map; the middle by default."
)
@click.option("--image", help="A picture file, or test:N of a run's test set, under the box.")
@click.option("--chain", is_flag=True, help="The nested boxes of all layers on the way.")
@click.option("--pyramid", is_flag=True, help="The windows behind the unit along one axis.")
@click.option(
    "--axis",
    type=click.Choice(["rows", "columns"]),
    help="Which axis --pyramid shows; rows by default.",
)
@click.option("--effective", is_flag=True, help="How much each pixel weighs: the unit's gradient.")
@options.whole(
    "--images",
    most=10_000,
    help="Images for --effective: the first of a run's test set, or random normal numbers"
    " for a model without a run.  32 by default.",
)
@options.data_dir
@options.device
@options.draws("receptive-field.png")
def command(
    pictures, network, layer, unit, image, chain, pyramid, axis, effective, images, data_dir
):
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
    if image is not None and pyramid:
        raise click.UsageError("--image: expected without --pyramid, which draws units alone")
    network, run = options.network_of(network, weights=effective)
    if run is None and image is not None and image.startswith("test:"):
        raise click.BadParameter(
            f"--image {image}: expected a picture file, or the folder of a run"
        )
    subject = run or network
    if pyramid:
        made = pictures.receptive_field_pyramid(subject, layer, unit, axis or "rows")
    elif chain:
        made = pictures.receptive_field_chain(subject, layer, unit, image, data_dir)
    elif effective:
        made = pictures.effective_receptive_field(
            subject, layer, unit, image, images or 32, data_dir
        )
    else:
        made = pictures.receptive_field(subject, layer, unit, image, data_dir)
    return made
