"""What the loops can run on here: the processor, the GPUs, and what CUDA kernels need of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convlab import training
from convlab.bench.machine import machine
from convlab.errors import DeviceError
from convlab.kernels import cuda
from convlab.kernels.cuda import Compiled
from convlab.terminal import Block, Line


@dataclass(frozen=True)
class Devices:
    """The processor, the GPUs, why CUDA cannot be used, and its kernels if they were compiled."""

    cpu: str
    gpus: tuple[Any, ...]
    reason: str | None
    kernels: Sequence[Compiled] | None

    @classmethod
    def found(cls, compiled: bool = False) -> Devices:
        """Those of this machine; ``compiled``: all kernels are, which needs no GPU.

        Raises DeviceError without the packages for that.
        """
        cpu = machine().line()
        try:
            kernels = training.compile_cuda() if compiled else None
        except ImportError as error:
            raise DeviceError(
                "devices --compile: expected the packages of pip install 'convlab[cuda-compile]',"
                f" got none called {error.name}"
            ) from None
        return cls(cpu, tuple(cuda.devices()), cuda.why_not(), kernels)

    def record(self) -> dict[str, Any]:
        """All of it by name, for JSON."""
        compiled = {} if self.kernels is None else {"kernels": [k._asdict() for k in self.kernels]}
        gpus = [gpu._asdict() for gpu in self.gpus]
        return {"cpu": self.cpu, "cuda": gpus, "why_not_cuda": self.reason, **compiled}

    def lines(self) -> list[Line | Block]:
        """A line for each device, and a table of the kernels."""
        lines: list[Line | Block] = [
            f"cpu   {self.cpu}",
            *(f"cuda  {gpu.line()}" for gpu in self.gpus),
        ]
        if self.reason is not None:
            lines += [f"cuda  cannot be used: {self.reason}", f"      {cuda.INSTALL}"]
        return lines + (["", *training.compiled_lines(self.kernels)] if self.kernels else [])
