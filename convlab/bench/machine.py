"""The machine that the measurements ran on, and the most it can do."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from convlab.bench.measure import Timing, alternate
from convlab.kernels import cuda, device, peak
from convlab.words import t

# Share of the cores that others may use before measurements are worth a warning.
BUSY = 0.1


@dataclass(frozen=True)
class Machine:
    """What a reader of the figures needs to know; ``vector_bits`` is what the loops use."""

    processor: str
    cores: int
    threads: int
    vector_bits: int
    threading_layer: str
    system: str
    versions: dict[str, str]

    def line(self) -> str:
        """All that a picture says about the machine."""
        return t(
            "{processor}, {threads} of {cores} cores, {bits}-bit vectors, threads by {layer}",
            *(self.processor, self.threads, self.cores, self.vector_bits, self.threading_layer),
        )

    def lines(self) -> list[str]:
        """All that a text says about it."""
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return [self.line(), f"{self.system}, {versions}"]


def machine() -> Machine:
    """This machine, with the current number of threads."""
    versions = {"python": platform.python_version()}
    for package in ("numba", "numpy", "scipy", "torch"):
        if found := version(package):
            versions[package] = found
    return Machine(
        _processor(),
        psutil.cpu_count() or 1,
        device.get_num_threads(),
        peak.vector_bits(),
        device.threading_layer(),
        f"{platform.system()} {platform.machine()}",
        versions,
    )


def version(package: str) -> str | None:
    """The version of an installed package, or None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def other_name() -> str:
    """What convolutions are compared with."""
    if found := version("torch"):
        return f"PyTorch {found.partition('+')[0]}"
    return f"NumPy {np.__version__} im2col"


def gpu_name() -> str:
    """The measured GPU, in words.  Raises DeviceError if there is none."""
    cuda.require()
    gpu = cuda.devices()[0]
    return f"{gpu.name}, compute capability {gpu.capability}, driver for CUDA {gpu.driver}"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2] for line in text.splitlines() if line.startswith("model name")]
    return " ".join(names[0].split()) if names else platform.machine()


def busy_share(seconds: float = 0.5) -> float:
    """Share of all cores that other programs use, watched for some seconds: 0 to 1."""
    return psutil.cpu_percent(interval=seconds) / 100


def busy_text() -> str | None:
    """A warning if other programs are using this machine."""
    busy = busy_share()
    if busy <= BUSY:
        return None
    return (
        f"other programs use {busy:.0%} of this machine: the times will be longer and less reliable"
    )


class Roof(NamedTuple):
    """The most that a loop can reach: FLOP/s in registers, bytes/s from memory."""

    flops: float
    bandwidth: float

    def line(self) -> str:
        """Both, in words."""
        return (
            f"peak of multiply-adds {self.flops / 1e9:.0f} GF/s, memory"
            f" {self.bandwidth / 1e9:.0f} GB/s"
        )


_numbers = np.zeros((64, peak.RUN), np.float32)
_TURNS = 16
MULTIPLY_ADDS = 2 * peak.CHAIN * _TURNS * _numbers.size  # FLOP of one call of the next


def multiply_adds() -> None:
    """Multiply and add in registers only, with the threads that are set."""
    factors = tuple(np.float32(i / 16) for i in range(4))
    peak.multiply_add(_numbers, _TURNS, factors, np.float32(0.25))


_MOVED = 1 << 24  # numbers in each of three arrays that no cache can hold


def roof_tasks() -> list[Callable[[], None]]:
    """What to time for ``roof_of``: multiply-adds in registers, x + 3 y in memory."""
    large = [np.ones(_MOVED, np.float32) for _ in range(3)]
    return [multiply_adds, lambda: peak.scale_add(*large)]


def roof_of(compute: Timing, move: Timing) -> Roof:
    """The roof from the times of both tasks."""
    return Roof(MULTIPLY_ADDS / compute.low, 3 * 4 * _MOVED / move.low)


def roof(rounds: int = 7) -> Roof:
    """Measure both with the current threads, as the roof of roofline pictures.

    A fused multiply-add counts as two FLOP.  The bytes are those of x + 3 y on arrays
    that no cache can hold, counted as in STREAM (McCalpin 1995).
    """
    compute, move = alternate(roof_tasks(), rounds)
    return roof_of(compute, move)
