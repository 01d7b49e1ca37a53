"""The content of one picture in the style of another, by changing pixels."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from convlab import functional as F
from convlab import nn
from convlab.data import Scaling
from convlab.errors import ShapeError, SpecError, require_finite
from convlab.models import INPUT, Network
from convlab.tape import gradient_of, no_grad
from convlab.tensors import Tensor

Maps = list[Tensor]
Features = Callable[[Tensor], Maps]

KERNELS = (3, 5, 7, 11)
FILTERS = 32
PYRAMID = 3  # sizes at which the picture is compared: 1, 1/2, 1/4


def random_features(
    seed: int = 0, kernels: Sequence[int] = KERNELS, filters: int = FILTERS
) -> Features:
    """One layer of random filters of several sizes, and ReLU: nothing in it is learned.

    Each filter sums to 0 over its window and has norm 1, so that it responds to edges and strokes;
    three more pass the colours on.
    Source: Ustyuzhaninov, Brendel, Gatys & Bethge 2016, "Texture synthesis using shallow
    convolutional networks with random filters", section 3.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for size in kernels:
        weight = rng.standard_normal((filters, 3, size, size))
        weight -= weight.mean(axis=(2, 3), keepdims=True)
        weight /= np.sqrt(np.square(weight).sum(axis=(1, 2, 3), keepdims=True))
        drawn.append(weight)
    drawn.append(np.eye(3)[:, :, None, None])
    weights = [Tensor(weight.astype(np.float32)) for weight in drawn]

    def features(x: Tensor) -> Maps:
        # Reflected at the border, since pixels seen by few windows would be unconstrained.
        edges = (weight.shape[-1] // 2 for weight in weights)
        padded = (F.pad(x, (edge,) * 4, "reflect") if edge else x for edge in edges)
        return [F.conv2d(*pair, relu=True) for pair in zip(padded, weights, strict=True)]

    return features


def network_features(network: Network, scaling: Scaling) -> Features:
    """The picture, and the maps after each convolution before the dense layers.

    After its activation if nothing else reads it, and after every other activation.  ``scaling`` is
    what the network was trained with; pictures are from 0 to 1.  Raises SpecError for a network
    without convolutions and for one that does not take three channels.
    """
    if network.input_shape[0] != 3:
        raise SpecError(
            f"{network.name}: expected a network for colour pictures of 3 channels, got"
            f" {network.input_shape[0]}"
        )
    layers: dict[str, nn.Module] = {}
    for name, layer in network.named_children():
        if layer.family in (nn.Family.RESHAPE, nn.Family.DENSE) or getattr(
            layer, "adaptive", False
        ):
            break
        layers[name] = layer
    sources = network.sources()
    kept = [
        name
        for name, layer in layers.items()
        if layer.family is nn.Family.ACTIVATION
        or (layer.family is nn.Family.CONVOLUTION and not _is_activated(name, layers, sources))
    ]
    if all(layer.family is not nn.Family.CONVOLUTION for layer in layers.values()):
        raise SpecError(f"{network.name}: expected a network with convolutions, got none")

    needed = dict(list(layers.items())[: 1 + list(layers).index(kept[-1])])
    scale, offset = (
        np.asarray(part, np.float32)[None, :, None, None]
        for part in (scaling.scale, scaling.offset)
    )
    scale = 255 * scale

    def features(x: Tensor) -> Maps:
        values = {INPUT: x * scale + offset}
        for name, layer in needed.items():
            values[name] = layer(*(values[source] for source in sources[name]))
        return [x, *(values[name] for name in kept)]

    return features


def _is_activated(
    name: str, layers: Mapping[str, nn.Module], sources: Mapping[str, tuple[str, ...]]
) -> bool:
    """Whether a layer is read only by an activation."""
    readers = [layer for other, layer in layers.items() if name in sources[other]]
    return [layer.family for layer in readers] == [nn.Family.ACTIVATION]


def at_sizes(features: Features, levels: int = PYRAMID) -> Features:
    """The features of a picture, at full size, half, a quarter and so on, ``levels`` in all.

    Each size is the mean of 2 x 2 pixels of the one before.
    """

    def seen(x: Tensor) -> Maps:
        maps = features(x)
        for _ in range(levels - 1):
            x = F.avg_pool2d(x, 2)
            maps += features(x)
        return maps

    return seen


def gram(maps: Tensor) -> Tensor:
    """(C, C) mean products of maps (1, C, H, W) over all places.

    Source: Gatys, Ecker & Bethge 2016, equation 3, divided by the number of places.
    """
    _, channels, rows, columns = maps.shape
    flat = maps.reshape(channels, rows * columns)
    return (flat @ flat.transpose(1, 0)) / float(rows * columns)


@dataclass(frozen=True, eq=False)
class StyleTarget:
    """The target of the optimisation: maps of the content, Gram matrices of the style.

    ``scales`` make each layer's part of the style loss 1 if the maps are all 0; ``content_scale``
    does so for the content.
    """

    features: Features
    content: list[np.ndarray]
    content_scale: float
    grams: list[np.ndarray]
    scales: list[float]

    def losses(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(content loss, style loss) of a picture x (1, 3, H, W)."""
        maps = self.features(x)
        content, style = [], []
        for own, wanted in zip(maps, self.content, strict=True):
            difference = own - Tensor(wanted)
            content.append((difference * difference).sum() / float(self.content_scale))
        for own, wanted, scale in zip(maps, self.grams, self.scales, strict=True):
            difference = gram(own) - Tensor(wanted)
            style.append((difference * difference).sum() / float(scale * len(self.grams)))
        return reduce(operator.add, content), reduce(operator.add, style)


def style_target(features: Features, content: np.ndarray, style: np.ndarray) -> StyleTarget:
    """The target for pictures (1, 3, H, W) of floats; the style may have another size.

    Raises ShapeError for other arrays and for pictures too small for the features,
    NotFiniteError if the features are not finite.
    """
    for name, picture in (("content", content), ("style", style)):
        if picture.ndim != 4 or picture.shape[:2] != (1, 3):
            raise ShapeError(f"{name}: expected a picture (1, 3, H, W), got {picture.shape}")
    with no_grad():
        maps = [one.numpy() for one in features(Tensor(content))]
        grams = [gram(one).numpy() for one in features(Tensor(style))]
    for name, arrays in (("maps of the content", maps), ("products of the style's maps", grams)):
        for array in arrays:
            require_finite(array, name)
    return StyleTarget(
        features,
        maps,
        max(float(sum(np.square(one, dtype=float).sum() for one in maps)), 1e-12),
        grams,
        [max(float(np.square(one, dtype=float).sum()), 1e-12) for one in grams],
    )


@dataclass(frozen=True)
class StyleStep:
    """One step of the optimisation; step 0 is the picture that it starts from."""

    step: int
    loss: float
    content: float
    style: float

    def text(self, steps: int) -> str:
        """A line of progress, of so many ``steps``."""
        return (
            f"step {self.step}/{steps}  loss {self.loss:.4f}"
            f"  content {self.content:.4f}  style {self.style:.4f}"
        )


def stylize(
    target: StyleTarget,
    start: np.ndarray,
    *,
    steps: int = 150,
    content_weight: float = 1.0,
    style_weight: float = 1.0,
    watch: Callable[[StyleStep, np.ndarray], None] = lambda step, picture: None,
) -> np.ndarray:
    """The picture (1, 3, H, W) of numbers from 0 to 1 that results from ``start``.

    L-BFGS on the pixels minimises content_weight * content + style_weight * style
    (Gatys, Ecker & Bethge 2016, equation 7).  ``watch`` is called before the first step and
    after each with the picture.
    Raises SpecError for settings out of range.
    """
    from scipy.optimize import minimize

    if steps < 1:
        raise SpecError(f"stylize: expected at least 1 step, got {steps}")
    weights = content_weight, style_weight
    if not all(math.isfinite(w) and w >= 0 for w in weights) or not any(weights):
        raise SpecError(f"stylize: expected weights of at least 0, not all 0, got {weights}")
    shape, count = start.shape, 0
    last: dict[bytes, tuple[float, float, float]] = {}

    def evaluate(flat: np.ndarray) -> tuple[float, np.ndarray]:
        x = Tensor(flat.reshape(shape).astype(start.dtype), requires_grad=True)
        content, style = target.losses(x)
        loss = content * content_weight + style * style_weight
        loss.backward()
        key = flat.tobytes()
        last.clear()
        last[key] = loss.item(), content.item(), style.item()
        return loss.item(), gradient_of(x).reshape(-1).astype(float)

    def tell(flat: np.ndarray) -> None:
        nonlocal count
        if flat.tobytes() not in last:
            evaluate(flat)
        watch(StyleStep(count, *last[flat.tobytes()]), flat.reshape(shape))
        count += 1

    first = start.reshape(-1).astype(float)
    tell(first)
    found = minimize(
        evaluate,
        first,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1.0)] * first.size,
        callback=tell,
        options={"maxiter": steps, "maxfun": 2 * steps + 20, "ftol": 0, "gtol": 0, "maxcor": 10},
    )
    return found.x.reshape(shape).astype(start.dtype)
