"""Time by size: whether the speed falls off a cliff somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab.bench.convolutions import Layer
from convlab.bench.measure import Timing, alternate
from convlab.kernels import conv2d, device, memory
from convlab.terminal import Block, Line, Table

# One size varies, the others stay those of a layer in the middle of a typical network.
USUAL = {"batch": 64, "channels": 32, "image size": 28}
VALUES: dict[str, tuple[int, ...]] = {
    "batch": (1, 2, 4, 8, 16, 24, 32, 50, 64, 100, 128, 256),
    "channels": (1, 2, 3, 4, 6, 8, 12, 16, 32, 50, 64, 128),
    "image size": (4, 7, 8, 14, 15, 16, 28, 31, 32, 56, 64, 112),
}
# A cliff is a size with less than this share of the speed at the next smaller one.
CLIFF = 0.5


@dataclass(frozen=True)
class Curve:
    """Forward pass of a 3 × 3 convolution while one thing varies."""

    axis: str
    values: tuple[int, ...]
    timings: tuple[Timing, ...]
    flops: tuple[int, ...]

    @property
    def speeds(self) -> tuple[float, ...]:
        """FLOP/s at each value."""
        return tuple(
            flops / timing.median for flops, timing in zip(self.flops, self.timings, strict=True)
        )

    def cliffs(self) -> list[int]:
        """Values with less than half of the speed at the next smaller one."""
        pairs = zip(self.values[1:], self.speeds, self.speeds[1:], strict=False)
        return [value for value, before, here in pairs if here < CLIFF * before]

    def lines(self) -> list[Line | Block]:
        """The curve as a table, and its cliffs."""
        rows = [(self.axis, "ms", "GF/s")]
        for value, timing, speed in zip(self.values, self.timings, self.speeds, strict=True):
            rows.append((f"{value}", f"{timing.median * 1e3:.3f}", f"{speed / 1e9:.1f}"))
        return [
            "",
            Table(rows, range(3)),
            *(
                f"a cliff: less than half of the speed is left at {self.axis} {value}"
                for value in self.cliffs()
            ),
        ]

    def to_dict(self) -> dict[str, Any]:
        """What was measured as plain values, for JSON."""
        return {
            "axis": self.axis,
            "values": self.values,
            "seconds": [timing._asdict() for timing in self.timings],
            "flops": self.flops,
            "cliffs": self.cliffs(),
        }


def measure_scaling(rounds: int = 5) -> Iterator[Curve]:
    """A curve for batch, channels (in and out), image size (rows and columns) and threads.

    The first three use the current threads; the setting is restored afterwards.
    """
    for axis, values in VALUES.items():
        functions, flops = [], []
        for value in values:
            sizes = USUAL | {axis: value}
            function, layer = _forward(sizes)
            functions.append(function)
            flops.append(layer.flops)
        yield Curve(axis, values, tuple(alternate(functions, rounds)), tuple(flops))
    threads = device.get_num_threads()
    function, layer = _forward(USUAL)
    values = tuple(range(1, threads + 1))

    def with_threads(count: int):
        def run():
            device.set_num_threads(count)
            function()

        return run

    try:
        timings = alternate([with_threads(count) for count in values], rounds)
    finally:
        device.set_num_threads(threads)
    yield Curve("threads", values, tuple(timings), (layer.flops,) * len(values))


def _forward(sizes: dict[str, int]):
    channels, edge = sizes["channels"], sizes["image size"]
    layer = Layer("3×3", channels, channels, (edge, edge), 3, padding=1, batch=sizes["batch"])
    g = layer.geometry
    x = memory.empty((channels, edge, edge, layer.batch), np.float32)
    x[...] = 1
    weight, bias = np.ones(g.weight_shape, np.float32), np.zeros(channels, np.float32)
    return (lambda: conv2d.forward(x, weight, bias, g)), layer
