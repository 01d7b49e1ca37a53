"""``convlab render features``: what every layer makes of an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from convlab_cli import options
from convlab_cli.render.embedding import some_test_images

if TYPE_CHECKING:
    import numpy as np

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
    "--dead", is_flag=True, help="Also name the maps and units that no test image makes fire."
)
@click.option(
    "--images",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Test images of --dead, evenly over the test set.",
)
@click.option(
    "--npz",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write all arrays, for numpy.load.",
)
@options.data_dir
@options.picture("features.png")
def command(run, image, layer, order, dead, images, npz, data_dir, picture):
    """What every layer makes of IMAGE: a file, "-", or test:N of the run's test set.

    Maps and units that are 0 everywhere on this image are named, with --dead
    those that are 0 everywhere on all test images.
    """
    import numpy as np

    from convlab import Tensor, insight, no_grad, training, viz

    run = training.load(run)
    pixels, inverted = options.read_image(run, image, data_dir)
    x = run.network_input(pixels)
    name = Path(image).name
    activations = insight.trace(run.network, x, layer)
    # Flattening shows the same numbers again.
    shown = [a for a in activations if layer is not None or a.kind != "Flatten"]
    subtitle = f"{options.title_of(run)}{'; inverted' if inverted else ''}"
    silent = {a.name: insight.silent_maps(a.array) for a in shown}
    counts = {a.name: (len(a.array), "maps" if a.array.ndim == 3 else "units") for a in shown}
    result = {activation.name: activation.array for activation in activations}
    result["0 everywhere on this image"] = silent
    alone = layer is not None
    note = _sentence(silent, counts, "is 0 everywhere", "are 0 everywhere", alone=alone)
    if dead:
        chosen, said = some_test_images(run, images, data_dir)
        found = insight.never_firing(run.network, chosen, run.scaling, layer)
        never = {name: found[name] for name in counts}
        result["0 everywhere on the test images"] = never
        note = _sentence(
            never, counts, f"never fires on {said}", f"never fire on {said}", alone=alone
        )
        note = note or f"none is 0 everywhere on {said}"
    look = {**picture.look, "note": note}
    if layer is not None:
        (activation,) = activations
        title = f"{layer}: {activation.kind} of {name}"
        maps = activation.array.ndim == 3 and activation.array.shape[1:] != (1, 1)
        if activation.array.ndim == 3:
            channels, rows, columns = activation.array.shape
            subtitle += f"; {rows} × {columns} × {channels}"
        order = order or ("strongest" if maps else "number")
        figure = viz.feature_maps(
            activation.array, title=title, subtitle=subtitle, order=order, **look
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
        training.write_atomically(npz, _npz(arrays, activations))
    description = f"{title}, {subtitle}; {note}."
    picture.save(
        figure,
        title,
        description if note else f"{title}, {subtitle}.",
        parameters={
            "run": run.folder,
            "image": image,
            "layer": layer,
            "order": order,
            "test images": len(chosen) if dead else None,
            "inverted": inverted,
        },
        inputs={"image": pixels, "network input": x},
        weights=run.network.state_dict(),
        result=result,
    )


def _sentence(silent: dict, counts: dict, one: str, many: str, *, alone: bool) -> str:
    """The silent maps of one layer by their numbers, or how many in which layers; "" for none."""
    found, last = {}, None
    for name, numbers in silent.items():
        # Pooling passes a silent map on: it is named once.
        if numbers and (numbers, counts[name][0]) != last:
            found[name] = numbers
        last = numbers, counts[name][0]
    if not found:
        return ""
    if not alone and len(found) > 3:
        listed = (f"{name} {len(some)} of {counts[name][0]}" for name, some in found.items())
        return f"{', '.join(listed)} {many}"
    if not alone or len(numbers) > MOST_NAMED:
        listed = [
            f"{len(some)} of {counts[name][0]} {counts[name][1]}" + ("" if alone else f" of {name}")
            for name, some in found.items()
        ]
        return f"{', '.join(listed)} {one if sum(map(len, found.values())) == 1 else many}"
    things = counts[name][1]
    if len(numbers) == 1:
        return f"{things[:-1]} {numbers[0]} {one}"
    return f"{things} {', '.join(map(str, numbers[:-1]))} and {numbers[-1]} {many}"


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
