"""``convlab render top-patches``: the patches that excite the units of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from convlab_cli import attribution, options, units

if TYPE_CHECKING:
    import numpy as np


@click.command()
@attribution.runs_only
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
def command(asked, patches, picture):
    """The patches of the run's test images that excite each unit of a layer most.

    A unit of a convolution is a map; its largest activation in an image counts, and
    what it saw there is cut out by its receptive field (dashed: padding).  Below
    stands the activation.  Where a ReLU cuts off even the largest one, the unit never
    fires and is only named.
    """
    import numpy as np

    from convlab import insight, viz
    from convlab.pictures.units import chosen_units

    chosen = chosen_units(**asked)
    run, images = chosen.run, chosen.images
    found = insight.top_patches(
        run.network, chosen.layer, chosen.numbers, images, run.scaling, patches
    )
    title = f"Top patches of {chosen.layer}"
    largest = np.array([row[0].value for row in found])
    never = np.logical_and(largest <= 0, insight.behind_relu(run.network, chosen.layer))
    # What did not fire says nothing of a unit; but where none fires there is nothing else.
    shown = np.flatnonzero(~never) if not never.all() else np.arange(len(never))
    title = f"Top patches of {chosen.layer}"
    subtitle = f"{options.title_of(run)}; best of {chosen.searched}{chosen.note}"
    facts = []
    if never.any():
        label = "never fires" if never.sum() == 1 else "never fire"
        facts.append((label, _silent(chosen.names, largest, never)))
    figure = viz.top_patches(
        [[images[patch.image] for patch in found[unit]] for unit in shown],
        [[patch.box for patch in found[unit]] for unit in shown],
        [[patch.value for patch in found[unit]] for unit in shown],
        [chosen.names[unit] for unit in shown],
        facts=facts,
        title=title,
        subtitle=subtitle,
        **picture.look,
    )
    said = "; ".join(
        f"{name} {'never fires, at most' if dead else 'from'} {most:.3g}"
        for name, most, dead in zip(chosen.names, largest, never, strict=True)
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
        }
        | {"never fires": [name for name, dead in zip(chosen.names, never, strict=True) if dead]},
    )


def _silent(names: list[str], largest: np.ndarray, never: np.ndarray) -> str:
    """The units that never fire, in words, with their largest activations unless all are 0."""
    from convlab.numerals import number

    dead = [(name, most) for name, most, is_ in zip(names, largest, never, strict=True) if is_]
    if not any(most for _, most in dead):
        return f"{', '.join(name for name, _ in dead)}: 0 on all of these images"
    listed = ", ".join(f"{name} ({number(most)})" for name, most in dead)
    return f"{listed}: above 0 on none of these images, at most what stands in brackets"
