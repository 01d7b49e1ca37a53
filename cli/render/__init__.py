"""``convlab render``: every idea of a CNN course as a picture."""

from __future__ import annotations

import click
from convlab_cli.lazy import LazyGroup


@click.group(
    "render",
    cls=LazyGroup,
    lazy={
        "arithmetic": ("convlab_cli.render.arithmetic", "Convolution step by step, any shape."),
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
        "architecture": (
            "convlab_cli.render.architecture",
            "A network as papers draw it.",
        ),
        "equivariance": (
            "convlab_cli.render.equivariance",
            "Shift, then convolve, and the other way round.",
        ),
        "connections": (
            "convlab_cli.render.connections",
            "Dense, local and shared weights.",
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
        "curves": ("convlab_cli.render.curves", "Loss and accuracy by epoch."),
        "confusion": ("convlab_cli.render.confusion", "Which classes are taken for which."),
    },
)
def command():
    """Pictures for slides and papers; the suffix of -o decides the kind of file."""
