"""Every launch compiled and assembled but not run: what kernels need, without any GPU."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import NamedTuple

import numba
import numpy as np
from numba import cuda

from convlab.kernels.cuda_launch import BACKENDS, CudaKernel


class Compiled(NamedTuple):
    """A kernel as the assembler made it; ``kinds`` are those of its arguments."""

    name: str
    kinds: str
    compute_capability: tuple[int, int]
    registers: int  # of a thread
    spilled: int  # bytes spilled for lack of registers
    stack: int  # bytes of arrays that are not in registers


class CompileOnly:
    """Stands in for a GPU that is not there: each launch is compiled and assembled, but not run.

    ``kernels`` collects the results, one for each kernel, kinds of arguments and compute
    capability.  Numbers on such a device mean nothing.
    """

    def __init__(self, compute_capabilities: Sequence[tuple[int, int]]):
        self.compute_capabilities = tuple(compute_capabilities)
        self.kernels: dict[tuple, Compiled] = {}

    def __enter__(self) -> CompileOnly:
        BACKENDS.append(self)
        return self

    def __exit__(self, *error) -> None:
        BACKENDS.remove(self)

    def allocate(self, count, dtype):
        return np.zeros(count, dtype)

    def release(self, memory, count, dtype):
        pass

    def upload(self, array, memory):
        memory[: array.size] = array

    def download(self, memory, start, count):
        return memory[start : start + count].copy()

    def launch(self, kernel, blocks, threads, arguments):
        kinds = tuple(numba.typeof(argument) for argument in arguments)
        for capability in self.compute_capabilities:
            key = kernel.name, kinds, capability
            if key not in self.kernels:
                self.kernels[key] = _assemble(kernel, kinds, capability)


def _assemble(kernel: CudaKernel, kinds: tuple, capability: tuple[int, int]) -> Compiled:
    from cuda.core import Linker, LinkerOptions, ObjectCode
    from numba.cuda import dispatcher

    # Functions that kernels call are compiled for the current device, and here there is none.
    before = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=capability)
    try:
        text, _ = cuda.compile_ptx(kernel.function, kinds, cc=capability)
    finally:
        dispatcher.get_current_device = before
    options = LinkerOptions(
        arch=f"sm_{capability[0]}{capability[1]}", ptxas_options=["-v"], link_time_optimization=None
    )
    linker = Linker(ObjectCode.from_ptx(text.encode()), options=options)
    linker.link("cubin")
    log = linker.get_info_log()

    def number(pattern: str) -> int:
        found = re.search(pattern, log)
        return int(found[1]) if found else 0

    return Compiled(
        kernel.name,
        ", ".join(map(str, kinds)),
        capability,
        number(r"Used (\d+) registers"),
        number(r"(\d+) bytes spill stores"),
        number(r"(\d+) bytes stack frame"),
    )
