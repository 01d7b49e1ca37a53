"""The image that a unit of a trained network responds to most."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from convlab.checks import LARGEST_SIDE, number, whole
from convlab.data import Scaling, to_floats
from convlab.errors import ShapeError, SpecError, require_finite
from convlab.insight.attribution import at_rest, score_sign
from convlab.insight.patches import answers, box_of, check_units, layer_shape
from convlab.models import Network
from convlab.tape import gradient_of, no_grad
from convlab.tensors import Tensor


@dataclass(frozen=True, eq=False)
class Maximised:
    """Images that excite one unit each.

    images: (units, C, H, W) uint8, in the network's input.  values: (units,), the units' outputs
    for exactly these images; ``started``: for the initial noise.  unit: the middle of the map, None
    in a vector.  box: the pixels that it sees.
    """

    images: np.ndarray
    values: np.ndarray
    started: np.ndarray
    unit: tuple[int, int] | None
    box: tuple[int, int, int, int]


def channel_correlation(images: np.ndarray) -> np.ndarray:
    """Correlations (C, C) between the channels of images (N, C, H, W), over all pixels.

    A constant channel is correlated only with itself.
    Raises ShapeError for no images.
    """
    if images.ndim != 4 or not images.size:
        raise ShapeError(f"expected images (N, C, H, W), got {images.shape}")
    channels = images.shape[1]
    total, products, count = np.zeros(channels), np.zeros((channels, channels)), 0
    for image in images:
        pixels = image.reshape(channels, -1).astype(np.float64)
        total += pixels.sum(axis=1)
        products += pixels @ pixels.T
        count += pixels.shape[1]
    mean = total / count
    covariance = products / count - np.outer(mean, mean)
    deviation = np.sqrt(np.diag(covariance))
    known = deviation > 0
    deviation = np.where(known, deviation, 1)
    correlation = np.where(np.outer(known, known), covariance / np.outer(deviation, deviation), 0)
    np.fill_diagonal(correlation, 1)
    return correlation


@dataclass(frozen=True)
class Ascent:
    """How an image climbs the gradient.

    ``rate``: a step's root mean square over the pixels that the unit sees, as a share of the
    span from black to white.  ``decay``: the share of the input that is subtracted after each step
    (L2 decay).  ``blur``: the standard deviation, in pixels, of the Gaussian that smooths each
    step.  ``shift``: before each step the image is moved by up to this many pixels, and back after
    it (jitter).  ``seed``: for the noise and the jitter.
    Raises SpecError for settings out of range.
    """

    steps: int = 200
    rate: float = 0.02
    decay: float = 0.04
    blur: float = 1.0
    shift: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        whole(self.steps, "steps", error=SpecError)
        number(self.rate, "rate", np.nextafter(0, 1), wanted="a finite number above 0")
        number(self.decay, "decay", 0, np.nextafter(1, 0), "a share from 0 to below 1")
        number(self.blur, "blur", 0, wanted="pixels of at least 0")
        whole(self.shift, "shift", 0, LARGEST_SIDE, error=SpecError)
        whole(self.seed, "seed", 0, sys.maxsize, error=SpecError)


def maximise(
    network: Network,
    layer: str,
    units: Sequence[int],
    scaling: Scaling,
    ascent: Ascent = Ascent(),
    *,
    colours: np.ndarray | None = None,
) -> Maximised:
    """Images made from noise by gradient ascent on the output of each of ``units``.

    A unit of a convolution is a map; the unit in its middle is maximised.  For a class, it is the
    logit or minus the penalty.  ``colours``: how a step in one channel spreads to the others, (C,
    C), as given by ``channel_correlation``; None: not at all.  In the last tenth of the steps the
    image is no longer shifted and settles: rate and decay fall to 0.  Pixels stay between black and
    white.

    Source: Erhan, Bengio, Courville & Vincent 2009; decay and blur by Yosinski et al. 2015,
    section 3; jitter, and steps smoothed and with the colours of images: Olah, Mordvintsev &
    Schubert 2017, "Preconditioning and Parameterization".  The same seed gives the same images,
    whichever units are requested.
    Raises SpecError for an unknown layer or unit, ShapeError for colours of another number of
    channels.
    """
    check_units(network, layer, units)
    each = [(layer, unit) for unit in units]
    made = maximise_each(network, each, scaling, ascent, colours=colours)
    images, values, started = (
        np.concatenate([getattr(one, name) for one in made])
        for name in ("images", "values", "started")
    )
    return Maximised(images, values, started, made[0].unit, made[0].box)


def maximise_each(
    network: Network,
    units: Sequence[tuple[str, int]],
    scaling: Scaling,
    ascent: Ascent = Ascent(),
    *,
    colours: np.ndarray | None = None,
) -> list[Maximised]:
    """``maximise`` for units of several layers, (layer, number), which climb together.

    All images go through the network at once, each up to its layer: for few images that takes
    little longer than for one.
    """
    channels, *size = network.input_shape
    colours = np.eye(channels) if colours is None else np.asarray(colours)
    if colours.shape != (channels, channels):
        raise ShapeError(f"colours: expected ({channels}, {channels}), got {colours.shape}")
    places = [_place(network, layer, unit) for layer, unit in units]
    boxes = [box_of(network, place.layer, place.at or None) for place in places]
    sides = [
        min(end, length) - max(start, 0)
        for box in boxes
        for start, end, length in zip(box[:2], box[2:], size, strict=True)
    ]
    seen = channels * np.reshape(sides, (-1, 2)).prod(axis=1)
    scale, black = (
        np.asarray(part, np.float32)[:, None, None] for part in (scaling.scale, scaling.offset)
    )
    span = 255 * scale
    white = span + black
    numbers = [unit for _, unit in units]
    x = np.clip(_noise(network.input_shape, numbers, ascent.seed) * span, black, white)
    start = _bytes(x, scale, black)
    with at_rest(network):
        for move, pace in _moves(ascent):
            gradient = _gradient(network, places, np.roll(x, move, (2, 3)))
            step = _step(np.roll(gradient, -move, (2, 3)), ascent.blur, colours, seen)
            x = x + pace * np.float32(ascent.rate) * span * step
            x = np.clip(x * (1 - pace * np.float32(ascent.decay)), black, white)
        images = _bytes(x, scale, black)
        with no_grad():
            values, started = (_values(network, places, some, scaling) for some in (images, start))
    return [
        Maximised(images[k : k + 1], values[k : k + 1], started[k : k + 1], place.at or None, box)
        for k, (place, box) in enumerate(zip(places, boxes, strict=True))
    ]


class _Place(NamedTuple):
    """An output: of a map the one in its middle, ``at`` (row, column); () in a vector."""

    layer: str
    unit: int
    at: tuple[int, int] | tuple[()]


def _place(network: Network, layer: str, unit: int) -> _Place:
    check_units(network, layer, [unit])
    shape = layer_shape(network, layer)
    return _Place(layer, unit, (shape[1] // 2, shape[2] // 2) if len(shape) == 3 else ())


def _values(
    network: Network, places: Sequence[_Place], images: np.ndarray, scaling: Scaling
) -> np.ndarray:
    """Each image's output at its place."""
    found = answers(network, {p.layer for p in places}, Tensor(to_floats(images, scaling)))
    outputs = {layer: output.numpy() for layer, output in found.items()}
    return np.array([outputs[p.layer][(k, p.unit, *p.at)] for k, p in enumerate(places)])


def _noise(shape: tuple[int, ...], units: Sequence[int], seed: int) -> np.ndarray:
    """Noise of a tenth of the span, around 0, where decay leads."""
    drawn = [np.random.default_rng([seed, 1 + unit]).standard_normal(shape) for unit in units]
    return 0.1 * np.stack(drawn).astype(np.float32)


def _moves(ascent: Ascent) -> Iterator[tuple[np.ndarray, np.float32]]:
    """For each step, the shift of the image (rows, columns), and the share of the rate."""
    steps, shift = ascent.steps, ascent.shift
    moves = np.random.default_rng([ascent.seed, 0]).integers(-shift, shift + 1, (steps, 2))
    moves[steps - steps // 10 :] = 0
    paces = np.minimum(1, 10 * np.arange(steps, 0, -1) / steps).astype(np.float32)
    return zip(moves, paces, strict=True)


def _step(gradient: np.ndarray, blur: float, colours: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Gradients (units, C, H, W) smoothed, mixed and with a root mean square of 1."""
    from scipy.ndimage import gaussian_filter

    gradient = gaussian_filter(gradient, (0, 0, blur, blur), mode="constant")
    gradient = np.einsum("cd,ndhw->nchw", colours, gradient).astype(np.float32)
    squares = np.square(gradient).sum(axis=(1, 2, 3), keepdims=True)
    length = np.sqrt(squares / np.reshape(seen, (-1, 1, 1, 1)).astype(np.float32))
    # Without a gradient, as behind a ReLU that is off, there is no step.
    return gradient / np.where(length > 0, length, 1)


def _gradient(network: Network, places: Sequence[_Place], x: np.ndarray) -> np.ndarray:
    """The gradient of the sum of each image's output at its place, by x (N, C, H, W)."""
    names = [name for name, _ in network.named_children()]
    order = sorted(range(len(places)), key=lambda k: names.index(places[k].layer), reverse=True)
    images = Tensor(np.moveaxis(np.moveaxis(x, 0, -1)[..., order], -1, 0), requires_grad=True)
    going_on = {places[k].layer: at for at, k in reversed([*enumerate(order)])}
    total: Tensor | None = None
    for name, _, output in network.steps(images, going_on):
        if name not in going_on:
            continue
        require_finite(output.numpy(), f"output of {name}")
        weights = np.zeros(output.shape, output.dtype)
        for at, k in enumerate(order[: len(output)]):
            if places[k].layer == name:
                weights[(at, places[k].unit, *places[k].at)] = 1
        sign = score_sign(network) if name == names[-1] else 1
        part = (output * Tensor(sign * weights)).sum()
        total = part if total is None else total + part
        if not going_on[name]:
            break
    assert total is not None, "each place is of a layer of the network"
    total.backward()
    gradient = np.empty_like(x)
    gradient[order] = gradient_of(images)
    require_finite(gradient, f"gradient of {places[order[0]].layer}")
    return gradient


def _bytes(x: np.ndarray, scale: np.ndarray, black: np.ndarray) -> np.ndarray:
    return np.round((x - black) / scale).clip(0, 255).astype(np.uint8)
