"""convlab: a laboratory for convolutional networks.

Readable loops, compiled; a small autograd; every picture computed.
"""

import importlib
from typing import TYPE_CHECKING, Any

from convlab import functional, nn, optim
from convlab.errors import ConvlabError
from convlab.kernels.device import get_num_threads, set_num_threads
from convlab.kernels.dispatch import empty_cache
from convlab.random import manual_seed
from convlab.tape import Function, gradcheck, no_grad
from convlab.tensors import Tensor, arange, ones, randn, tensor, zeros

if TYPE_CHECKING:
    from convlab import (
        data,
        experiments,
        insight,
        lecture,
        lessons,
        models,
        pictures,
        tasks,
        training,
    )
    from convlab.interface import load, page, train

__version__ = "0.1.0"

_ROOMS = (
    *("data", "experiments", "insight", "lecture", "lessons", "models", "pictures", "tasks"),
    "training",
)
_INTERFACE = ("load", "page", "train")
"""What is loaded on first use, so that ``import convlab`` alone stays fast."""

__all__ = [
    "ConvlabError",
    "Function",
    "Tensor",
    "arange",
    "data",
    "empty_cache",
    "experiments",
    "functional",
    "get_num_threads",
    "gradcheck",
    "insight",
    "lecture",
    "lessons",
    "load",
    "manual_seed",
    "models",
    "nn",
    "no_grad",
    "ones",
    "optim",
    "page",
    "pictures",
    "randn",
    "set_num_threads",
    "tasks",
    "tensor",
    "train",
    "training",
    "zeros",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"convlab.{name}")
    if name in _INTERFACE:
        return getattr(importlib.import_module("convlab.interface"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
