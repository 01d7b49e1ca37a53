"""``convlab render equivariance``: one image, shifted before a layer and after it."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options
from convlab_cli.equivariance import border as border_option


@click.command()
@options.run_argument
@click.argument("image", metavar="IMAGE")
@click.option("--layer", help="A layer with feature maps; the first one by default.")
@click.option(
    "--shift",
    type=options.Unit(),
    default="0,2",
    show_default=True,
    help="Pixels down and to the right; negative ones go up and left.",
)
@click.option(
    "--map",
    "number",
    type=click.IntRange(0, options.MOST),
    help="A map, from 0; by default the strongest.",
)
@border_option
@options.data_dir
@options.device
@options.picture("equivariance.png")
def command(run, image, layer, shift, number, border, data_dir, picture):
    """Shift, then convolve; convolve, then shift; and the difference of the two.

    IMAGE is a file, "-", or test:N of the run's test set.
    """
    import numpy as np

    from convlab import insight, models, training, viz
    from convlab.errors import ShapeError, SpecError
    from convlab.shapes import size_text

    run = options.load_run(run)
    network = run.network
    pixels, inverted = options.read_image(run, image, data_dir)
    if layer is None:
        fitting = [r for r in models.summarise(network) if r.receptive_field and r.window]
        if not fitting:
            raise SpecError(f"equivariance: {network.name} has no layer with feature maps")
        layer = fitting[0].name
    found = insight.commuting(
        network,
        run.network_input(pixels),
        layer,
        shift,
        border=border,
        background=np.array(run.scaling.offset, np.float32),
    )
    count = len(found.maps)
    if number is None:
        number = int(np.abs(found.maps).max(axis=(1, 2)).argmax())
    if number >= count:
        raise ShapeError(f"map: expected 0 to {count - 1}, the maps of {layer}, got {number}")
    shown = training.centred_images(pixels[None], network.input_shape[1:])[0]
    shifted = insight.shift(shown, *shift, border)
    title = f"{layer}: shift before or after"
    nearest = ", the nearest whole cell" if found.rounded else ""
    subtitle = f"{options.title_of(run)}; {Path(image).name}, map {number} of {count}"
    subtitle += f", {size_text(*found.maps.shape[1:])}; border {border}"
    subtitle += "; inverted" if inverted else ""
    words = [_steps(by) for by in (shift, found.cells)]
    difference = found.maps_of_shifted - found.shifted_maps
    exact = found.error == 0
    note = "exactly 0 in all maps" if exact else f"relative error of all maps {found.error:.3g}"
    if not exact and not np.isnan(found.inner):
        note += f"; away from the border {found.inner:.3g}"
    shown_note = note if found.compared.all() else f"{note}; grey: not compared"
    figure = viz.two_ways(
        shown,
        shifted,
        found.maps[number],
        found.maps_of_shifted[number],
        found.shifted_maps[number],
        layer=layer,
        steps=(words[0], ("≈ " if found.rounded else "") + words[1]),
        facts=("difference", shown_note),
        compared=found.compared,
        title=title,
        subtitle=subtitle,
        **picture.look,
    )
    picture.save(
        figure,
        title,
        f"{title}, {subtitle}: image {words[0]} pixels, maps {words[1]} cells{nearest}; {note}.",
        parameters={
            "run": run.folder,
            "image": image,
            "layer": layer,
            "shift": shift,
            "map": number,
            "border": border,
            "inverted": inverted,
        },
        inputs={"image": shown, "network input": run.network_input(pixels)},
        weights=network.state_dict(),
        result={
            "shift of maps": found.cells,
            "nearest whole": found.rounded,
            "maps": found.maps,
            "shift, then layer": found.maps_of_shifted,
            "layer, then shift": found.shifted_maps,
            "difference": difference,
            "compared": found.compared,
            "error": found.error,
            "error away from the border": found.inner,
        },
    )


def _steps(by: tuple[int, int]) -> str:
    """A shift in arrows: ↓1 →2."""
    arrows = (("↓", "↑"), ("→", "←"))
    parts = [
        f"{pair[amount < 0]} {abs(amount)}"
        for amount, pair in zip(by, arrows, strict=True)
        if amount
    ]
    return " ".join(parts) or "by 0"
