"""The same figure from several seeds: its mean, and how far apart the seeds are."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convlab.numerals import MINUS


@dataclass(frozen=True)
class Spread:
    """The same figure from several seeds; shares of 1 for percentages.

    ``deviation`` is the standard deviation over the seeds (divided by one less than their number),
    0 for a single value.  The mean of no values is NaN.
    """

    values: tuple[float, ...]

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]], key: str) -> Spread:
        """The figure ``key`` of several records."""
        return cls(tuple(float(record[key]) for record in records))

    @classmethod
    def finite(cls, values: Iterable[float]) -> Spread:
        """The spread of the finite values."""
        return cls(tuple(float(value) for value in values if math.isfinite(value)))

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values) if self.values else math.nan

    @property
    def deviation(self) -> float:
        return statistics.stdev(self.values) if len(self.values) > 1 else 0.0

    @property
    def ends(self) -> tuple[float, float]:
        """Mean − deviation and mean + deviation."""
        return self.mean - self.deviation, self.mean + self.deviation

    def text(self, unit: str = "number") -> str:
        """Mean ± standard deviation: 97.2 ± 0.3 %; the mean alone for a single value.

        ``unit``: % (for shares of 1), number or seconds.
        """
        if not self.values:
            return "–"
        if unit == "%":
            places = 2 if 0 < self.deviation < 0.0005 else 1  # never ± 0.0 for a spread
            spread = f" ± {100 * self.deviation:.{places}f}" if len(self.values) > 1 else ""
            return f"{100 * self.mean:.{places}f}{spread} %".replace("-", MINUS)
        places = _places(self.deviation or self.mean)
        end = " s" if unit == "seconds" else ""
        spread = f" ± {self.deviation:.{places}f}" if len(self.values) > 1 else ""
        return f"{self.mean:.{places}f}{spread}{end}".replace("-", MINUS)


def _places(value: float) -> int:
    """The number of decimals that show two significant digits."""
    if not value or not math.isfinite(value):
        return 2
    return min(6, max(0, 1 - math.floor(math.log10(abs(value)))))
