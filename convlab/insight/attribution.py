"""Which pixels of an image a network's answer depends on."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from convlab import models, random
from convlab.checks import number, whole
from convlab.errors import ShapeError, SpecError, require_finite
from convlab.kernels.dispatch import to_device
from convlab.models import Network
from convlab.tape import gradient_of, no_grad
from convlab.tensors import Tensor

SALIENCY_METHODS = ("gradient", "gradient-x-input", "integrated-gradients", "smooth")

# Images per pass: enough for all threads, and few enough for a laptop's memory.
BATCH = 64


@dataclass(frozen=True, eq=False)
class Saliency:
    """How the score of a class depends on each number of an image.

    values: (C, H, W).  map: (H, W), the sum of ``values`` over channels if the sign has a meaning
    (``signed``), else their largest magnitude.  ``score`` is the class's logit, or minus its
    penalty; ``baseline_score`` that of the baseline of integrated gradients, None for other
    methods.
    """

    method: str
    signed: bool
    values: np.ndarray
    map: np.ndarray
    score: float
    baseline_score: float | None


@dataclass(frozen=True, eq=False)
class Occlusion:
    """How much the probability of a class drops when a patch is covered.

    drops: (rows, columns) of patches, whose upper left pixels are ``tops`` and
    ``lefts``.  map: (H, W), for each pixel the mean drop of the patches over it.
    """

    drops: np.ndarray
    tops: np.ndarray
    lefts: np.ndarray
    map: np.ndarray
    probability: float


@dataclass(frozen=True, eq=False)
class GradCam:
    """Where the maps of a layer support a class.

    weights: (maps,), the mean gradient of the class's score with respect to each map.  coarse: (h,
    w), on the layer's own units.  map: (H, W), bilinear on the input's pixels.
    """

    layer: str
    weights: np.ndarray
    coarse: np.ndarray
    map: np.ndarray


@contextlib.contextmanager
def at_rest(network: Network) -> Iterator[None]:
    """Within this context there is no dropout, and parameters get no gradient."""
    parameters = network.parameters()
    before, training = [p.requires_grad for p in parameters], network.training
    network.eval().requires_grad_(False)
    try:
        yield
    finally:
        network.train(training)
        for parameter, requires_grad in zip(parameters, before, strict=True):
            parameter.requires_grad = requires_grad


def score_sign(network: Network) -> int:
    """1 where a class's output is its logit, -1 where it is its penalty."""
    return -1 if network.loss == "lecun-map" else 1


def probabilities(network: Network, x: np.ndarray) -> np.ndarray:
    """Probabilities (N, classes) of images x (N, C, H, W), in batches."""
    size = models.images_at_once(network, BATCH)
    with at_rest(network), no_grad():
        return np.concatenate(
            [
                network.probabilities(network(Tensor(x[start : start + size])).numpy())
                for start in range(0, len(x), size)
            ]
        )


def gradients(network: Network, x: np.ndarray, target: int) -> np.ndarray:
    """The gradients (N, C, H, W) of class ``target``'s score with respect to the images x.

    The score is the logit, or minus the penalty.
    Source: Simonyan, Vedaldi & Zisserman 2013, section 3.
    Raises ShapeError for images of another size, SpecError for a class that does not exist.
    """
    _check(network, x.shape[1:], target)
    found = []
    with at_rest(network):
        for start in range(0, len(x), BATCH):
            batch = Tensor(x[start : start + BATCH], requires_grad=True)
            output = network(batch)
            weights = np.zeros(output.shape, output.dtype)
            weights[:, target] = score_sign(network)
            output.backward(weights)
            found.append(gradient_of(batch))
            require_finite(found[-1], "gradient of the score")
    return np.concatenate(found)


@dataclass(frozen=True)
class Smoothing:
    """Copies of an image with normal noise, whose gradients are averaged.

    ``noise``: its standard deviation, as a share of the span of the image's numbers
    (Smilkov et al. 2017).  Raises SpecError for less than one sample or noise below 0.
    """

    samples: int = 50
    noise: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        whole(self.samples, "samples", error=SpecError)
        number(self.noise, "noise", 0, wanted="a share of at least 0")
        whole(self.seed, "seed", 0, sys.maxsize, error=SpecError)


SALIENCY_SETTINGS: dict[str, dict[str, Any]] = {
    "integrated-gradients": {"steps": 128},
    "smooth": asdict(Smoothing()),
}
"""The methods of ``saliency`` with settings, and their defaults."""


def saliency(
    network: Network,
    x: np.ndarray,
    target: int,
    method: str = "gradient",
    *,
    baseline: np.ndarray | None = None,
    steps: int = 128,
    smoothing: Smoothing = Smoothing(),
) -> Saliency:
    """How the score of class ``target`` depends on each number of the image x (C, H, W).

    ``gradient``: by Simonyan, Vedaldi & Zisserman 2013, section 3.  ``gradient-x-input``:
    times the input (Shrikumar et al. 2016).  ``integrated-gradients``: the mean gradient on
    ``steps`` midpoints of the straight line from ``baseline`` (C, H, W; None: zeros) to x,
    times their difference; adds up to the difference of the scores (Sundararajan, Taly &
    Yan 2017, section 3).  ``smooth``: the mean gradient of noisy copies, see ``Smoothing``.

    Raises ShapeError for an image or baseline of another size, SpecError for an
    unknown method or class and for less than one step.
    """
    _check(network, x.shape, target)
    if method not in SALIENCY_METHODS:
        raise SpecError(f"method: expected one of {', '.join(SALIENCY_METHODS)}, got {method!r}")
    if steps < 1:
        raise SpecError(f"saliency: expected at least 1 step, got {steps}")
    baseline = np.zeros_like(x) if baseline is None else baseline.astype(x.dtype)
    if baseline.shape != x.shape:
        raise ShapeError(f"baseline: expected the shape {x.shape}, got {baseline.shape}")
    if method == "integrated-gradients":
        shares = ((np.arange(steps) + 0.5) / steps).astype(x.dtype)
        points = baseline + shares[:, None, None, None] * (x - baseline)
    elif method == "smooth":
        deviation = smoothing.noise * float(x.max() - x.min())
        rng = np.random.default_rng(smoothing.seed)
        random_numbers = rng.standard_normal((smoothing.samples, *x.shape))
        points = x + (deviation * random_numbers).astype(x.dtype)
    else:
        points = x[None]
    values = gradients(network, points, target).mean(axis=0, dtype=np.float64)
    if method == "gradient-x-input":
        values = values * x
    elif method == "integrated-gradients":
        values = values * (x.astype(np.float64) - baseline)
    signed = method in ("gradient-x-input", "integrated-gradients")
    reduced = values.sum(axis=0) if signed else np.abs(values).max(axis=0)
    with at_rest(network), no_grad():
        output = network(Tensor(np.stack([x, baseline]))).numpy()
    score, from_baseline = (score_sign(network) * output[:, target]).tolist()
    integrated = method == "integrated-gradients"
    return Saliency(method, signed, values, reduced, score, from_baseline if integrated else None)


def occlusion(
    network: Network,
    x: np.ndarray,
    target: int,
    patch: tuple[int, int],
    stride: tuple[int, int],
    value: np.ndarray | float = 0.0,
) -> Occlusion:
    """The drop in class ``target``'s probability when a patch of x (C, H, W) is covered.

    patch, stride: (rows, columns) in pixels; the last patches end at the border.
    value: what covers it, a number or one for each channel (C,).
    Source: Zeiler & Fergus 2014, section 4.2.  Raises ShapeError for a patch
    larger than the image and a stride that leaves pixels out, SpecError for a class that does not
    exist.
    """
    _check(network, x.shape, target)
    _, height, width = x.shape
    if not (1 <= patch[0] <= height and 1 <= patch[1] <= width):
        raise ShapeError(
            f"patch: expected 1 × 1 to {height} × {width} pixels, got {patch[0]} × {patch[1]}"
        )
    if not all(1 <= step <= length for step, length in zip(stride, patch, strict=True)):
        raise ShapeError(
            f"stride: expected 1 × 1 to {patch[0]} × {patch[1]} pixels, so that no pixel is left"
            f" out, got {stride[0]} × {stride[1]}"
        )
    tops, lefts = (
        np.append(np.arange(0, size - length, step), size - length)
        for size, length, step in zip((height, width), patch, stride, strict=True)
    )
    value = np.broadcast_to(np.asarray(value, x.dtype), x.shape[:1])[:, None, None]
    corners = [(top, left) for top in tops for left in lefts]
    whole = float(probabilities(network, x[None])[0, target])
    drops = []
    for start in range(0, len(corners), BATCH):
        some = corners[start : start + BATCH]
        covered = np.repeat(x[None], len(some), axis=0)
        for image, (top, left) in zip(covered, some, strict=True):
            image[:, top : top + patch[0], left : left + patch[1]] = value
        drops.append(whole - probabilities(network, covered)[:, target])
    grid = np.concatenate(drops).reshape(len(tops), len(lefts))
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for (top, left), drop in zip(corners, grid.flat, strict=True):
        here = slice(top, top + patch[0]), slice(left, left + patch[1])
        total[here] += drop
        count[here] += 1
    return Occlusion(grid, tops, lefts, total / count, whole)


def grad_cam(network: Network, x: np.ndarray, target: int, layer: str | None = None) -> GradCam:
    """Where the maps of ``layer`` support class ``target`` for the image x (C, H, W).

    The maps, each weighted by the mean gradient of the class's score with respect to it, are added
    up and negative sums are cut off; the result is stretched to the input bilinearly.  ``layer``
    None is the last layer with maps of more than one unit.
    Source: Selvaraju et al. 2017, equations 1 and 2.  Raises ShapeError for an
    image of another size, SpecError for a layer without maps and an unknown class.
    """
    from scipy.ndimage import zoom

    _check(network, x.shape, target)
    fitting = [name for name, _, _, after in network.shapes() if len(after) == 3]
    if not fitting:
        raise SpecError(f"Grad-CAM: {network.name} has no layer with feature maps")
    if layer is None:
        sizes = {name: math.prod(after[1:]) for name, _, _, after in network.shapes()}
        layer = next((name for name in fitting[::-1] if sizes[name] > 1), fitting[-1])
    if layer not in fitting:
        raise SpecError(
            f"layer: expected one with feature maps, {', '.join(fitting)}, got {layer!r}"
        )
    with at_rest(network):
        output = maps = image = Tensor(x[None])
        for name, _, output in network.steps(image):
            if name == layer:
                # Nothing is recorded before this layer, so gradients end at its maps.
                maps = output
                maps.requires_grad = True
        weights = np.zeros(output.shape, output.dtype)
        weights[:, target] = score_sign(network)
        output.backward(weights)
    gradient = to_device(gradient_of(maps), "cpu")[0]
    require_finite(gradient, f"gradient of the score by {layer}")
    alpha = gradient.mean(axis=(1, 2), dtype=np.float64)
    coarse = np.maximum(np.tensordot(alpha, maps.numpy()[0].astype(np.float64), 1), 0)
    factors = [large / small for large, small in zip(x.shape[1:], coarse.shape, strict=True)]
    # grid_mode: numbers are at the centres of their pixels, not at their corners.
    fine = zoom(coarse, factors, order=1, mode="nearest", grid_mode=True)
    return GradCam(layer, alpha, coarse, fine)


def randomised(network: Network, seed: int) -> Network:
    """A network of the same architecture with new random weights from ``seed``.

    What its maps show was not learned (Adebayo et al. 2018, section 3).
    """
    state = random.get_state()
    try:
        random.manual_seed(seed)
        drawn = models.build_from_text(
            network.spec,
            name=network.name,
            input_shape=network.input_shape,
            classes=network.classes,
        )
    finally:
        random.set_state(state)
    return drawn.eval().to(network.device)


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation of the magnitudes of two maps of one shape.

    Near 1 a map of a trained network does not depend on what was learned (Adebayo
    et al. 2018, section 3).  NaN where one map is constant, or empty, and has no ranks.
    Raises ShapeError for maps of different shapes.
    """
    from scipy.stats import spearmanr

    if first.shape != second.shape:
        raise ShapeError(f"expected two maps of one shape, got {first.shape} and {second.shape}")
    first, second = np.abs(first).ravel(), np.abs(second).ravel()
    if any(len(np.unique(values)) < 2 for values in (first, second)):
        return math.nan
    return float(spearmanr(first, second).statistic)


def _check(network: Network, shape: tuple[int, ...], target: int) -> None:
    if tuple(shape) != network.input_shape:
        raise ShapeError(f"expected an image of shape {network.input_shape}, got {tuple(shape)}")
    if not 0 <= target < network.classes:
        raise SpecError(f"class: expected 0 to {network.classes - 1}, got {target}")
