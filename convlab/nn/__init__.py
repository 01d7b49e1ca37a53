"""Layers and networks, with PyTorch's names, arguments and parameter shapes.

Each layer provides what figures, tables and pages need to know; see ``Module`` and ``Family``.
"""

from convlab.nn.activations import Activation, ReLU, ScaledTanh, Sigmoid, Softmax, Tanh
from convlab.nn.convolution import Conv2d
from convlab.nn.dense import Linear
from convlab.nn.families import (
    PASSES_ON,
    Family,
    One,
    Pooled,
    Products,
    Reads,
    Share,
    Squares,
    Taps,
    Window,
)
from convlab.nn.initial import INITIALISATIONS, initial_weight
from convlab.nn.joins import Add, Concat, Join
from convlab.nn.lenet_1998 import EuclideanRBF, Subsample2d, TableConv2d
from convlab.nn.module import LAYERS, Field, Module, Parameter, register
from convlab.nn.pooling import (
    AdaptiveAvgPool2d,
    AdaptiveMaxPool2d,
    AvgPool2d,
    MaxPool2d,
    Pooling,
)
from convlab.nn.reshape import Dropout, Flatten
from convlab.nn.sequential import Sequential
from convlab.nn.transposed import ConvTranspose2d

__all__ = [
    "INITIALISATIONS",
    "LAYERS",
    "PASSES_ON",
    "Activation",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "Add",
    "AvgPool2d",
    "Concat",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "EuclideanRBF",
    "Family",
    "Field",
    "Flatten",
    "Join",
    "Linear",
    "MaxPool2d",
    "Module",
    "One",
    "Parameter",
    "Pooled",
    "Pooling",
    "Products",
    "ReLU",
    "Reads",
    "ScaledTanh",
    "Sequential",
    "Share",
    "Sigmoid",
    "Softmax",
    "Squares",
    "Subsample2d",
    "TableConv2d",
    "Tanh",
    "Taps",
    "Window",
    "initial_weight",
    "register",
]
