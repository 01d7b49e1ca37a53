"""``convlab render features``: what every layer makes of an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from convlab_cli import options

if TYPE_CHECKING:
    import numpy as np

    from convlab.models import Network

MOST_NAMED = 12  # maps whose numbers a line can hold


@click.command()
@options.run_argument
@click.argument("image", metavar="IMAGE")
@click.option("--layer", help="One layer, large; all layers by default.")
@click.option(
    "--order",
    type=click.Choice(["strongest", "number"]),
    help="Which maps come first.  [default: strongest for the maps of one layer, else number]",
)
@click.option(
    "--scale",
    type=click.Choice(["layer", "map"]),
    default="layer",
    show_default=True,
    help="One scale for all maps of --layer, or for each map its own.",
)
@click.option(
    "--dead", is_flag=True, help="Also name the maps and units that no test image makes fire."
)
@click.option(
    "--images",
    type=click.IntRange(1, options.MOST),
    default=1000,
    show_default=True,
    help="Test images of --dead, evenly over the test set.",
)
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
    import numpy as np

    from convlab import Tensor, files, insight, no_grad, viz
    from convlab.errors import SpecError
    from convlab.nn import PASSES_ON
    from convlab.pictures.sources import some_test_images

    if scale == "map" and layer is None:
        raise SpecError("scale: expected --layer with --scale map")
    run = options.load_run(run)
    pixels, inverted = options.read_image(run, image, data_dir)
    x = run.network_input(pixels)
    name = Path(image).name
    activations = insight.trace(run.network, x, layer)
    # These show the same numbers again.
    shown = [a for a in activations if layer is not None or a.layer.family not in PASSES_ON]
    subtitle = f"{options.title_of(run)}{'; inverted' if inverted else ''}"
    silent = {a.name: insight.silent_maps(a.array) for a in shown}
    counts = {a.name: (len(a.array), "maps" if a.array.ndim == 3 else "units") for a in shown}
    result = {activation.name: activation.array for activation in activations}
    result["0 everywhere on this image"] = silent
    notes = []
    if any(silent.values()):
        notes.append(f"0 everywhere on this image: {_named(silent, counts, layer)}")
    if dead:
        chosen, said = some_test_images(run, images, data_dir)
        found = insight.never_firing(run.network, chosen, run.scaling, layer)
        never = {name: found[name] for name in counts}
        result["0 everywhere on the test images"] = never
        notes.append(f"0 everywhere on {said}: {_named(never, counts, layer)}")
    look = {**picture.look, "notes": notes}
    if layer is not None:
        (activation,) = activations
        title = f"{layer}: {activation.kind} of {name}"
        maps = activation.array.ndim == 3 and activation.array.shape[1:] != (1, 1)
        if activation.array.ndim == 3:
            channels, rows, columns = activation.array.shape
            subtitle += f"; {rows} × {columns} × {channels}"
        order = order or ("strongest" if maps else "number")
        figure = viz.feature_maps(
            activation.array,
            title=title,
            subtitle=subtitle,
            order=order,
            own_scales=scale == "map",
            **look,
        )
    else:
        with no_grad():
            output_array = run.network(Tensor(x[np.newaxis])).numpy()
        probabilities = run.network.probabilities(output_array)[0]
        title = f"The journey of {name}"
        order = order or "number"
        figure = viz.journey(
            pixels,
            [(a.name, a.array) for a in shown],
            minor=_before_activations(run.network, shown),
            title=title,
            subtitle=subtitle,
            classes=run.classes,
            probabilities=probabilities,
            order=order,
            **look,
        )
        result["probabilities"] = dict(zip(run.classes, probabilities.tolist(), strict=True))
    if npz is not None:
        arrays = {"image": pixels, "network_input": x}
        if layer is None:
            arrays["probabilities"] = probabilities
        files.write_atomically(npz, _npz(arrays, activations))
    description = "; ".join([f"{title}, {subtitle}", *notes])
    picture.save(
        figure,
        title,
        f"{description}.",
        parameters={
            "run": run.folder,
            "image": image,
            "layer": layer,
            "order": order,
            "scale": scale,
            "test images": len(chosen) if dead else None,
            "inverted": inverted,
        },
        inputs={"image": pixels, "network input": x},
        weights=run.network.state_dict(),
        result=result,
    )


def _before_activations(network: Network, activations: list) -> set[str]:
    """The names of the layers whose output an activation reads."""
    sources = network.sources()
    read = {name for a in activations if a.layer.family == "activation" for name in sources[a.name]}
    return read & {a.name for a in activations}


def _named(silent: dict, counts: dict, layer: str | None) -> str:
    """The silent maps of one layer by their numbers, of all layers how many."""
    if layer is not None:
        numbers = silent[layer]
        listed = ", ".join(map(str, numbers[:MOST_NAMED]))
        more = " \u2026" if len(numbers) > MOST_NAMED else ""
        count, kind = counts[layer]
        return f"{len(numbers)} of {count} {kind}: {listed}{more}" if numbers else "none"
    found, last = [], None
    for name, numbers in silent.items():
        count, kind = counts[name]
        # Pooling passes a silent map on: it is named once.
        if numbers and (numbers, count) != last:
            found.append(f"{len(numbers)} of {count} {kind} of {name}")
        last = numbers, count
    if len(found) > 3:
        found = [*found[:2], f"and some of {len(found) - 2} more layers"]
    return ", ".join(found) or "none"


def _npz(arrays: dict[str, np.ndarray], activations: list) -> bytes:
    """All arrays as the bytes of an .npz file, each layer's under its name."""
    import io

    import numpy as np

    from convlab.errors import SpecError

    # What NumPy's own arguments are called cannot name an array.
    taken = {*arrays, "file", "allow_pickle"} & {activation.name for activation in activations}
    if taken:
        raise SpecError(f"npz: expected other names of layers than {', '.join(sorted(taken))}")
    buffer = io.BytesIO()
    np.savez(buffer, **arrays, **{a.name: a.array for a in activations})
    return buffer.getvalue()
