"""A kernel: the definition, the plain compiled loop, the one for the CPU, the one for CUDA."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np

from convlab.errors import DeviceError
from convlab.kernels import calls, cuda, memory

if TYPE_CHECKING:
    Array = np.ndarray  # a CudaArray has what is needed of arrays here, and counts as one
else:
    Array = np.ndarray | cuda.CudaArray

KERNELS: dict[str, Kernel] = {}


@dataclass(frozen=True)
class Kernel:
    """One operation on arrays, in up to three versions with the same arguments.

    ``reference`` is plain Python, slow and obvious; the others are tested against it.  ``plain`` is
    that loop compiled, to be read between it and ``cpu``; None where ``cpu`` is as simple.  Calling
    the kernel picks ``cpu`` or ``cuda`` by where the first array is.
    """

    name: str
    reference: Callable = field(repr=False)
    cpu: Callable = field(repr=False)
    cuda: Callable | None = field(default=None, repr=False)
    plain: Callable | None = field(default=None, repr=False)

    def __post_init__(self):
        KERNELS[self.name] = self

    def __call__(self, array, *arguments):
        if isinstance(array, np.ndarray):
            return self.cpu(array, *arguments)
        if self.cuda is None or not isinstance(array, cuda.CudaArray):
            raise DeviceError(
                f"{self.name}: expected a NumPy array, got {type(array).__name__};"
                " this kernel has no version for it"
            )
        return self.cuda(array, *arguments)


def contiguous(array: Array) -> Array:
    """The array itself if it is contiguous, else a contiguous copy."""
    if isinstance(array, np.ndarray):
        return memory.contiguous(array)
    return cuda.contiguous(array)


def has_gaps(array: Array) -> bool:
    """Whether the memory layout differs from what ``empty_like`` would give."""
    if isinstance(array, np.ndarray):
        return memory.has_gaps(array)
    return np.empty_like(array).strides != array.strides


def empty_like(array: Array) -> Array:
    """An array of the same shape and kind, and of the same memory order where that has no gaps."""
    return memory.empty_like(array) if isinstance(array, np.ndarray) else np.empty_like(array)


def device_of(array: Array) -> str:
    """Where an array is: cpu or cuda."""
    return "cpu" if isinstance(array, np.ndarray) else "cuda"


def empty_cache() -> None:
    """Give memory that is free, but kept for later results, back to the system and to the GPU.

    The counterpart of PyTorch's ``torch.cuda.empty_cache``.
    """
    calls.forget_all()
    memory.empty_cache()
    cuda.empty_cache()


def copied(array: Array) -> Array:
    """A copy with the same order in memory."""
    if type(array) is not np.ndarray or memory.has_gaps(array):
        return np.copy(array)
    out = memory.empty_like(array)
    out[...] = array
    return out


LARGEST_CONSTANT = 1 << 16  # bytes


def constant(array: Array, device: str) -> Array:
    """An array that is never written to, on ``device``; a small one is copied there once."""
    if device in ("cpu", device_of(array)) or array.nbytes > LARGEST_CONSTANT:
        return to_device(array, device)
    cuda.require()
    return cast("Array", cuda.constant(array))


def to_device(array: Array, device: str) -> Array:
    """The array itself if it is already there, else a copy on that device.

    Raises DeviceError where there is no such device.
    """
    if not isinstance(device, str) or device not in ("cpu", "cuda"):
        raise DeviceError(f"device: expected cpu or cuda, got {device!r:.40}")
    if device == device_of(array):
        return array
    if device == "cpu":
        return cast(cuda.CudaArray, array).numpy()
    cuda.require()
    return cast("Array", cuda.upload(array))
