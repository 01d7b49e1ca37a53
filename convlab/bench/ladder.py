"""One convolution as a ladder of loops, compared with the other ways to convolve."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from convlab.bench import fourier, im2col, winograd
from convlab.bench.convolutions import Layer
from convlab.bench.machine import Roof, roof_of, roof_tasks
from convlab.bench.measure import Timing, alternate
from convlab.errors import SpecError
from convlab.kernels import cuda, device
from convlab.ladder import CUDA_RUNGS, RUNGS, CudaTask, Task
from convlab.shapes import Conv2dGeometry, size_text
from convlab.words import t

MOST_FLOPS = 2 * 10**9  # the first rungs take a second for this many
MOST_NUMBERS = 1 << 27  # of all arrays and the matrix of im2col together
MOST_BYTES = 1 << 30  # that another way may need besides its arrays


@dataclass(frozen=True)
class LadderRow:
    """A rung, or another way to convolve, measured.

    ``seconds`` for the whole convolution, scaled up if a call did only ``share`` of it; None for
    what was not run, and ``note`` says why.  ``error``: the largest difference from float64,
    relative to the largest output; None if not everything was computed.  ``memory``: the most bytes
    that it held besides input, weights and output, for the other ways.
    """

    idea: str
    flops: int
    seconds: Timing | None
    share: float = 1.0
    error: float | None = None
    memory: int | None = None
    note: str = ""

    @property
    def speed(self) -> float | None:
        """FLOP/s, counted according to the definition."""
        return None if self.seconds is None else self.flops / self.seconds.median

    def to_dict(self) -> dict[str, Any]:
        """What was measured as plain values, for JSON."""
        return {
            "idea": self.idea,
            "seconds": None if self.seconds is None else self.seconds._asdict(),
            "flops_per_second": self.speed,
            "error": self.error,
        }


@dataclass(frozen=True)
class RungRow(LadderRow):
    """A rung, measured: all of them are run."""

    seconds: Timing

    @property
    def speed(self) -> float:
        """FLOP/s, counted as the definition has them."""
        return self.flops / self.seconds.median


WAYS = t("im2col, matrix product"), "FFT", "Winograd F(2×2, 3×3)"
ONLY_3 = t("3 × 3 only")


def part_text(share: float) -> str:
    """The share of the work that a rung was timed on; empty for all of it."""
    return t("timed on 1/{count:,} of it", round(1 / share)) if share < 1 else ""


class Ladder(NamedTuple):
    """All that was measured; ``roof`` was measured in turn with the rungs."""

    rungs: list[RungRow]
    others: list[LadderRow]
    roof: Roof


class Way(NamedTuple):
    """Another way to convolve: ``run`` returns the output (N, O, OH, OW)."""

    name: str
    run: Callable[[], np.ndarray]
    bytes: int  # that it needs at least besides its arrays
    note: str = ""  # why it cannot be run


def ladder_layer(
    shape: tuple[int, int, int] = (14, 14, 6),
    kernel: int = 5,
    filters: int = 16,
    padding: int = 0,
    batch: int = 64,
) -> Layer:
    """A convolution for the ladder, LeNet's C3 by default; shape: (rows, columns, channels)."""
    rows, columns, channels = shape
    name = t(
        "{size} to {filters} maps, {kernel}, padding {padding}, batch {batch}",
        *(size_text(rows, columns, channels), filters, size_text(kernel, kernel), padding, batch),
    )
    return Layer(name, channels, filters, (rows, columns), kernel, padding, batch=batch)


def check_ladder(layer: Layer) -> None:
    """Raise ShapeError for sizes that do not fit, SpecError for more work than fits a lecture."""
    g = layer.geometry
    window, cells = g.in_channels * math.prod(g.kernel), math.prod(g.output) * layer.batch
    flops = 2 * window * cells * g.out_channels
    if flops > MOST_FLOPS:
        raise SpecError(
            f"ladder: expected a convolution of at most {MOST_FLOPS / 1e9:.0f} GFLOP, got"
            f" {flops / 1e9:,.1f}; a smaller --batch makes it less"
        )
    numbers = (window + g.out_channels) * cells + window * g.out_channels
    if numbers > MOST_NUMBERS:
        raise SpecError(
            f"ladder: expected at most {MOST_NUMBERS:,} numbers in windows, weights and output,"
            f" got {numbers:,}; a smaller --batch makes them less"
        )


def measure_ladder(layer: Layer, rounds: int = 7) -> Ladder:
    """Every rung and every other way on random numbers, in turn, with the threads set now.

    Raises what ``check_ladder`` raises.
    """
    check_ladder(layer)
    g = layer.geometry
    x, weight = _arrays(layer)
    exact = _in_float64(x, weight, g)
    tasks = [Task(rung, x, weight, g) for rung in RUNGS]
    ways = other_ways(x, weight, g)
    run = [way for way in ways if not way.note]
    with threadpool_limits(device.get_num_threads(), user_api="blas"):
        functions: list[Callable[[], object]] = [*roof_tasks(), *tasks, *(way.run for way in run)]
        compute, move, *timings = alternate(functions, rounds)
        memory = {way.name: _extra_memory(way.run) for way in run}
        errors = {way.name: _error(way.run(), exact) for way in run}
    rungs = [
        RungRow(
            task.rung.idea,
            layer.flops,
            Timing(*(seconds / task.share for seconds in timing)),
            task.share,
            None if task.share < 1 else _error(task.output(), exact),
        )
        for task, timing in zip(tasks, timings, strict=False)
    ]
    seconds = dict(zip(memory, timings[len(tasks) :], strict=True))
    others = [
        LadderRow(
            way.name,
            layer.flops,
            seconds.get(way.name),
            error=errors.get(way.name),
            memory=memory.get(way.name),
            note=way.note,
        )
        for way in ways
    ]
    return Ladder(rungs, others, roof_of(compute, move))


def measure_ladder_on_cuda(layer: Layer, rounds: int = 7) -> list[RungRow]:
    """The rungs of a GPU, by its own clock.

    Raises what ``check_ladder`` raises, and DeviceError if there is no GPU.
    """
    check_ladder(layer)
    x, weight = _arrays(layer)
    exact = _in_float64(x, weight, layer.geometry)
    tasks = [CudaTask(rung, x, weight, layer.geometry) for rung in CUDA_RUNGS]
    timings = alternate(tasks, rounds, [cuda.seconds] * len(tasks))
    return [
        RungRow(task.rung.idea, layer.flops, timing, error=_error(task.output(), exact))
        for task, timing in zip(tasks, timings, strict=True)
    ]


def other_ways(x: np.ndarray, weight: np.ndarray, g: Conv2dGeometry) -> list[Way]:
    """A matrix product, spectra and Winograd's, for x (N, C, H, W), in the layout each needs."""
    batch, no_bias = len(x), np.zeros(g.out_channels, x.dtype)
    last = np.ascontiguousarray(x.transpose(1, 2, 3, 0))
    columns = x.itemsize * batch * math.prod(g.weight_shape[1:]) * math.prod(g.output)
    ways = [
        Way(WAYS[0], lambda: im2col.forward(x, weight, no_bias, g), columns),
        Way(WAYS[1], lambda: fourier.forward(x, weight, g), fourier.memory(g, batch)),
    ]
    name = WAYS[2]
    if winograd.fits(g):
        run = lambda: winograd.forward(last, weight, g).transpose(3, 0, 1, 2)  # noqa: E731
        ways.append(Way(name, run, winograd.memory(g, batch)))
    else:
        ways.append(Way(name, lambda: x, 0, ONLY_3))
    return [
        way._replace(note=f"needs {way.bytes / 1e9:.1f} GB") if way.bytes > MOST_BYTES else way
        for way in ways
    ]


def _arrays(layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """Random x (N, C, H, W) and weight (O, C, KH, KW)."""
    g, rng = layer.geometry, np.random.default_rng(0)
    x = rng.standard_normal((layer.batch, g.in_channels, *g.input), dtype=np.float32)
    return x, rng.standard_normal(g.weight_shape, dtype=np.float32)


def _in_float64(x: np.ndarray, weight: np.ndarray, g: Conv2dGeometry) -> np.ndarray:
    weight, no_bias = weight.astype(np.float64), np.zeros(g.out_channels)
    images = (image[None].astype(np.float64) for image in x)
    return np.concatenate([im2col.forward(image, weight, no_bias, g) for image in images])


def _error(out: np.ndarray, exact: np.ndarray) -> float:
    return float(np.abs(out - exact).max() / np.abs(exact).max())


def _extra_memory(run: Callable[[], np.ndarray]) -> int:
    """The most bytes of arrays that a call holds, excluding its output's."""
    tracemalloc.start()
    try:
        out = run()
        return tracemalloc.get_traced_memory()[1] - out.nbytes
    finally:
        tracemalloc.stop()
