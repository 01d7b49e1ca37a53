"""One image, shifted before a layer and after it."""

from __future__ import annotations

import os
from functools import partial

import numpy as np

from convlab import insight, models, training, viz
from convlab.errors import ShapeError, SpecError
from convlab.insight import Commuting
from convlab.models import Network
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of
from convlab.shapes import size_text
from convlab.training import ImageLike
from convlab.viz.style import has_both_signs
from convlab.words import t


def two_ways(
    run: RunLike,
    image: ImageLike,
    layer: str | None = None,
    *,
    shift: tuple[int, int] = (0, 2),
    number: int | None = None,
    border: str = "circular",
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """Shift, then convolve; convolve, then shift; and the difference between the two.

    ``layer``: one with feature maps, the first by default; ``shift``: pixels down and to the
    right, negative ones up and left; ``number``: a map from 0, by default the strongest;
    ``border``: what a shift brings in, what left on the other side (circular) or black (zeros).
    Raises SpecError for what does not fit, ShapeError for another map, and the errors of
    ``Run.image``.
    """
    run = run_of(run)
    subject = run.image(image, data_dir)
    layer = _first_with_maps(run.network) if layer is None else layer
    x = run.network_input(subject.pixels)
    black = np.array(run.scaling.offset, np.float32)
    found = insight.commuting(run.network, x, layer, shift, border=border, background=black)
    number = _map_of(found, number)
    shown = training.centred_images(subject.pixels[None], run.network.input_shape[1:])[0]
    title = t("{layer}: shift before or after", layer)
    subtitle = t(
        "{name}; {name2}, map {number} of {n}, {size}; border {border}{aside}",
        run.name,
        subject.name,
        number,
        len(found.maps),
        size_text(*found.maps.shape[1:]),
        border,
        subject.aside,
    )
    of_image, of_maps, notes = _steps(shift), _steps(found.cells), _notes(found)
    return Picture(
        title,
        f"{title}, {subtitle}: image {of_image} pixels, maps {of_maps} cells"
        f"{', the nearest whole cell' if found.rounded else ''}; {'; '.join(notes)}.",
        partial(
            viz.two_ways,
            *(shown, insight.shift(shown, *shift, border)),
            *(maps[number] for maps in (found.maps, found.maps_of_shifted, found.shifted_maps)),
            layer=layer,
            steps=(of_image, ("≈ " if found.rounded else "") + of_maps),
            facts=(
                t("difference"),
                *_notes(found),
                *([] if found.compared.all() else [t("grey: not compared")]),
            ),
            compared=found.compared,
            signed=has_both_signs(found.maps),
            title=title,
            subtitle=subtitle,
        ),
        parameters={
            "run": run.folder,
            "image": subject.source,
            "layer": layer,
            "shift": shift,
            "map": number,
            "border": border,
            "inverted": subject.inverted,
        },
        inputs={"image": shown, "network input": x},
        weights=run.network.state_dict(),
        result=_numbers(found),
    )


def _first_with_maps(network: Network) -> str:
    for row in models.summarise(network):
        if row.receptive_field and row.window:
            return row.name
    raise SpecError(f"equivariance: {network.name} has no layer with feature maps")


def _map_of(found: Commuting, number: int | None) -> int:
    """The number of the map that is drawn, by default the strongest.  Raises ShapeError."""
    if number is None:
        return int(np.abs(found.maps).max(axis=(1, 2)).argmax())
    last = len(found.maps) - 1
    if number > last:
        raise ShapeError(f"map: expected 0 to {last}, the maps of {found.layer}, got {number}")
    return number


def _notes(found: Commuting) -> list[str]:
    """How large the difference is."""
    if found.error == 0:
        return [t("exactly 0 in all maps")]
    error = t("relative error of all maps {error:.3g}", found.error)
    inner = t("away from the border {inner:.3g}", found.inner)
    return [error] if np.isnan(found.inner) else [error, inner]


def _numbers(found: Commuting) -> dict[str, object]:
    return {
        "shift of maps": found.cells,
        "nearest whole": found.rounded,
        "maps": found.maps,
        "shift, then layer": found.maps_of_shifted,
        "layer, then shift": found.shifted_maps,
        "difference": found.maps_of_shifted - found.shifted_maps,
        "compared": found.compared,
        "error": found.error,
        "error away from the border": found.inner,
    }


def _steps(by: tuple[int, int]) -> str:
    """A shift as arrows: ↓1 →2."""
    arrows = (("↓", "↑"), ("→", "←"))
    parts = [
        t("{pair} {abs}", pair[amount < 0], abs(amount))
        for amount, pair in zip(by, arrows, strict=True)
        if amount
    ]
    return " ".join(parts) or t("by 0")
