"""A kernel is a triple: the loop that is obvious, the one for the CPU, the one for CUDA."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from convlab.errors import DeviceError

KERNELS: dict[str, Kernel] = {}


@dataclass(frozen=True)
class Kernel:
    """One operation on arrays, in up to three versions with the same arguments.

    ``reference`` is plain Python, slow and obvious; it judges the other two.
    Calling the kernel picks the version by where the first array lives.
    """

    name: str
    reference: Callable = field(repr=False)
    cpu: Callable = field(repr=False)
    cuda: Callable | None = field(default=None, repr=False)

    def __post_init__(self):
        KERNELS[self.name] = self

    def __call__(self, array, *arguments):
        if isinstance(array, np.ndarray):
            return self.cpu(array, *arguments)
        if self.cuda is None:
            raise DeviceError(
                f"{self.name}: expected a NumPy array, got {type(array).__name__};"
                " this kernel has no version for other devices"
            )
        return self.cuda(array, *arguments)
