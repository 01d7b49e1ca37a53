"""A classifier that reads a larger picture: its dense layers as convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from convlab import functional as F
from convlab import nn
from convlab.data import Scaling, to_floats
from convlab.errors import ShapeError, SpecError
from convlab.models import INPUT, GraphNetwork, Network, receptive_fields
from convlab.nn import Family
from convlab.tape import no_grad
from convlab.tensors import Tensor


class RBFMap(nn.Module):
    """``nn.EuclideanRBF`` at every place of a map: (N, features, H, W) to (N, classes, H, W)."""

    def __init__(self, centres: np.ndarray):
        super().__init__()
        self.centres = centres

    def output_shape(self, shape):
        return (len(self.centres), *shape[1:])

    def forward(self, x: Tensor) -> Tensor:
        count, features, rows, columns = x.shape
        places = x.transpose(0, 2, 3, 1).reshape(-1, features)
        distances = F.squared_distance(places, self.centres)
        return distances.reshape(count, rows, columns, -1).transpose(0, 3, 1, 2)


def fully_convolutional(network: Network) -> Network:
    """The same layers with every dense one as a convolution, its weights moved, not relearned.

    The first dense layer after maps of R x C becomes a kernel of R x C, later ones kernels of 1 x
    1; on the network's own input size the output is the network's, as a map of 1 x 1, and on a
    larger one a map of the answers for all windows, ``scan_stride`` apart.  Padding inside the
    network then surrounds the whole picture and no longer each window.  Parameters are shared with
    ``network``.

    Source: LeCun et al. 1998, section VII ("space displacement neural networks"); Long,
    Shelhamer & Darrell 2015, section 3.1.
    Raises SpecError for adaptive pooling whose windows differ in size, for branches with different
    strides, for flattened maps that are joined, and for layers that cannot be moved over a picture.
    """
    layers: dict[str, nn.Module] = {}
    reads: dict[str, tuple[str, ...]] = {}
    # For each layer the one that now gives its numbers, and the kernel of a dense layer after it,
    # once the maps are flat.
    now: dict[str, tuple[str, tuple[int, int] | None]] = {INPUT: (INPUT, None)}
    kernel: tuple[int, int] | None
    layer: Any  # of each family, with the attributes that Family names
    for name, layer, before, _ in network.shapes():
        family = layer.family
        given, (kernel, *others) = zip(*(now[s] for s in network.sources()[name]), strict=True)
        reads[name], now[name] = given, (name, kernel)
        if family is Family.RESHAPE and len(before) == 3:
            now[name] = given[0], (before[1], before[2])
            del reads[name]
        elif family is Family.DENSE and kernel is not None:
            layers[name] = _as_convolution(layer, kernel)
            now[name] = name, (1, 1)
        elif family is Family.DISTANCE and kernel == (1, 1):
            layers[name] = RBFMap(layer.centres)
        elif family is Family.POOLING and layer.adaptive:
            pooling = nn.MaxPool2d if layer.reduction == "maximum" else nn.AvgPool2d
            layers[name] = pooling(*_even_windows(network, name, layer, before))
        elif family is Family.SOFTMAX:
            layers[name] = nn.Softmax(1)
        elif others and any(one not in (None, (1, 1)) for one in (kernel, *others)):
            raise _refusal(network, "joins of maps, or behind dense layers", f"{name} of flat maps")
        elif family in (Family.RESHAPE, Family.DENSE, Family.DISTANCE):
            raise _refusal(network, "dense layers behind one Flatten", f"{name}: {layer!r}")
        else:
            layers[name] = layer
    if now[name][1] != (1, 1):
        raise _refusal(network, "a dense layer at its end", "none")
    branched = isinstance(network, GraphNetwork)
    result = GraphNetwork(layers, reads) if branched else Network(layers)
    result.name, result.loss = network.name, network.loss
    result.classes, result.input_shape = network.classes, network.input_shape
    scan_stride(result)  # joined branches have none
    return result


def _refusal(network: Network, wanted: str, came: str) -> SpecError:
    return SpecError(
        f"{network.name}: cannot be made fully convolutional: expected {wanted}, got {came}"
    )


def _as_convolution(layer: Any, kernel: tuple[int, int]) -> nn.Conv2d:
    channels = layer.weight.shape[1] // (kernel[0] * kernel[1])
    moved = nn.Conv2d(channels, layer.out_features, kernel, initialisation=None)
    moved.weight.data = layer.weight.data.reshape(moved.weight.shape)
    moved.bias = layer.bias
    return moved


def _even_windows(
    network: Network, name: str, layer: nn.Pooling, shape: tuple[int, ...]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Kernel and stride of a pooling that replaces an adaptive one; global pooling moves by 1."""
    window = layer.window(shape)
    if window is None:
        raise _refusal(network, "adaptive pooling with even windows", f"{name}: {layer!r}")
    output = layer.output_shape(shape)[1:]
    stride = (1, 1) if output == (1, 1) else window.kernel
    return window.kernel, stride


def scan_stride(network: Network) -> tuple[int | Fraction, int | Fraction]:
    """Pixels from one window of a fully convolutional network to the next, down and right."""
    field = receptive_fields(network)[-1].field
    if field is None:
        raise _refusal(
            network,
            "windows a stride apart",
            "units that see everything, or branches of several strides",
        )
    rows, columns = field
    return rows.stride, columns.stride


@dataclass(frozen=True, eq=False)
class Level:
    """The result of scanning a picture at one size.

    scale: the picture's enlargement.  probabilities: (classes, rows, columns), for each
    window its classes.  windows: (rows, columns, 4), their top, left, bottom and right in
    pixels of the original picture.
    """

    scale: float
    probabilities: np.ndarray
    windows: np.ndarray


def scan(
    network: Network, images: np.ndarray, scaling: Scaling, scale: float, *, mirrored: bool = False
) -> list[Level]:
    """The answers of a fully convolutional network everywhere in images (N, C, H, W) uint8.

    The images are first enlarged by ``scale`` and surrounded by half a window of black, or of
    themselves ``mirrored``, so that windows are also centred on border pixels.
    Raises ShapeError for images of another number of axes or channels, SpecError for a
    scale that is not above 0.
    """
    from PIL import Image

    channels, *field = network.input_shape
    if images.ndim != 4 or images.shape[1] != channels:
        raise ShapeError(f"scan: expected images (N, {channels}, H, W), got {images.shape}")
    if not scale > 0:
        raise SpecError(f"scan: expected a scale above 0, got {scale}")
    size = tuple(max(1, round(length * scale)) for length in images.shape[2:])
    margin = tuple(length // 2 for length in field)
    inner = np.empty((len(images), channels, *size), np.uint8)
    layers = zip(inner.reshape(-1, *size), images.reshape(-1, *images.shape[2:]), strict=True)
    for target, layer in layers:
        resized = Image.fromarray(layer).resize(size[::-1], Image.Resampling.BICUBIC)
        target[...] = np.asarray(resized)
    edges = [(0, 0), (0, 0), *((edge, edge) for edge in margin)]
    padded = np.pad(inner, edges, "symmetric" if mirrored else "constant")
    with no_grad():
        output = network(Tensor(to_floats(padded, scaling))).numpy()
    down, right = map(float, scan_stride(network))
    rows, columns = output.shape[2:]
    windows = np.empty((rows, columns, 4))
    factor = [length / whole for length, whole in zip(images.shape[2:], size, strict=True)]
    windows[..., 0] = ((np.arange(rows) * down - margin[0]) * factor[0])[:, None]
    windows[..., 1] = (np.arange(columns) * right - margin[1]) * factor[1]
    windows[..., 2] = windows[..., 0] + field[0] * factor[0]
    windows[..., 3] = windows[..., 1] + field[1] * factor[1]
    flat = output.transpose(0, 2, 3, 1).reshape(-1, output.shape[1])
    chances = network.probabilities(flat).reshape(len(images), rows, columns, -1)
    return [Level(scale, part.transpose(2, 0, 1), windows) for part in chances]


def usual_scales(network: Network, size: tuple[int, int]) -> list[float]:
    """Enlargements of a picture (rows, columns) so that digits of most sizes fill a window.

    A quarter of an octave apart, from windows of 5/7 of the network's input to the largest
    that the picture holds.
    """
    rows, columns = network.input_shape[1:]
    largest, smallest = 1.4, min(1.4, max(rows / size[0], columns / size[1]))
    count = int(4 * np.log2(largest / smallest) + 1e-9) + 1
    return [largest * 2 ** (-number / 4) for number in range(count)]
