"""``convlab render top-patches``: the patches that excite the units of a layer."""

from __future__ import annotations

import click
from convlab_cli import options, units


@click.command()
@units.arguments
@click.option(
    "--patches",
    type=click.IntRange(1, 50),
    default=5,
    show_default=True,
    help="Patches for each unit, at most one an image.",
)
@options.threads
@options.picture("top-patches.png")
def command(chosen, patches, picture):
    """The patches of the run's test images that excite each unit of a layer most.

    A unit of a convolution is a map; its largest activation in an image counts, and
    what it saw there is cut out by its receptive field (dashed: padding).  Below
    stands the activation.
    """
    from convlab import insight, viz

    run, images = chosen.run, chosen.images
    found = insight.top_patches(
        run.network, chosen.layer, chosen.numbers, images, run.scaling, patches
    )
    title = f"Top patches of {chosen.layer}"
    subtitle = f"{options.title_of(run)}; best of {chosen.searched}{chosen.note}"
    values = [[patch.value for patch in row] for row in found]
    figure = viz.top_patches(
        [[images[patch.image] for patch in row] for row in found],
        [[patch.box for patch in row] for row in found],
        values,
        chosen.names,
        title=title,
        subtitle=subtitle,
        **picture.look,
    )
    said = "; ".join(
        f"{name} from {row[0]:.3g}" for name, row in zip(chosen.names, values, strict=True)
    )
    picture.save(
        figure,
        title,
        f"{title}, {subtitle}: {said}.",
        parameters={
            "run": run.folder,
            "layer": chosen.layer,
            "units": chosen.numbers,
            "images": len(images),
            "patches": patches,
        },
        inputs={
            "images": {patch.image: images[patch.image] for row in found for patch in row},
        },
        weights=run.network.state_dict(),
        result={
            name: [
                {
                    "image": patch.image,
                    "unit": patch.unit,
                    "box": patch.box,
                    "activation": patch.value,
                }
                for patch in row
            ]
            for name, row in zip(chosen.names, found, strict=True)
        },
    )
