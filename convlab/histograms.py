"""How the numbers of an array are distributed: a summary, and the bars of a histogram."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convlab.numerals import number
from convlab.words import t

NEAR_ZERO = 1e-3  # weights of smaller magnitude hardly change an output


@dataclass(frozen=True)
class WeightNumbers:
    """Summary of the weights of one layer; those that are not finite are only counted.

    ``deviation`` is the standard deviation (of the population), ``near_zero`` the share of 1
    that is below 0.001 in magnitude.
    """

    count: int
    mean: float
    deviation: float
    near_zero: float
    not_finite: int

    @classmethod
    def of(cls, weights: ArrayLike) -> WeightNumbers:
        """The summary of weights of any shape; NaN if none is finite."""
        values = np.asarray(weights, dtype=float).ravel()
        finite = values[np.isfinite(values)]
        if not finite.size:
            nan = math.nan
            return cls(len(values), nan, nan, nan, len(values))
        return cls(
            len(values),
            float(finite.mean()),
            float(finite.std()),
            float((np.abs(finite) < NEAR_ZERO).mean()),
            len(values) - finite.size,
        )

    @property
    def texts(self) -> dict[str, str]:
        """What a table says about them, by column."""
        near = f"{100 * self.near_zero:.2f} %" if math.isfinite(self.near_zero) else "NaN"
        return {
            "weights": f"{self.count:,}",
            "mean": number(self.mean),
            "std. dev.": number(self.deviation),
            "|w| < 0.001": near,
        }


def changes(by_epoch: Mapping[int, ArrayLike]) -> list[str]:
    """How the summary of the weights changed from the first to the last epoch, in words."""
    first, last = (WeightNumbers.of(by_epoch[at]).texts for at in (min(by_epoch), max(by_epoch)))
    words = {"mean": t("mean"), "std. dev.": t("std. dev."), "|w| < 0.001": "|w| < 0.001:"}
    return [
        t("{said} {first} → {last}", said, first[word], last[word]) for word, said in words.items()
    ]


def round_limit(arrays: Iterable[NDArray]) -> float:
    """The largest finite magnitude, rounded up to two digits: where an axis ends."""
    finite = [np.abs(array[np.isfinite(array)]).max(initial=0.0) for array in arrays]
    largest = float(max(finite)) or 1.0
    step = 10.0 ** (math.floor(math.log10(largest)) - 1)
    return math.ceil(largest / step - 1e-9) * step


def shares_of(values: NDArray, limit: float, bins: int) -> NDArray:
    """The share of the finite values in each of ``bins`` equal intervals from -limit to limit."""
    finite = values[np.isfinite(values)]
    counts, _ = np.histogram(finite, bins, (-limit, limit))
    return counts / max(1, finite.size)


def bins_of(values: NDArray, limit: float) -> int:
    """How many intervals between the limits suit so many values.

    After Scott 1979, "On optimal and data-based histograms"; an odd number, so that 0 is in the
    middle of one.
    """
    found = WeightNumbers.of(values)
    width = 3.5 * found.deviation / found.count ** (1 / 3)
    return 2 * max(5, min(120, round(limit / width) if width > 0 else 0)) + 1


def shown_limit(values: Sequence[NDArray]) -> float:
    """The largest magnitude of several maps; for large maps a percentile that most stay within."""
    largest = max(float(max(abs(v.min()), abs(v.max()))) for v in values)
    if max(v.size for v in values) <= 4096:
        return largest or 1.0
    # A million values are enough to estimate a percentile well.
    some = np.concatenate([np.abs(v.ravel()[:: max(1, v.size // 1_000_000)]) for v in values])
    shown = float(f"{np.percentile(some, 99):.2g}")
    return shown if 0 < shown < largest else largest or 1.0
