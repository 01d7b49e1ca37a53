"""``convlab render``: every idea of a CNN course as a picture."""

from __future__ import annotations

import click
from convlab_cli.lazy import LazyGroup


@click.group(
    "render",
    cls=LazyGroup,
    lazy={
        "image": ("convlab_cli.render.image", "The channels of an image, or its numbers."),
        "arithmetic": ("convlab_cli.render.arithmetic", "Convolution step by step, any shape."),
        "padding-modes": (
            "convlab_cli.render.padding_modes",
            "What stands in the padding.",
        ),
        "pooling": ("convlab_cli.render.pooling", "Pooling step by step."),
        "filters": ("convlab_cli.render.filters", "The weights of a convolution."),
        "features": ("convlab_cli.render.features", "What every layer makes of an image."),
        "weights": ("convlab_cli.render.weights", "How the weights of each layer are spread."),
        "embedding": (
            "convlab_cli.render.embedding",
            "Test images in a plane, alike ones together.",
        ),
        "receptive-field": (
            "convlab_cli.render.receptive_field",
            "Which input pixels one unit sees.",
        ),
        "field-growth": (
            "convlab_cli.render.field_growth",
            "The receptive field by depth, of several networks.",
        ),
        "architecture": (
            "convlab_cli.render.architecture",
            "A network as papers draw it.",
        ),
        "costs": (
            "convlab_cli.render.costs",
            "Parameters and multiply-adds of each layer.",
        ),
        "ladder": (
            "convlab_cli.render.ladder",
            "What each idea buys one convolution.",
        ),
        "equivariance": (
            "convlab_cli.render.equivariance",
            "Shift, then convolve, and the other way round.",
        ),
        "neighbours": (
            "convlab_cli.render.neighbours",
            "Pixels are alike where they are near.",
        ),
        "connections": (
            "convlab_cli.render.connections",
            "Dense, local and shared weights.",
        ),
        "connection-table": (
            "convlab_cli.render.connection_table",
            "Which maps each filter of a convolution reads.",
        ),
        "parameters": (
            "convlab_cli.render.parameters",
            "Dense layers against convolutions as images grow.",
        ),
        "saliency": (
            "convlab_cli.render.saliency",
            "Which pixels a class's score depends on.",
        ),
        "occlusion": (
            "convlab_cli.render.occlusion",
            "What covering a part of an image costs.",
        ),
        "grad-cam": (
            "convlab_cli.render.grad_cam",
            "Where a layer's maps speak for a class.",
        ),
        "maximise": (
            "convlab_cli.render.maximise",
            "Images made to excite the units of a layer.",
        ),
        "top-patches": (
            "convlab_cli.render.top_patches",
            "The patches that excite a layer's units most.",
        ),
        "activations": (
            "convlab_cli.render.activations",
            "ReLU, sigmoid, tanh and their gradients.",
        ),
        "curves": ("convlab_cli.render.curves", "Loss and accuracy by epoch."),
        "confusion": ("convlab_cli.render.confusion", "Which classes are taken for which."),
        "mistakes": ("convlab_cli.render.mistakes", "The test images that a network gets wrong."),
    },
)
def command():
    """Pictures for slides and papers; the suffix of -o decides the kind of file."""
