"""Activation functions and their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from convlab import lessons, viz
from convlab.errors import SpecError
from convlab.pictures.picture import Picture
from convlab.words import t


def activations(
    functions: Sequence[str] = ("relu", "sigmoid", "tanh"), reach: float = 6.0
) -> Picture:
    """Activation functions, and below them the gradients given by their backward pass.

    ``functions``: among relu, sigmoid, tanh and scaled-tanh, the squashing function of 1998's
    LeNet-5; the curves go from minus ``reach`` to ``reach``.  Raises SpecError for others.
    """
    if not functions:
        raise SpecError(f"functions: expected some of {', '.join(lessons.ACTIVATIONS)}, got none")
    names = tuple(dict.fromkeys(functions))
    curves = [lessons.activation_curve(name, reach) for name in names]
    title = t("Activation functions and their gradients")
    notes = "; ".join(f"{curve.name}: gradient {', '.join(curve.notes)}" for curve in curves)
    return Picture(
        title,
        f"{title}. {notes}.",
        partial(
            viz.activations,
            curves,
            title=title,
            subtitle=t("gradient: what a change of x changes in the output"),
        ),
        parameters={"functions": names, "reach": reach},
        inputs={"x": curves[0].x},
        result={
            curve.name: {"output": curve.output, "gradient": curve.gradient} for curve in curves
        },
    )
