"""Which images a network treats as similar."""

from __future__ import annotations

import os
from functools import partial

from convlab import insight, viz
from convlab.insight import Embedding
from convlab.numerals import number
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of, some_test_images

NAMES = {"pca": "PCA", "tsne": "t-SNE"}


def embedding(
    run: RunLike,
    images: int = 500,
    method: str = "pca",
    layer: str | None = None,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """Test images in a plane: those are close together for which a layer's outputs are similar.

    ``images``: how many, spread evenly over the test set; ``method``: pca, by largest variance, or
    tsne, where neighbours stay neighbours; ``layer``: whose output, by default the last hidden
    layer's.  Raises SpecError for another layer or method, ShapeError for fewer than 4 images.
    """
    run = run_of(run)
    layer = insight.last_hidden(run.network) if layer is None else layer
    test, said = some_test_images(run, images, data_dir)
    features, answers = insight.layer_outputs(run.network, test, run.scaling, layer)
    found = insight.embed(features, method)
    mistakes = int((answers != test.labels).sum())
    how, axes = _axes(found, features.shape[1])
    title = f"{NAMES[method]} of {layer}"
    subtitle = (
        f"{run.name}; {how}; {said}, {mistakes:,} {'mistake' if mistakes == 1 else 'mistakes'}"
    )
    return Picture(
        title,
        f"{title}: {subtitle}.",
        partial(
            viz.embedding,
            found.points,
            test.labels,
            answers,
            run.classes,
            images=test.images,
            ink=run.dark_background,
            axes=axes,
            title=title,
            subtitle=subtitle,
        ),
        parameters={
            "run": run.folder,
            "images": len(test),
            "method": method,
            "layer": layer,
            "perplexity": found.perplexity,
        },
        inputs={"images": test.images, "labels": test.labels, "classes": run.classes},
        weights=run.network.state_dict(),
        result={
            "outputs": features,
            "points": found.points,
            "shares of variance": found.shares,
            "answers": answers,
        },
    )


def _axes(embedding: Embedding, count: int) -> tuple[str, tuple[str, str] | None]:
    """How ``count`` numbers became two, and the labels of the axes if they have a meaning."""
    if embedding.shares is not None:
        first, second = (f"{100 * share:.1f} %" for share in embedding.shares)
        how = f"{first} + {second} of the variance of {count:,} numbers"
        return how, (f"component 1: {first}", f"component 2: {second}")
    if embedding.perplexity is not None:
        return f"perplexity {number(embedding.perplexity)} on {count:,} numbers", None
    return f"one point: all images have the same {count:,} numbers", None
