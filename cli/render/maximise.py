"""``convlab render maximise``: images made to excite the units of a layer."""

from __future__ import annotations

import click
from convlab_cli import options, units


@click.command()
@units.arguments
@click.option("--steps", type=click.IntRange(1, 100_000), default=200, show_default=True)
@click.option(
    "--rate",
    type=click.FloatRange(0, 10, min_open=True),
    default=0.02,
    show_default=True,
    help="A step's root mean square, as a share of the span from black to white.",
)
@click.option(
    "--decay",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.03,
    show_default=True,
    help="Share of the input that is taken off after each step (L2 decay).",
)
@click.option(
    "--shift",
    type=click.IntRange(0, 1000),
    default=1,
    show_default=True,
    help="Most pixels that the image is moved by before a step; 0 in the last tenth.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of noise and shifts."
)
@options.threads
@options.picture("maximise.png")
def command(chosen, steps, rate, decay, shift, seed, picture):
    """The image that each unit of a layer likes best, made from noise by gradient ascent.

    Of a map its middle unit is raised, and what that unit sees is drawn; of the last
    layer the logits of the classes, or minus their penalties (Erhan et al. 2009,
    Yosinski et al. 2015).  Below stands the activation that was reached, and the
    largest one that any image of the run's test set gives.
    """
    from convlab import insight, viz

    run = chosen.run
    settings = {"steps": steps, "rate": rate, "decay": decay, "shift": shift, "seed": seed}
    made = insight.maximise(run.network, chosen.layer, chosen.numbers, run.scaling, **settings)
    values, _ = insight.largest(
        run.network, chosen.layer, chosen.numbers, chosen.images, run.scaling
    )
    natural = values.max(axis=0)
    title = f"Activation maximisation of {chosen.layer}"
    words = f"{steps} steps, rate {rate}, decay {decay}, shift {shift}, seed {seed}"
    subtitle = f"{options.title_of(run)}; {words}{chosen.note}"
    below = f"activation reached / largest on {chosen.searched}"
    figure = viz.maximise(
        made.images,
        made.box,
        chosen.names,
        made.values,
        natural,
        title=title,
        subtitle=subtitle,
        facts=[("below", below)],
        **picture.look,
    )
    said = "; ".join(
        f"{name} {value:.3g} / {other:.3g}"
        for name, value, other in zip(chosen.names, made.values, natural, strict=True)
    )
    picture.save(
        figure,
        title,
        f"{title}, {subtitle}; {below}: {said}.",
        parameters={
            "run": run.folder,
            "layer": chosen.layer,
            "units": chosen.numbers,
            "images": len(chosen.images),
            **settings,
        },
        inputs={},
        weights=run.network.state_dict(),
        result={
            "images": made.images,
            "box": made.box,
            "unit": made.unit,
            "activations": made.values,
            "of the noise": made.started,
            "largest in the data": natural,
        },
    )
