"""Gradient descent on a loss of two weights."""

from __future__ import annotations

import os
from functools import partial

import numpy as np

from convlab import viz
from convlab.checks import number as number_within
from convlab.checks import whole
from convlab.errors import ShapeError, SpecError
from convlab.lessons.descent import Descent, TwoWeightFit, two_weight_fit
from convlab.numerals import ALMOST, number
from convlab.pictures import sources
from convlab.pictures.picture import Picture, said
from convlab.training import ImageLike
from convlab.words import t

KERNEL = (-1.0, 1.0)  # what is to be learned: the difference of neighbours, an edge
START = (1.0, -0.4)
REACH = ((-4.0, 2.0), (-1.2, 3.2))  # of the two weights, with room for a descent that diverges
GRID = 121, 89
MOST_STEPS = 200
_USUAL, _BEYOND = 0.7, 1.03  # of the largest stable rate
_ROLES = "output", "mistake", "window"


def descent(
    image: ImageLike = "china",
    row: int | None = None,
    *,
    rate: float | None = None,
    momentum: float = 0.6,
    steps: int = 30,
    data: str = "digits",
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """Gradient descent fits a kernel of two weights to the differences along a row of pixels.

    The loss J of both weights as contours, and on it the steps with ``rate``, with a rate just
    above the largest stable one, 2/λmax (LeCun, Bottou, Orr & Müller 1998, section 5), and with
    ``momentum`` too; below, the loss by step.  ``image``: pixels, a picture's file, "-", a
    photograph (china, flower), or test:N of ``data``; ``row``: by default the middle one; ``rate``:
    by default 0.7 of the largest stable one.  Raises DataError for an image that does not exist or
    a row of equal pixels, ShapeError for a row outside it, SpecError for other settings.
    """
    _check(rate, momentum, steps)
    pixels, name = sources.image_bytes(image, data, data_dir)
    row = pixels.shape[1] // 2 if row is None else row
    if not 0 <= row < pixels.shape[1]:
        raise ShapeError(f"row: expected 0 to {pixels.shape[1] - 1} of {name}, got {row}")
    fit = two_weight_fit(pixels[:, row].mean(axis=0), KERNEL)
    curvature = fit.curvature()
    stable = 2 / float(np.linalg.eigvalsh(curvature)[-1])
    rate = _rounded(_USUAL * stable) if rate is None else rate
    start = np.array(START)
    large = _rounded(_BEYOND * stable, 3)
    chosen = [(rate, 0.0), (large, 0.0), *([(rate, momentum)] if momentum else [])]
    found = [fit.descend(start, a, b, steps) for a, b in chosen]
    title = t("Gradient descent minimises J")
    subtitle = t(
        "1 × 2 weights learn the differences along row {row} of {name}; J is the mean of (output"
        " − target)²",
        *(row, name),
    )
    facts = _facts(stable, curvature, momentum)
    surface = _surface(fit)
    names = [_names(one, stable) for one in found]
    notes = [_notes(one) for one in found]
    ends = {name: note for (name, _), (note, _) in zip(names, notes, strict=True)}
    return Picture(
        title,
        f"{title}: {subtitle}. {said(ends)}; {said(dict(facts))}.",
        partial(
            viz.descent,
            surface,
            REACH,
            [
                viz.DescentPath(name, note, role, one.weights, one.losses)
                for name, note, role, one in zip(names, notes, _ROLES, found, strict=False)
            ],
            KERNEL,
            facts=facts,
            title=title,
            subtitle=subtitle,
        ),
        parameters={"row": row, "rate": rate, "momentum": momentum, "steps": steps, "start": START},
        inputs={"signal": fit.signal, "target": fit.target},
        weights={"target kernel": KERNEL},
        result={
            "curvature": curvature,
            "largest stable rate": stable,
            "surface": surface,
            "reach": REACH,
            "descents": [
                {"rate": d.rate, "momentum": d.momentum, "weights": d.weights, "losses": d.losses}
                for d in found
            ],
        },
        facts=dict(facts),
    )


def _facts(stable: float, curvature: np.ndarray, momentum: float) -> list[tuple[str, str]]:
    """The largest stable rates, and how the curvatures of both directions compare."""
    (shallow, steep), (_, steepest) = (part.T.tolist() for part in np.linalg.eigh(curvature))
    limit = t("2/λmax {is_}; λmax {is_2} is the largest curvature of J", _is(stable), _is(steep))
    if momentum:
        most = t("2(1 + {number})/λmax {is_}", number(momentum), _is((1 + momentum) * stable))
        limit += t("; with momentum {number}: {most}", number(momentum), most)
    valley = t("λmin = 0: along one direction J does not change; the ring is one of the minima")
    if shallow > 1e-9 * steep:
        # The sum of both weights is what counts most where neighbours have the same sign.
        alike = steep > 2 * shallow and steepest[0] * steepest[1] > 0
        reason = t(", since neighbouring pixels are alike") if alike else ""
        valley = t("λmax/λmin {is_}{reason}; the ring is the minimum", _is(steep / shallow), reason)
    return [(t("largest stable rate"), limit), (t("curvatures"), valley)]


def _check(rate: float | None, momentum: float, steps: int) -> None:
    if rate is not None:
        wanted = "a number above 0 and at most 1,000,000"
        number_within(rate, "rate", np.nextafter(0, 1), 1e6, wanted)
    if not 0 <= momentum < 1:
        raise SpecError(f"momentum: expected a number from 0 to below 1, got {momentum}")
    whole(steps, "steps", 1, MOST_STEPS, SpecError)


def _rounded(value: float, digits: int = 2) -> float:
    return float(f"{value:.{digits}g}")


def _surface(fit: TwoWeightFit) -> np.ndarray:
    """J on a grid over REACH, row by row, the second weight from its highest down."""
    first, second = (np.linspace(*ends, count) for ends, count in zip(REACH, GRID, strict=True))
    rows = [np.stack([first, np.full(len(first), w)], axis=1) for w in second[::-1]]
    return np.stack([fit.losses(weights) for weights in rows])


def _is(value: float) -> str:
    text, space = number(value), "\u00a0"  # one that no line ends at
    sign, text = (ALMOST, text[1:]) if text.startswith(ALMOST) else ("=", text)
    return f"{sign}{space}{text}"


def _names(one: Descent, stable: float) -> tuple[str, str]:
    """What a descent is called, and shorter."""
    rate, momentum = (
        t("rate {number}", number(one.rate)),
        t("momentum {number}", number(one.momentum)),
    )
    large = t(": too large") if one.rate > (1 + one.momentum) * stable else ""
    if one.momentum:
        return t("{rate}, {momentum}{large}", rate, momentum, large), momentum
    return t("{rate}{large}", rate, large), rate


def _notes(one: Descent) -> tuple[str, str]:
    """The loss at the end, and shorter."""
    last = t("J {is_}", _is(float(one.losses[-1])))
    return t("{last} after {n} step", last, one.steps, several="{last} after {n} steps"), last
