"""``convlab render filters``: the weights that a network has learned."""

from __future__ import annotations

import click
from convlab_cli import options

MOST_FRAMES = 60  # half a minute of animation; of more epochs these many, evenly


@click.command()
@options.run_argument
@click.option("--layer", help="A convolution; the first by default.")
@click.option(
    "--filter",
    "number",
    type=click.IntRange(0, options.MOST),
    help="One filter from 0, all its input channels large.",
)
@click.option(
    "--before",
    is_flag=True,
    help="The weights before training, those after, and what training changed.",
)
@options.picture("filters.png", options.MOVING)
def command(run, layer, number, before, picture):
    """The weights of a convolution: one picture a filter and input channel.

    \b
    convlab render filters RUN --layer conv2 --filter 3 --before
    convlab train --snapshots, then convlab render filters RUN -o filters.gif
    """
    from convlab import training, viz
    from convlab.errors import ShapeError, SpecError
    from convlab.shapes import size_text

    run = training.load(run)
    layers = {
        name: module
        for name, module in run.network.named_children()
        if module.family == "convolution"
    }
    if not layers:
        raise SpecError(f"filters: {run.network.name} has no convolution")
    first = next(iter(layers))
    layer = layer or first
    if layer not in layers:
        raise SpecError(f"layer: expected a convolution, {', '.join(layers)}, got {layer!r}")
    moving = picture.path is not None and picture.path.suffix in (".gif", ".webp")
    if moving and before:
        raise SpecError("before: expected a still picture; an animation begins before training")
    weight = layers[layer].weight.numpy()
    out, per_filter, rows, columns = weight.shape
    if number is not None and number >= out:
        raise ShapeError(f"filter: expected 0 to {out - 1} of {layer}, got {number}")
    chosen = slice(None) if number is None else slice(number, number + 1)
    table = layers[layer].connections_table
    if number is None:
        title = f"Filters of {layer}"
        what = f"{out} filters of {size_text(rows, columns, per_filter)}"
    else:
        title = f"Filter {number} of {layer}"
        what = size_text(rows, columns, per_filter)
    subtitle = f"{options.title_of(run)}; {what}"
    look = {
        **picture.look,
        "title": title,
        "channels": ("red", "green", "blue") if layer == first and per_filter == 3 else None,
        "connected": None if table is None else table[chosen],
        "alone": number is not None and per_filter > 1,
    }
    record = {
        "parameters": {"run": run.folder, "layer": layer, "filter": number},
        "inputs": {},
        "weights": {"weight": weight[chosen]},
        "result": {},
    }

    def at(epoch: int):
        return training.snapshot(run.folder, epoch)[f"{layer}.weight"][chosen]

    if moving:
        _animate(run, at, picture, subtitle, look, record)
        return
    earlier = None
    if before:
        earlier = training.initial_weights(run.folder)[f"{layer}.weight"][chosen]
        record["weights"]["before training"] = earlier
        record["result"]["after minus before"] = weight[chosen] - earlier
    figure = viz.filters(
        weight[chosen],
        subtitle=subtitle,
        before=earlier,
        labels=("before training", f"after epoch {run.best_epoch}") if before else None,
        **look,
    )
    ending = f", before training and after epoch {run.best_epoch}" if before else ""
    picture.save(figure, f"{title}, {options.title_of(run)}", f"{subtitle}{ending}.", **record)


def _animate(run, at, picture: options.Picture, subtitle: str, look: dict, record: dict) -> None:
    """A frame an epoch, the first from before training, all on one scale."""
    import numpy as np

    from convlab import training, viz

    kept = [0, *training.snapshot_epochs(run.folder)]
    places = np.linspace(0, len(kept) - 1, min(MOST_FRAMES, len(kept))).round().astype(int)
    epochs = [kept[place] for place in places]
    weights = {epoch: at(epoch) for epoch in epochs}
    largest = max(float(np.abs(w[np.isfinite(w)]).max(initial=0.0)) for w in weights.values())

    def frame(epoch: int):
        when = f"after epoch {epoch} of {kept[-1]}" if epoch else "before training"
        # Numbers that come and go with their digits would draw the eye from the change.
        return viz.filters(
            weights[epoch],
            subtitle=subtitle,
            # A line of its own: the grid below stands still from frame to frame.
            labels=(when,),
            limit=largest or None,
            numbers=False,
            **look,
        )

    description = f"{look['title']}, {subtitle}, from before training to epoch {epochs[-1]}."
    record["parameters"]["epochs"] = epochs
    record["weights"] = {"by epoch": weights}
    content = viz.animation_bytes(
        map(frame, epochs),
        picture.path.suffix,
        description=description,
        command=options.command_line(),
    )
    picture.write(content, look["title"], description, **record)
