"""``convlab render embedding``: which images a network takes to be alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from convlab_cli import attribution, options

if TYPE_CHECKING:
    from convlab.data import Dataset
    from convlab.training import Run


def some_test_images(run: Run, count: int, data_dir: str | None) -> tuple[Dataset, str]:
    """At most ``count`` images evenly over a run's test set, as its network takes them.

    With them, in words, which these are.
    """
    import numpy as np

    from convlab import data, training

    _, test = data.load(run.settings.data, data_dir=data_dir)
    total, shown = len(test), min(count, len(test))
    # Evenly: the images of a folder lie class by class.
    test = test.subset(np.linspace(0, total - 1, shown).round().astype(int))
    said = f"{shown:,} of {total:,} test images" if shown < total else f"{total:,} test images"
    return training.centred(test, run.network.input_shape[1:]), said


@click.command()
@attribution.runs_only
@options.run_argument
@click.option(
    "--images",
    type=click.IntRange(4, options.MOST),
    default=500,
    show_default=True,
    help="Test images, evenly over the test set.",
)
@click.option(
    "--method",
    type=click.Choice(["pca", "tsne"]),
    default="pca",
    show_default=True,
    help="Largest variance, or neighbours that stay neighbours.",
)
@click.option("--layer", help="Whose output; the last hidden layer by default.")
@options.data_dir
@options.device
@options.threads
@options.picture("embedding.png")
def command(run, images, method, layer, data_dir, picture):
    """Test images in a plane, those together that a layer answers alike.

    Mistakes of the network are ringed; where they are few, the true class and its answer
    stand beside them.
    """
    from convlab import insight, viz
    from convlab.numerals import number

    run = options.load_run(run)
    layer = layer or insight.last_hidden(run.network)
    test, said = some_test_images(run, images, data_dir)
    features, answers = insight.layer_outputs(run.network, test, run.scaling, layer)
    embedding = insight.embed(features, method)
    mistakes = int((answers != test.labels).sum())
    name = {"pca": "PCA", "tsne": "t-SNE"}[method]
    axes = None
    if embedding.shares is not None:
        shares = [f"{100 * share:.1f} %" for share in embedding.shares]
        how = f"{shares[0]} + {shares[1]} of the variance of {features.shape[1]:,} numbers"
        axes = tuple(f"component {k}: {share}" for k, share in enumerate(shares, 1))
    elif embedding.perplexity is not None:
        how = f"perplexity {number(embedding.perplexity)} on {features.shape[1]:,} numbers"
    else:
        how = f"one point: all images have the same {features.shape[1]:,} numbers"
    title = f"{name} of {layer}"
    subtitle = (
        f"{options.title_of(run)}; {how}; {said}, {mistakes:,}"
        f" {'mistake' if mistakes == 1 else 'mistakes'}"
    )
    figure = viz.embedding(
        embedding.points,
        test.labels,
        answers,
        run.classes,
        images=test.images,
        ink=run.dark_background,
        axes=axes,
        title=title,
        subtitle=subtitle,
        **picture.look,
    )
    picture.save(
        figure,
        title,
        f"{title}: {subtitle}.",
        parameters={
            "run": run.folder,
            "images": len(test),
            "method": method,
            "layer": layer,
            "perplexity": embedding.perplexity,
        },
        inputs={"images": test.images, "labels": test.labels, "classes": run.classes},
        weights=run.network.state_dict(),
        result={
            "outputs": features,
            "points": embedding.points,
            "shares of variance": embedding.shares,
            "answers": answers,
        },
    )
