"""Convolutions of the usual sizes, forward and backward, compared with another library's."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from convlab import shapes
from convlab.bench import im2col
from convlab.bench.machine import other_name, version
from convlab.bench.measure import Timing, alternate
from convlab.errors import DeviceError, SpecError
from convlab.kernels import conv2d, cuda, device, memory
from convlab.shapes import Conv2dGeometry

GRADIENTS = ("forward", "gradient of input", "gradient of weight")


@dataclass(frozen=True)
class Layer:
    """A convolution to measure: its name and sizes, and the number of images in a batch."""

    name: str
    channels: int
    outputs: int
    size: tuple[int, int]
    kernel: int
    padding: int = 0
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    batch: int = 64

    @property
    def geometry(self) -> Conv2dGeometry:
        """All sizes, checked."""
        return shapes.conv2d_geometry(
            self.channels,
            self.outputs,
            self.size,
            (self.kernel, self.kernel),
            (self.stride, self.stride),
            (self.padding,) * 4,
            (self.dilation, self.dilation),
            self.groups,
        )

    @property
    def flops(self) -> int:
        """Products and sums of one pass over the batch; the same for all three passes."""
        g = self.geometry
        return 2 * int(np.prod(g.weight_shape)) * g.output[0] * g.output[1] * self.batch

    @property
    def bytes(self) -> int:
        """What has to be read or written at least once: input, weights and output in float32."""
        g = self.geometry
        per_image = g.in_channels * g.input[0] * g.input[1] + g.out_channels * int(
            np.prod(g.output)
        )
        return 4 * (per_image * self.batch + int(np.prod(g.weight_shape)))


LAYERS = (
    Layer("LeNet C1", 1, 6, (28, 28), 5, padding=2),
    Layer("LeNet C3", 6, 16, (14, 14), 5),
    Layer("3→32 5×5", 3, 32, (32, 32), 5),
    Layer("1→64 7×7", 1, 64, (28, 28), 7, padding=3),
    Layer("64→128 3×3", 64, 128, (14, 14), 3, padding=1),
    Layer("128→128 3×3", 128, 128, (14, 14), 3),
    Layer("256→256 3×3", 256, 256, (7, 7), 3),
    Layer("64→64 3×3 stride 2", 64, 64, (28, 28), 3, stride=2),
    Layer("64 depthwise 3×3", 64, 64, (28, 28), 3, groups=64),
    Layer("64→64 1×1", 64, 64, (28, 28), 1),
    Layer("32→32 3×3 dilation 2", 32, 32, (28, 28), 3, dilation=2),
    Layer("3→16 3×3, 512×512", 3, 16, (512, 512), 3, batch=1),
    Layer("Sobel, 12 megapixels", 1, 1, (3000, 4000), 3, batch=1),
)


EFFICIENTNET = (
    Layer("stem 3→32 3×3", 3, 32, (224, 224), 3, padding=1, stride=2, batch=32),
    Layer("32 depthwise 3×3", 32, 32, (112, 112), 3, padding=1, groups=32, batch=32),
    Layer("16→96 1×1", 16, 96, (112, 112), 1, batch=32),
    Layer("144 depthwise 5×5", 144, 144, (56, 56), 5, padding=2, stride=2, groups=144, batch=32),
    Layer("40→240 1×1", 40, 240, (28, 28), 1, batch=32),
    Layer("480 depthwise 5×5", 480, 480, (14, 14), 5, padding=2, groups=480, batch=32),
    Layer("112→672 1×1", 112, 672, (14, 14), 1, batch=32),
    Layer("1152→192 1×1", 1152, 192, (7, 7), 1, batch=32),
    Layer("320→1280 1×1", 320, 1280, (7, 7), 1, batch=32),
)
"""Convolutions of EfficientNet-B0 on 224 × 224 (Tan & Le 2019, table 1)."""


def layers_named(*parts: str, layers: Sequence[Layer] = LAYERS) -> list[Layer]:
    """Those of ``layers`` whose names contain one of the parts; all of them without parts.

    Raises SpecError if there are none, and for an empty part, which every name contains.
    """
    found = [layer for layer in layers if not parts or any(part in layer.name for part in parts)]
    if not found or not all(parts):
        known = ", ".join(layer.name for layer in layers)
        raise SpecError(
            f"layer: expected a part of one of {known}, got {' and '.join(map(repr, parts))}"
        )
    return found


@dataclass(frozen=True)
class KernelRow:
    """One pass of one layer: ours, and that of other libraries, by name."""

    layer: Layer
    gradient: str
    ours: Timing
    others: dict[str, Timing]  # empty on a GPU that PyTorch cannot use

    @property
    def speed(self) -> float:
        """FLOP/s of ours."""
        return self.layer.flops / self.ours.median

    @property
    def ratio(self) -> float | None:
        """Our speed over that of the first other library; above 1 is faster."""
        if not self.others:
            return None
        return next(iter(self.others.values())).median / self.ours.median

    def others_text(self, digits: int) -> str:
        """The other libraries in words, their milliseconds with so many digits."""
        return "   ".join(
            f"{name} {timing.median * 1e3:.{digits}f} ms,"
            f" ratio {timing.median / self.ours.median:.2f}"
            for name, timing in self.others.items()
        )

    def to_dict(self) -> dict[str, Any]:
        """What was measured as plain values, for JSON."""
        return {
            "layer": self.layer.name,
            "pass": self.gradient,
            "batch": self.layer.batch,
            "flops": self.layer.flops,
            "bytes": self.layer.bytes,
            "seconds": self.ours._asdict(),
            "flops_per_second": self.speed,
            "others": {name: timing._asdict() for name, timing in self.others.items()},
            "ratio": self.ratio,
        }


CUDA_BATCH = 256  # if a layer has several images: fewer do not fill a GPU


def measure_kernels_on_cuda(
    layers: Sequence[Layer] = LAYERS, rounds: int = 7
) -> Iterator[KernelRow]:
    """Each pass of each layer on the GPU, by its own clock.

    Ours is compared with PyTorch without TF32 if that is installed for CUDA. Raises DeviceError for
    a result that differs from that of the CPU's loops by more than a thousandth.
    """
    for layer in layers:
        layer = dataclasses.replace(layer, batch=max(layer.batch, CUDA_BATCH * (layer.batch > 1)))
        g = layer.geometry
        arrays = _arrays(layer)
        plain = _ours(*arrays, g)
        x, weight, bias, grad = (cuda.upload(array) for array in arrays)
        ours = _ours(x, weight, bias, grad, g)
        theirs = _torch(*arrays, g, "cuda") if torch_has_cuda() else (None,) * len(ours)
        for gradient, own, right, other in zip(GRADIENTS, ours, plain, theirs, strict=True):
            _check(layer, gradient, own(), right())
            functions, clocks = [own], [cuda.seconds]
            if other is not None:
                functions, clocks = [own, other], [cuda.seconds, _torch_seconds]
            timings = alternate(functions, rounds, clocks)
            others = {other_name(): timing for timing in timings[1:]}
            yield KernelRow(layer, gradient, timings[0], others)


def _check(layer: Layer, gradient: str, ours, right) -> None:
    # The gradient of the weights comes with that of the bias.
    ours, right = (a[0] if isinstance(a, tuple) else a for a in (ours, right))
    error = np.abs(ours.numpy() - right).max() / np.abs(right).max()
    if not error <= 1e-3:
        raise DeviceError(
            f"{layer.name}, {gradient}: expected the numbers of the CPU's loops, got some that are"
            f" {error:.1g} of the largest away"
        )


def torch_has_cuda() -> bool:
    """Whether PyTorch is installed and can use a GPU; without TF32 from here on."""
    if not version("torch"):
        return False
    import torch

    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return torch.cuda.is_available()


def _torch_seconds(function: Callable[[], object], count: int) -> float:
    import torch

    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(count):
        function()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1000


def _arrays(layer: Layer) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x, weight, bias and the output's gradient of a layer, batch innermost."""
    g = layer.geometry
    rng = np.random.default_rng(0)
    x = _random(rng, (g.in_channels, *g.input, layer.batch))
    weight = _random(rng, g.weight_shape)
    if layer.channels == layer.outputs == layer.batch == 1:
        weight[0, 0] = np.outer([1, 2, 1], [-1, 0, 1])  # Sobel's for vertical edges
    bias = _random(rng, (g.out_channels,))
    return x, weight, bias, _random(rng, (g.out_channels, *g.output, layer.batch))


def measure_kernels(layers: Sequence[Layer] = LAYERS, rounds: int = 7) -> Iterator[KernelRow]:
    """Each pass of each layer, with the threads that are set now.

    Ours is compared with PyTorch if that is installed and else with NumPy's im2col, with as many
    threads; for the Sobel kernel also with scipy.ndimage.
    """
    for layer in layers:
        g = layer.geometry
        x, weight, bias, grad = _arrays(layer)
        name, passes = other_name(), _torch if version("torch") else _numpy
        ours, theirs = (side(x, weight, bias, grad, g) for side in (_ours, passes))
        for gradient, own, other in zip(GRADIENTS, ours, theirs, strict=True):
            others = {name: other}
            if gradient == GRADIENTS[0] and layer.channels == layer.outputs == layer.batch == 1:
                others["scipy.ndimage"] = _scipy(x, weight)
            with threadpool_limits(device.get_num_threads(), user_api="blas"):
                timings = alternate([own, *others.values()], rounds)
            yield KernelRow(
                layer, gradient, timings[0], dict(zip(others, timings[1:], strict=True))
            )


def _random(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    array = memory.empty(shape, np.float32)
    array[...] = rng.standard_normal(shape, dtype=np.float32)
    return array


Passes = tuple[Callable[[], object], Callable[[], object], Callable[[], object]]


def _ours(x, weight, bias, grad, g: Conv2dGeometry) -> Passes:
    return (
        lambda: conv2d.forward(x, weight, bias, g),
        lambda: conv2d.grad_input(grad, weight, g),
        lambda: conv2d.grad_weight(grad, x, g),
    )


def _torch(x, weight, bias, grad, g: Conv2dGeometry, where: str = "cpu") -> Passes:
    import torch

    torch.set_num_threads(device.get_num_threads())
    x, grad = (np.ascontiguousarray(a.transpose(3, 0, 1, 2)) for a in (x, grad))
    x, grad, weight, bias = (torch.from_numpy(a).to(where) for a in (x, grad, weight, bias))
    padding = [g.padding[0], g.padding[2]]

    def backward(*wanted: bool):
        return torch.ops.aten.convolution_backward(
            grad,
            x,
            weight,
            [g.out_channels],
            g.stride,
            padding,
            g.dilation,
            False,
            [0, 0],
            g.groups,
            wanted,
        )

    settings = (g.stride, padding, g.dilation, g.groups)
    return (
        lambda: torch.nn.functional.conv2d(x, weight, bias, *settings),
        lambda: backward(True, False, False),
        lambda: backward(False, True, False),
    )


def _numpy(x, weight, bias, grad, g: Conv2dGeometry) -> Passes:
    x, grad = (np.ascontiguousarray(a.transpose(3, 0, 1, 2)) for a in (x, grad))
    return (
        lambda: im2col.forward(x, weight, bias, g),
        lambda: im2col.grad_input(grad, weight, g),
        lambda: im2col.grad_weight(grad, x, g),
    )


def _scipy(x, weight) -> Callable[[], object]:
    from scipy import ndimage

    image, kernel = np.ascontiguousarray(x[0, :, :, 0]), weight[0, 0]
    return lambda: ndimage.correlate(image, kernel, mode="constant")
