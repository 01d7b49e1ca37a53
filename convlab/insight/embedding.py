"""A layer's outputs for many images: their positions in a plane, and the maps that stay silent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from convlab.data import Batches, Dataset, Scaling
from convlab.errors import ShapeError, SpecError, require_finite
from convlab.models import Network
from convlab.names import meant
from convlab.nn import PASSES_ON
from convlab.tape import no_grad
from convlab.tensors import Tensor

METHODS = ("pca", "tsne")
_BATCH = 128  # images of one forward pass: the maps of all layers are in memory at once
_FEWEST = 4  # the fewest images that a plane can say anything about


@dataclass(frozen=True, eq=False)
class Embedding:
    """Points (N, 2), and how they were computed.

    ``shares``: each axis's share of the variance (PCA; None for t-SNE).  ``perplexity``: roughly
    how many neighbours each point has (t-SNE; None for PCA).
    Both are None if all images have the same numbers and lie on one point.
    """

    points: np.ndarray
    shares: tuple[float, float] | None = None
    perplexity: float | None = None


def last_hidden(network: Network) -> str:
    """The layer whose numbers the output layer reads, skipping those that only pass numbers on.

    Raises SpecError for a network whose first layer with weights is its output.
    """
    rows = network.shapes()
    output = max(k for k, (_, module, before, _) in enumerate(rows) if module.connections(before))
    for name, module, _, _ in reversed(rows[:output]):
        if module.family not in PASSES_ON:
            return name
    raise SpecError(f"embedding: expected a hidden layer, {network.name} has none")


def silent_maps(output: np.ndarray) -> list[int]:
    """The numbers of the maps, or units, of one layer's output (C, ...) that are 0 everywhere."""
    return np.flatnonzero(~output.reshape(len(output), -1).any(axis=1)).tolist()


def never_firing(
    network: Network, dataset: Dataset, scaling: Scaling, layer: str | None = None
) -> dict[str, list[int]]:
    """By layer, in order, the maps or units that are 0 everywhere for every image of a set.

    All layers, or only ``layer``.  Images of the network's input size.  Raises SpecError for a
    layer that does not exist.
    """
    _check_layer(network, layer)
    fired: dict[str, np.ndarray] = {}
    for outputs in _forward(network, dataset, scaling):
        for name, output in outputs.items():
            if layer in (None, name):
                flat = output.reshape(*output.shape[:2], -1)
                some = np.asarray(flat.any(axis=(0, 2)))
                fired[name] = fired[name] | some if name in fired else some
    return {name: np.flatnonzero(~some).tolist() for name, some in fired.items()}


def layer_outputs(
    network: Network, dataset: Dataset, scaling: Scaling, layer: str
) -> tuple[np.ndarray, np.ndarray]:
    """A layer's outputs (N, numbers) for every image of a set, and the network's answers (N,).

    Images of the network's input size; the answers are class numbers.
    Raises SpecError for a layer that does not exist, NotFiniteError for outputs that are not
    finite.
    """
    _check_layer(network, layer)
    features, answers = [], []
    for outputs in _forward(network, dataset, scaling):
        require_finite(outputs[layer], f"output of {layer}")
        features.append(outputs[layer].reshape(len(outputs[layer]), -1))
        last = list(outputs.values())[-1]
        answers.append(network.probabilities(last).argmax(axis=1))
    return np.ascontiguousarray(np.concatenate(features)), np.concatenate(answers)


def embed(features: np.ndarray, method: str = "pca") -> Embedding:
    """Outputs (N, numbers) as points in a plane, the same for the same numbers.

    ``pca``: the two directions of largest variance (Hotelling 1933).  ``tsne``: neighbours stay
    neighbours, distances between groups say little (van der Maaten & Hinton 2008); it starts
    from the PCA.  Raises ShapeError for fewer than 4 images, SpecError for another method,
    NotFiniteError for outputs that are not finite.
    """
    if features.ndim != 2 or not features.shape[1]:
        raise ShapeError(f"embedding: expected outputs (N, numbers), got {features.shape}")
    if len(features) < _FEWEST:
        raise ShapeError(f"embedding: expected at least {_FEWEST} images, got {len(features)}")
    if method not in METHODS:
        raise SpecError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    require_finite(features, "embedding")
    # Slow to import, and needed only here.
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    features = features.astype(np.float64)
    varied = bool(features.std(axis=0).any())
    # With one thread every sum has a fixed order.
    with threadpool_limits(1):
        if not varied:
            # Equal images have no direction at all, and no nearest neighbours.
            return Embedding(np.zeros((len(features), 2)))
        plane = PCA(min(2, features.shape[1]), svd_solver="full")
        points = plane.fit_transform(features)
        points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
        shares = (*plane.explained_variance_ratio_.tolist(), 0.0)[:2]
        if method == "pca":
            return Embedding(points, shares=shares)
        perplexity = min(30.0, (len(features) - 1) / 3)
        # Like scikit-learn's own start from the PCA, which does not exist for a single number.
        start = points / (points[:, 0].std() or 1.0) * 1e-4
        fitted = TSNE(perplexity=perplexity, init=start, random_state=0).fit_transform(features)
    return Embedding(fitted.astype(np.float64), perplexity=perplexity)


def _check_layer(network: Network, layer: str | None) -> None:
    names = [name for name, _ in network.named_children()]
    if layer is not None and layer not in names:
        raise SpecError(
            f"layer: expected one of {', '.join(names)}, got {layer!r}{meant(layer, names)}"
        )


def _forward(
    network: Network, dataset: Dataset, scaling: Scaling
) -> Iterator[dict[str, np.ndarray]]:
    """The output (n, ...) of every layer by name, one batch of the set at a time."""
    batches = Batches(dataset, _BATCH, shuffle=False, scaling=scaling)
    training = network.training
    network.eval()
    try:
        with no_grad():
            for x, _ in batches.epoch(0):
                yield {name: value.numpy() for name, _, value in network.steps(Tensor(x))}
    finally:
        network.train(training)
