"""``convlab render maximise``: images made to excite the units of a layer."""

from __future__ import annotations

from dataclasses import asdict

import click
from convlab_cli import attribution, options, units


@click.command()
@attribution.runs_only
@units.arguments
@click.option("--steps", type=click.IntRange(1, 100_000), default=200, show_default=True)
@click.option(
    "--rate",
    type=options.Number(0, 10, min_open=True),
    default=0.02,
    show_default=True,
    help="A step's root mean square over what the unit sees, as a share of the span from black"
    " to white.",
)
@click.option(
    "--decay",
    type=options.Number(0, 1, max_open=True),
    default=0.04,
    show_default=True,
    help="Share of the input that is taken off after each step (L2 decay).",
)
@click.option(
    "--blur",
    type=options.Number(0, 100),
    default=1.0,
    show_default=True,
    help="Standard deviation in pixels of the Gaussian that smooths each step.",
)
@click.option(
    "--shift",
    type=click.IntRange(0, 1000),
    default=1,
    show_default=True,
    help="Most pixels that the image is moved by before a step; 0 in the last tenth.",
)
@click.option(
    "--seed", type=options.SEED, default=0, show_default=True, help="Of noise and shifts."
)
@options.threads
@options.picture("maximise.png")
def command(asked, steps, rate, decay, blur, shift, seed, picture):
    """The image that each unit of a layer likes best, made from noise by gradient ascent.

    Of a map its middle unit is raised, and what that unit sees is drawn; of the last
    layer the logits of the classes, or minus their penalties (Erhan et al. 2009,
    Yosinski et al. 2015, Olah et al. 2017).  In colour, a step in one channel goes on to
    the others as far as they go together in the test images.  Below stands the
    activation that was reached, and the largest one that any image of the run's test set
    gives; where a ReLU cuts off even that one, the unit never fires.
    """
    import numpy as np

    from convlab import insight, viz
    from convlab.pictures.units import chosen_units

    chosen = chosen_units(**asked)
    run, images = chosen.run, chosen.images
    colours = insight.channel_correlation(images) if images.shape[1] > 1 else None
    ascent = insight.Ascent(steps, rate, decay, blur, shift, seed)
    made = insight.maximise(
        run.network, chosen.layer, chosen.numbers, run.scaling, ascent, colours=colours
    )
    values, _ = insight.largest(run.network, chosen.layer, chosen.numbers, images, run.scaling)
    real = values.max(axis=0)
    never = np.logical_and(real <= 0, insight.behind_relu(run.network, chosen.layer))
    title = f"Activation maximisation of {chosen.layer}"
    subtitle = f"{options.title_of(run)}{chosen.note}"
    how = [f"noise (seed {seed}) climbs the gradient for {steps} steps of {rate} of black to white"]
    if blur:
        how.append(f"each blurred by {blur:g} {'pixel' if blur == 1 else 'pixels'}")
    if colours is not None:
        how.append("coloured as the test images are")
    if shift:
        how.append(f"shifted by up to {shift} {'pixel' if shift == 1 else 'pixels'}")
    if decay:
        how.append(f"then faded by {decay}")
    facts = [
        ("made", f"the activation of the image drawn: {', '.join(how)}"),
        ("real", f"the largest activation on {chosen.searched}"),
    ]
    if never.any():
        facts.append(("never fires", "on none of these above 0, where the ReLU cuts off"))
    figure = viz.maximise(
        made.images,
        made.box,
        chosen.names,
        made.values,
        real,
        never=never,
        title=title,
        subtitle=subtitle,
        facts=facts,
        **picture.look,
    )
    said = "; ".join(
        f"{name} made {value:.3g}, real {other:.3g}{', never fires' if dead else ''}"
        for name, value, other, dead in zip(chosen.names, made.values, real, never, strict=True)
    )
    picture.save(
        figure,
        title,
        f"{title}, {subtitle}; {'; '.join(f'{label}: {text}' for label, text in facts)}; {said}.",
        parameters={
            "run": run.folder,
            "layer": chosen.layer,
            "units": chosen.numbers,
            "images": len(chosen.images),
            **asdict(ascent),
            "colours": colours,
        },
        inputs={},
        weights=run.network.state_dict(),
        result={
            "images": made.images,
            "box": made.box,
            "unit": made.unit,
            "activations": made.values,
            "of the noise": made.started,
            "largest in the data": real,
            "never fires": never,
        },
    )
