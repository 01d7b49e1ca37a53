"""convlab: a laboratory for convolutional networks.

Loops that one can read, compiled; a small autograd; every picture computed.
"""

from convlab import arithmetic, functional, nn, optim
from convlab.autograd import Function, Tensor, gradcheck, no_grad
from convlab.errors import ConvlabError
from convlab.kernels.device import get_num_threads, set_num_threads
from convlab.random import manual_seed

__version__ = "0.1.0"

__all__ = [
    "ConvlabError",
    "Function",
    "Tensor",
    "arithmetic",
    "functional",
    "get_num_threads",
    "gradcheck",
    "manual_seed",
    "nn",
    "no_grad",
    "optim",
    "set_num_threads",
]
