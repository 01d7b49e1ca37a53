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
        "receptive-field": (
            "convlab_cli.render.receptive_field",
            "Which input pixels one unit sees.",
        ),
        "connections": (
            "convlab_cli.render.connections",
            "Dense, local and shared weights.",
        ),
        "parameters": (
            "convlab_cli.render.parameters",
            "Dense layers against convolutions as images grow.",
        ),
        "curves": ("convlab_cli.render.curves", "Loss and accuracy by epoch."),
        "confusion": ("convlab_cli.render.confusion", "Which classes are taken for which."),
    },
)
def command():
    """Pictures for slides and papers; the suffix of -o decides the kind of file."""
