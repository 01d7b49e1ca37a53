"""The output of every layer for an image."""

from __future__ import annotations

import io
import os
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from convlab import Tensor, insight, no_grad, viz
from convlab.data import Dataset
from convlab.errors import SpecError
from convlab.models import Network
from convlab.nn import PASSES_ON
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of, some_test_images
from convlab.shapes import size_text
from convlab.training import ImageLike, Run
from convlab.words import joined, t

MOST_NAMED = 12  # maps whose numbers a line can hold


def features(
    run: RunLike,
    image: ImageLike,
    layer: str | None = None,
    *,
    order: str | None = None,
    scale: str = "layer",
    dead: bool = False,
    images: int = 1000,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """The output of every layer for an image, or only that of ``layer``, large.

    ``order`` of the maps: strongest or number, by default strongest for the maps of one layer, else
    number; ``scale`` of the maps of ``layer``: one for all (layer) or one for each (map).  Maps and
    units that are 0 everywhere on this image are named, with ``dead`` also those that are 0 on
    ``images`` test images, spread evenly over the test set.  Raises the errors of ``Run.image``,
    and SpecError for another layer and for ``scale`` map without one.
    """
    if scale == "map" and layer is None:
        raise SpecError("scale: expected a layer with scale map")
    run = run_of(run)
    subject = run.image(image, data_dir)
    x = run.network_input(subject.pixels)
    found = insight.trace(run.network, x, layer)
    # Layers that pass numbers on show the same numbers again.
    shown = [a for a in found if layer is not None or a.layer.family not in PASSES_ON]
    tested = some_test_images(run, images, data_dir) if dead else None
    silent, notes = _silent(run, shown, layer, tested)
    result = {a.name: a.array for a in found} | silent
    subtitle = joined([run.name, subject.aside], "")
    if layer is None:
        order, title = order or "number", t("The journey of {name}", subject.name)
        probabilities = _probabilities(run.network, x)
        draw = _journey(run, subject.pixels, shown, probabilities)
        result["probabilities"] = dict(zip(run.classes, probabilities.tolist(), strict=True))
    else:
        (activation,) = shown
        channels, *size = activation.array.shape
        order = order or ("number" if size in ([], [1, 1]) else "strongest")
        title = t("What {layer} makes of {name}", layer, subject.name)
        subtitle += t("; {kind}", activation.kind)
        subtitle += t(", {size}", size_text(*size, channels)) if size else ""
        draw = partial(viz.feature_maps, activation.array, own_scales=scale == "map")
    return Picture(
        title,
        f"{'; '.join([f'{title}, {subtitle}', *notes])}.",
        partial(draw, title=title, subtitle=subtitle, order=order, notes=notes),
        parameters={
            "run": run.folder,
            "image": subject.source,
            "layer": layer,
            "order": order,
            "scale": scale,
            "test images": len(tested[0]) if tested else None,
            "inverted": subject.inverted,
        },
        inputs={"image": subject.pixels, "network input": x},
        weights=run.network.state_dict(),
        result=result,
    )


def feature_arrays(made: Picture, network: Network) -> bytes:
    """All arrays of a picture of ``features`` as an .npz file, each layer's under its name.

    Raises SpecError for layers with names that an array cannot have.
    """
    layer = made.parameters["layer"]
    arrays = {"image": made.inputs["image"], "network_input": made.inputs["network input"]}
    if layer is None:
        chances = made.result["probabilities"].values()
        arrays["probabilities"] = np.array([*chances], np.float32)
    layers = [name for name, _ in network.named_children()] if layer is None else [layer]
    # The names of NumPy's own arguments cannot name an array.
    taken = {*arrays, "file", "allow_pickle"} & {*layers}
    if taken:
        raise SpecError(f"npz: expected other names of layers than {', '.join(sorted(taken))}")
    buffer = io.BytesIO()
    np.savez(buffer, **arrays, **{name: made.result[name] for name in layers})
    return buffer.getvalue()


def _journey(
    run: Run, pixels: np.ndarray, shown: list[insight.Activation], probabilities: np.ndarray
) -> partial[Figure]:
    return partial(
        viz.journey,
        pixels,
        [(a.name, a.array) for a in shown],
        minor=_before_activations(run.network, shown),
        classes=run.classes,
        probabilities=probabilities,
    )


def _probabilities(network: Network, x: np.ndarray) -> np.ndarray:
    with no_grad():
        output = network(Tensor(x[np.newaxis])).numpy()
    return network.probabilities(output)[0]


def _silent(
    run: Run,
    shown: list[insight.Activation],
    layer: str | None,
    tested: tuple[Dataset, str] | None,
) -> tuple[dict[str, dict[str, list[int]]], list[str]]:
    """The maps and units that are 0 everywhere, as numbers and in words.

    ``tested``: test images whose zeros are requested as well, and which they are.
    """
    counts = {a.name: (len(a.array), t("maps") if a.array.ndim == 3 else t("units")) for a in shown}
    here = {a.name: insight.silent_maps(a.array) for a in shown}
    silent, notes = {"0 everywhere on this image": here}, []
    if any(here.values()):
        notes.append(t("0 everywhere on this image: {named}", _named(here, counts, layer)))
    if tested is not None:
        images, said = tested
        found = insight.never_firing(run.network, images, run.scaling, layer)
        never = {name: found[name] for name in counts}
        silent["0 everywhere on the test images"] = never
        notes.append(t("0 everywhere on {said}: {named}", said, _named(never, counts, layer)))
    return silent, notes


def _before_activations(network: Network, activations: list[insight.Activation]) -> set[str]:
    """The names of the layers whose output an activation reads."""
    sources = network.sources()
    read = {name for a in activations if a.layer.family == "activation" for name in sources[a.name]}
    return read & {a.name for a in activations}


def _named(
    silent: dict[str, list[int]], counts: dict[str, tuple[int, str]], layer: str | None
) -> str:
    """The silent maps of one layer by number; for all layers, how many."""
    if layer is not None:
        numbers = silent[layer]
        listed = ", ".join(map(str, numbers[:MOST_NAMED]))
        more = " \u2026" if len(numbers) > MOST_NAMED else ""
        count, kind = counts[layer]
        return (
            t("{n} of {count} {kind}: {listed}{more}", len(numbers), count, kind, listed, more)
            if numbers
            else t("none")
        )
    found: list[str] = []
    last = None
    for name, numbers in silent.items():
        count, kind = counts[name]
        # Pooling passes a silent map on, so it is named only once.
        if numbers and (numbers, count) != last:
            found.append(t("{n} of {count} {kind} of {name}", len(numbers), count, kind, name))
        last = numbers, count
    if len(found) > 3:
        found = [*found[:2], t("and some of {value} more layers", len(found) - 2)]
    return joined(found) if found else t("none")
