"""Which images a network treats as similar."""

from __future__ import annotations

import os
from functools import partial

import numpy as np

from convlab import insight, viz
from convlab.insight import Embedding
from convlab.numerals import number
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of, some_test_images
from convlab.words import t

MOST_CLASSES = 20  # that are listed if no image shows them
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
    # Nobody has said what the pictures for an imported network show.
    labels = answers if run.is_imported else test.labels
    classes, shown = _that_occur(run.classes, labels, answers)
    mistakes = int((answers != labels).sum())
    how, axes = _axes(found, features.shape[1])
    title = t("{NAMES} of {layer}", NAMES[method], layer)
    wrong = t("{n:,} mistake", mistakes, several="{n:,} mistakes")
    wrong = t("by its answers") if run.is_imported else wrong
    subtitle = t("{name}; {how}; {said}, {wrong}", run.name, how, said, wrong)
    return Picture(
        title,
        f"{title}: {subtitle}.",
        partial(
            viz.embedding,
            found.points,
            shown[0],
            None if run.is_imported else shown[1],
            classes,
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
        inputs={"images": test.images, "labels": labels, "classes": run.classes},
        weights=run.network.state_dict(),
        result={
            "outputs": features,
            "points": found.points,
            "shares of variance": found.shares,
            "answers": answers,
        },
    )


def _that_occur(
    classes: tuple[str, ...], labels: np.ndarray, answers: np.ndarray
) -> tuple[tuple[str, ...], tuple[np.ndarray, np.ndarray]]:
    """Of many classes those that are a label or an answer, most frequent first; both by these."""
    if len(classes) <= MOST_CLASSES:
        return classes, (labels, answers)
    numbers, counts = np.unique(np.concatenate([labels, answers]), return_counts=True)
    order = numbers[np.argsort(-counts, kind="stable")]
    place = {int(number): at for at, number in enumerate(order)}
    again = [np.array([place[int(k)] for k in part], np.int64) for part in (labels, answers)]
    return tuple(classes[k] for k in order), (again[0], again[1])


def _axes(embedding: Embedding, count: int) -> tuple[str, tuple[str, str] | None]:
    """How ``count`` numbers became two, and the labels of the axes if they have a meaning."""
    if embedding.shares is not None:
        first, second = (t("{value:.1f} %", 100 * share) for share in embedding.shares)
        how = t("{first} + {second} of the variance of {count:,} numbers", first, second, count)
        return how, (t("component 1: {first}", first), t("component 2: {second}", second))
    if embedding.perplexity is not None:
        return t(
            "perplexity {number} on {count:,} numbers", number(embedding.perplexity), count
        ), None
    return t("one point: all images have the same {count:,} numbers", count), None
