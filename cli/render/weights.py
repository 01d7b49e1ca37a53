"""``convlab render weights``: how the weights of each layer are spread."""

from __future__ import annotations

import click
from convlab_cli import options

MOST_EPOCHS = 8  # curves that can stand behind each other


@click.command()
@options.run_argument
@click.option("--layer", help="One layer, large; all layers with weights by default.")
@click.option(
    "--epochs",
    "by_epoch",
    is_flag=True,
    help="How they came about, from the snapshots of the run: before training, then by epoch.",
)
@options.picture("weights.png")
def command(run, layer, by_epoch, picture):
    """Histograms of a network's weights, layer by layer, biases left out.

    \b
    convlab render weights runs/lenet5-digits
    convlab train --snapshots, then convlab render weights RUN --epochs
    """
    import numpy as np

    from convlab import training, viz
    from convlab.errors import SpecError
    from convlab.numerals import number

    run = training.load(run)
    names = [name for name in run.network.state_dict() if name.endswith(".weight")]
    layers = {name.removesuffix(".weight"): name for name in names}
    if layer is not None and layer not in layers:
        raise SpecError(f"layer: expected one with weights, {', '.join(layers)}, got {layer!r}")
    chosen = {layer: layers[layer]} if layer is not None else layers
    if by_epoch:
        kept = training.snapshot_epochs(run.folder)
        places = np.linspace(0, len(kept), min(MOST_EPOCHS, len(kept) + 1)).round().astype(int)
        epochs = [[0, *kept][place] for place in places]
        states = {epoch: training.snapshot(run.folder, epoch) for epoch in epochs}
        count = f"{len(epochs) - 1} of {len(kept)}" if len(epochs) <= len(kept) else len(kept)
        when = f"before and after {count} epoch{'s' if len(kept) > 1 else ''}"
    else:
        states = {run.best_epoch: run.network.state_dict()}
        when = f"after epoch {run.best_epoch}"
    mask = {name: _connected(run.network, name) for name in chosen}
    weights = {
        name: {epoch: state[key][mask[name]].ravel() for epoch, state in states.items()}
        for name, key in chosen.items()
    }
    title = f"Weights of {layer}" if layer is not None else "Weights by layer"
    subtitle = f"{options.title_of(run)}; {when}"
    figure = viz.weights(weights, title=title, subtitle=subtitle, **picture.look)
    numbers = {
        name: {epoch: viz.WeightNumbers.of(values) for epoch, values in by.items()}
        for name, by in weights.items()
    }
    last = {name: list(by.values())[-1] for name, by in numbers.items()}
    sentences = [
        f"{name}: {found.count:,} weights, mean {number(found.mean)}, standard deviation"
        f" {number(found.deviation)}, {100 * found.near_zero:.2f} % below 0.001 in magnitude"
        for name, found in last.items()
    ]
    picture.save(
        figure,
        f"{title}, {options.title_of(run)}",
        f"{title}, {subtitle}. {'; '.join(sentences)}.",
        parameters={"run": run.folder, "layer": layer, "epochs": list(states)},
        inputs={},
        weights=weights,
        result={
            name: {epoch: vars(found) for epoch, found in by.items()}
            for name, by in numbers.items()
        },
    )


def _connected(network, name: str):
    """An index of the weights that are there: in a table of connections not all are."""
    table = getattr(dict(network.named_children())[name], "connections_table", None)
    return ... if table is None else table
