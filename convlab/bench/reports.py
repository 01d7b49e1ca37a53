"""Reports on measurements: line by line while they are taken, then as a whole."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from convlab import models
from convlab.bench import networks
from convlab.bench.answers import AnswersRow, answer_row, measure_answers
from convlab.bench.convolutions import (
    KernelRow,
    Layer,
    measure_kernels,
    measure_kernels_on_cuda,
)
from convlab.bench.machine import Machine, Roof, gpu_name, machine, other_name, roof
from convlab.bench.measure import Timing
from convlab.bench.scaling import Curve, measure_scaling
from convlab.bench.start import measure_start
from convlab.bench.titles import kernel_words, scaling_title, training_title
from convlab.bench.training import TrainingRow, measure_training
from convlab.terminal import Block, Line, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Report:
    """What is measured: ``lines`` measures, then ``to_dict`` has all of it and ``figure`` draws it.

    ``on_cpu``: whether it depends on what else this machine is doing.
    """

    title = ""
    on_cpu = True
    machine: Machine

    def lines(self) -> Iterator[Line | Block]:
        """Measure, and yield each line of text as soon as its content is known."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """All that was measured as plain values, for JSON."""
        raise NotImplementedError

    @property
    def description(self) -> str:
        """What the figure shows, in words."""
        raise NotImplementedError

    def figure(self, *, theme: str = "light", size: str = "slide") -> Figure:
        """What was measured, as ``viz`` draws it."""
        raise NotImplementedError

    def content(self, suffix: str, *, command: str | None = None, **look: str) -> bytes:
        """The bytes of the figure's file; ``command``: the one that makes it, for its metadata."""
        from convlab.viz import figure_bytes

        words = {"title": self.title, "description": self.description}
        return figure_bytes(self.figure(**look), suffix, command=command, **words)

    def _begin(self) -> Iterator[Line | Block]:
        self.machine = machine()
        yield from self.machine.lines()


def _speeds(*cells: str) -> Table:
    """A row of the table of convolutions, or its head; each stands when it is measured."""
    return Table([cells], {2, 3, 4}, (4, 3, 1), (19, 18, 8, 6, 7, 28))


class KernelsReport(Report):
    """Convolutions, see ``measure_kernels``."""

    title = "Speed of convolutions"

    def __init__(self, layers: Sequence[Layer], rounds: int = 7):
        self.layers, self.rounds = layers, rounds
        self.rows: list[KernelRow] = []
        self.roof: Roof

    def lines(self) -> Iterator[Line | Block]:
        yield from self._begin()
        self.roof = roof()
        yield f"{self.roof.line()}\n"
        yield _speeds("layer", "", "ms", "GF/s", "of peak", "other")
        for row in measure_kernels(self.layers, self.rounds):
            self.rows.append(row)
            yield _speeds(
                row.layer.name,
                row.gradient,
                f"{row.ours.median * 1e3:.2f}",
                f"{row.speed / 1e9:.1f}",
                f"{row.speed / self.roof.flops:.0%}",
                row.others_text(2),
            )
        least = min(self.ratios)
        slowest = self.rows[self.ratios.index(least)]
        yield (
            f"\nspeed over {self.other}: geometric mean {self.mean:.2f}, slowest"
            f" {least:.2f} ({slowest.layer.name}, {slowest.gradient})"
        )

    @property
    def other(self) -> str:
        """What ours is compared with."""
        return next(iter(self.rows[0].others))

    @property
    def ratios(self) -> list[float]:
        """Our speed over theirs, of each row: on a CPU something always stands beside ours."""
        return [row.ratio for row in self.rows if row.ratio is not None]

    @property
    def mean(self) -> float:
        """The geometric mean of the ratios."""
        return statistics.geometric_mean(self.ratios)

    def to_dict(self) -> dict[str, Any]:
        return {
            "machine": asdict(self.machine),
            "peak_flops": self.roof.flops,
            "bandwidth": self.roof.bandwidth,
            "other": self.other,
            "geometric_mean": self.mean,
            "rows": [
                {"share_of_peak": row.speed / self.roof.flops, **row.to_dict()} for row in self.rows
            ],
        }

    @property
    def description(self) -> str:
        times = f"{self.mean:.2f} times that of {self.other}"
        return f"Speed of {len(self.rows)} convolutions: {times}."

    def figure(self, *, theme: str = "light", size: str = "slide") -> Figure:
        from convlab import viz

        points = [
            viz.KernelPoint(
                row.layer.name,
                row.gradient,
                row.layer.flops / row.layer.bytes,
                row.speed,
                row.speed / ratio,
            )
            for row, ratio in zip(self.rows, self.ratios, strict=True)
        ]
        words = kernel_words(points, self.roof, self.other, self.machine.line())
        words |= {"size": size, "theme": theme}
        return viz.kernel_speed(
            points,
            self.roof.flops,
            bandwidth=self.roof.bandwidth,
            other=self.other,
            **words,
        )


class KernelsOnCudaReport(Report):
    """Convolutions on a GPU, see ``measure_kernels_on_cuda``; no figure."""

    on_cpu = False

    def __init__(self, layers: Sequence[Layer], rounds: int = 7):
        self.layers, self.rounds, self.gpu = layers, rounds, gpu_name()
        self.rows: list[KernelRow] = []

    def lines(self) -> Iterator[Line | Block]:
        yield f"{self.gpu}\n"
        yield _speeds("layer", "", "ms", "GF/s", "batch", "other")
        for row in measure_kernels_on_cuda(self.layers, self.rounds):
            self.rows.append(row)
            yield _speeds(
                row.layer.name,
                row.gradient,
                f"{row.ours.median * 1e3:.3f}",
                f"{row.speed / 1e9:.0f}",
                f"{row.layer.batch}",
                row.others_text(3),
            )
        ratios = [row.ratio for row in self.rows if row.ratio is not None]
        if ratios:
            other, mean = next(iter(self.rows[0].others)), statistics.geometric_mean(ratios)
            yield f"\nspeed over {other}: geometric mean {mean:.2f}, slowest {min(ratios):.2f}"

    def to_dict(self) -> dict[str, Any]:
        return {"gpu": self.gpu, "rows": [row.to_dict() for row in self.rows]}


class TrainingReport(Report):
    """A network as users train it, see ``measure_training``.

    ``images`` per epoch come from ``images_for``; ``threads``: by default 1 and all, on a GPU all;
    ``batches``: by default 64 and 256, on a GPU 64 and 1024. Raises DeviceError if ``device`` is
    cuda and there is no GPU.
    """

    title = "Speed of training"

    def __init__(
        self,
        network: models.Network,
        images: int = 60_000,
        data_dir: str | os.PathLike | None = None,
        *,
        threads: Sequence[int] = (),
        batches: Sequence[int] = (),
        rounds: int = 3,
        device: str = "cpu",
    ):
        self.network, self.images, self.rounds, self.device = network, images, rounds, device
        self.gpu = gpu_name() if device == "cuda" else None
        self.threads, self.batches = threads, batches or ((64, 1024) if self.gpu else (64, 256))
        self.data, self.arrays = networks.images_for(network, images, data_dir)
        self.rows: list[TrainingRow] = []

    def lines(self) -> Iterator[Line | Block]:
        yield from self._begin()
        beside = (
            "seconds, and ours over PyTorch's"
            if networks.compared(self.device)
            else "seconds; with PyTorch installed, its own stand beside them"
        )
        on = f"on {self.gpu}; " if self.gpu else ""
        yield f"{on}{self.network.name}, {self.images:,} images of {self.data}; {beside}\n"
        every = self.machine.threads
        for threads in self.threads or ([every] if self.gpu else sorted({1, every})):
            for row in measure_training(
                self.network, self.arrays, threads, self.batches, self.rounds, self.device
            ):
                self.rows.append(row)
                yield row.line()

    def to_dict(self) -> dict[str, Any]:
        return {
            "machine": asdict(self.machine),
            "gpu": self.gpu,
            "model": self.network.name,
            "data": self.data,
            "rows": [row.to_dict() for row in self.rows],
        }

    @property
    def description(self) -> str:
        return "; ".join(f"{row.on_threads}: {row.ours.median:.2f} s" for row in self.rows)

    def figure(self, *, theme: str = "light", size: str = "slide") -> Figure:
        from convlab import viz

        bars = [
            viz.TrainingBar(row.on_threads, *row.ours, *(row.other or (None, None, None)))
            for row in self.rows
        ]
        return viz.training_speed(
            bars,
            other=other_name(),
            subtitle=f"{self.network.name}; {self.machine.line()}",
            title=training_title(bars, other_name()),
            size=size,
            theme=theme,
        )


class AnswersReport(Report):
    """Answers of networks, see ``measure_answers``, by default with 1 and with all threads."""

    def __init__(
        self,
        compared: Sequence[models.Network],
        batches: Sequence[int] = (1, 32),
        threads: Sequence[int] = (),
        rounds: int = 7,
    ):
        self.compared, self.batches, self.rounds = compared, batches, rounds
        self.threads, self.rows = threads, list[AnswersRow]()

    def lines(self) -> Iterator[Line | Block]:
        yield from self._begin()
        yield f"batches of {networks.RANDOM}\n"
        other = ("PyTorch ms", "ratio", "differ", "") if networks.compared() else ()
        yield answer_row("network", "threads", "batch", "ms", "images/s", *other)
        for network in self.compared:
            for threads in self.threads or sorted({1, self.machine.threads}):
                for row in measure_answers(network, threads, self.batches, self.rounds):
                    self.rows.append(row)
                    yield row.line()

    def to_dict(self) -> dict[str, Any]:
        return {
            "machine": asdict(self.machine),
            "data": networks.RANDOM,
            "rows": [row.to_dict() for row in self.rows],
        }


class StartReport(Report):
    """How long one has to wait, see ``measure_start``; no figure."""

    def __init__(self, rounds: int = 5):
        self.rounds = rounds
        self.timings: dict[str, Timing] = {}

    def lines(self) -> Iterator[Line | Block]:
        yield from self._begin()
        self.timings = measure_start(self.rounds)
        for name, timing in self.timings.items():
            yield f"{name:32} {timing.spread()} s"

    def to_dict(self) -> dict[str, Any]:
        seconds = {name: timing._asdict() for name, timing in self.timings.items()}
        return {"machine": asdict(self.machine), "seconds": seconds}


class ScalingReport(Report):
    """Time against size, see ``measure_scaling``."""

    title = "Speed against size"

    def __init__(self, rounds: int = 5):
        self.rounds = rounds
        self.curves: list[Curve] = []

    def lines(self) -> Iterator[Line | Block]:
        yield from self._begin()
        for curve in measure_scaling(self.rounds):
            self.curves.append(curve)
            yield from curve.lines()

    def to_dict(self) -> dict[str, Any]:
        curves = [curve.to_dict() for curve in self.curves]
        return {"machine": asdict(self.machine), "curves": curves}

    @property
    def description(self) -> str:
        axes = ", ".join(curve.axis for curve in self.curves)
        return f"Speed of a 3 × 3 convolution against {axes}"

    def figure(self, *, theme: str = "light", size: str = "slide") -> Figure:
        from convlab import viz

        curves = [
            viz.ScalingCurve(
                curve.axis, curve.values, tuple(t.median for t in curve.timings), curve.flops
            )
            for curve in self.curves
        ]
        return viz.scaling(
            curves,
            subtitle=self.machine.line(),
            title=scaling_title(curves),
            size=size,
            theme=theme,
        )
