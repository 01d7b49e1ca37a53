"""``convlab render features``: what every layer makes of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from convlab_cli import options

if TYPE_CHECKING:
    from convlab import pictures
    from convlab.models import Network


@click.command()
@options.run_argument
@click.argument("image", metavar="IMAGE")
@click.option("--layer", help="One layer, large; all layers by default.")
@click.option(
    "--order",
    type=click.Choice(["strongest", "number"]),
    help="Which maps come first.  [default: strongest for the maps of one layer, else number]",
)
@options.choice(
    "--scale", "layer", "map", help="One scale for all maps of --layer, or for each map its own."
)
@click.option(
    "--dead", is_flag=True, help="Also name the maps and units that no test image makes fire."
)
@options.whole("--images", default=1000, help="Test images of --dead, evenly over the test set.")
@click.option(
    "--npz",
    type=options.WRITTEN,
    help="Also write all arrays, for numpy.load.",
)
@options.data_dir
@options.device
@options.picture("features.png")
def command(run, image, layer, order, scale, dead, images, npz, data_dir, picture):
    """What every layer makes of IMAGE: a file, "-", or test:N of the run's test set.

    Maps and units that are 0 everywhere on this image are named, with --dead also
    those that are 0 everywhere on all test images.  Where not all layers fit, those
    that an activation follows are left out first; --layer draws any of them.
    """
    from convlab import files, pictures

    run = options.load_run(run)
    made = pictures.features(
        run,
        image,
        layer,
        order=order,
        scale=scale,
        dead=dead,
        images=images,
        data_dir=data_dir,
    )
    arrays = b"" if npz is None else _npz(made, layer, run.network)
    picture.finish(made)
    if npz is not None:
        files.write_atomically(npz, arrays)


def _npz(made: pictures.Picture, layer: str | None, network: Network) -> bytes:
    """All arrays as the bytes of an .npz file, each layer's under its name."""
    import io

    import numpy as np

    from convlab.errors import SpecError

    arrays = {"image": made.inputs["image"], "network_input": made.inputs["network input"]}
    if layer is None:
        chances = made.result["probabilities"].values()
        arrays["probabilities"] = np.array([*chances], np.float32)
    layers = [name for name, _ in network.named_children()] if layer is None else [layer]
    # What NumPy's own arguments are called cannot name an array.
    taken = {*arrays, "file", "allow_pickle"} & {*layers}
    if taken:
        raise SpecError(f"npz: expected other names of layers than {', '.join(sorted(taken))}")
    buffer = io.BytesIO()
    np.savez(buffer, **arrays, **{name: made.result[name] for name in layers})
    return buffer.getvalue()
