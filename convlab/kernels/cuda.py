"""CUDA as the kernels and the rest of the package use it; each part has its own file."""

from convlab.kernels import cuda_numpy, cuda_reduce  # noqa: F401  what NumPy's functions are
from convlab.kernels.cuda_array import (
    CudaArray,
    Run,
    constant,
    contiguous,
    empty,
    on_device,
    table,
    upload,
    zeros,
)
from convlab.kernels.cuda_compile import Compiled, CompileOnly
from convlab.kernels.cuda_launch import (
    INSTALL,
    KERNELS,
    SIMULATED,
    THREADS,
    CudaKernel,
    DeviceInfo,
    OutOfMemoryError,
    chosen,
    devices,
    empty_cache,
    kernel,
    require,
    seconds,
    why_not,
)
from convlab.kernels.cuda_pointwise import POINTWISE, Pointwise

__all__ = [
    "INSTALL",
    "KERNELS",
    "POINTWISE",
    "SIMULATED",
    "THREADS",
    "Compiled",
    "CompileOnly",
    "CudaArray",
    "CudaKernel",
    "DeviceInfo",
    "OutOfMemoryError",
    "Pointwise",
    "Run",
    "chosen",
    "constant",
    "contiguous",
    "devices",
    "empty",
    "empty_cache",
    "kernel",
    "on_device",
    "require",
    "seconds",
    "table",
    "upload",
    "why_not",
    "zeros",
]
