"""``convlab render``: every idea of a CNN course as a picture."""

from __future__ import annotations

import click
from convlab_cli.lazy import LazyGroup


@click.group(
    "render",
    cls=LazyGroup,
    package="convlab_cli.render",
    lazy={
        "image": "The channels of an image, or its numbers.",
        "flatten": "An image as a row of numbers.",
        "arithmetic": "Convolution step by step, any shape.",
        "padding-modes": "What is in the padding.",
        "usage": "How often each pixel is read.",
        "pooling": "Pooling step by step.",
        "filters": "The weights of a convolution.",
        "features": "What every layer makes of an image.",
        "weights": "How the weights of each layer are distributed.",
        "embedding": "Test images in a plane, similar ones together.",
        "receptive-field": "Which input pixels one unit sees.",
        "field-growth": "The receptive field by depth, of several networks.",
        "architecture": "A network as papers draw it.",
        "costs": "Parameters and multiply-adds of each layer.",
        "ladder": "What each idea gains for one convolution.",
        "equivariance": "Shift, then convolve, and the other way round.",
        "neighbours": "Nearby pixels are alike.",
        "connections": "Dense, local and shared weights.",
        "connection-table": "Which maps each filter of a convolution reads.",
        "parameters": "Dense layers against convolutions as images grow.",
        "saliency": "Which pixels a class's score depends on.",
        "occlusion": "What covering a part of an image costs.",
        "grad-cam": "Where a layer's maps support a class.",
        "maximise": "Images made to excite the units of a layer.",
        "top-patches": "The patches that excite a layer's units most.",
        "activations": "ReLU, sigmoid, tanh and their gradients.",
        "curves": "Loss and accuracy by epoch.",
        "confusion": "Which classes are mistaken for which.",
        "mistakes": "The test images that a network gets wrong.",
    },
)
def command():
    """Pictures for slides and papers; the suffix of -o decides the kind of file."""
