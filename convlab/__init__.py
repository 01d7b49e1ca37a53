"""convlab: a laboratory for convolutional networks.

Loops that one can read, compiled; a small autograd; every picture computed.
"""

from convlab import functional, nn, optim
from convlab.errors import ConvlabError
from convlab.kernels.device import get_num_threads, set_num_threads
from convlab.kernels.dispatch import empty_cache
from convlab.random import manual_seed
from convlab.tape import Function, gradcheck, no_grad
from convlab.tensors import Tensor, arange, ones, randn, tensor, zeros

__version__ = "0.1.0"

__all__ = [
    "ConvlabError",
    "Function",
    "Tensor",
    "arange",
    "empty_cache",
    "functional",
    "get_num_threads",
    "gradcheck",
    "manual_seed",
    "nn",
    "no_grad",
    "ones",
    "optim",
    "randn",
    "set_num_threads",
    "tensor",
    "zeros",
]
