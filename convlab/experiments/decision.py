"""What a difference between trials says about a statement: a paired test, its interval, Holm."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convlab.errors import SpecError
from convlab.numerals import MINUS
from convlab.spread import Spread

CONFIDENCE = 0.95
"""Of the intervals; a claim's statements are called different in error in at most 5 % of cases."""

MORE, NO_LESS, ALIKE = "more", "no less", "alike"
DIFFERENCE, RATIO = "difference", "ratio"
NOTHING = 2.0**-24
"""Half the spacing of float32 at 1: a ratio takes smaller figures, such as a loss of 0, as this."""


@dataclass(frozen=True)
class Statement:
    """One part of a claim, and the smallest effect that counts for it.

    text: a clause, such as "LeNet-5 is more accurate than the dense network".  first, second:
    the two figures by seed, paired; one of them may be a single number, which is known.
    expected: MORE (first exceeds second by what counts), NO_LESS (does not fall short of it by
    what counts) or ALIKE.  least: the smallest effect that counts, a difference in the figures'
    unit, or, for ``scale`` RATIO, a factor above 1.  unit: % (for shares of 1) or number.
    """

    text: str
    first: Spread
    second: Spread
    least: float
    expected: str = MORE
    scale: str = DIFFERENCE
    unit: str = "%"

    @property
    def effects(self) -> list[float]:
        """first − second by seed, or the logarithm of their ratio.

        Raises SpecError if they cannot be paired, or a ratio is one of numbers below 0.
        """
        one, two = (tuple(map(float, spread.values)) for spread in (self.first, self.second))
        count = max(len(one), len(two))
        if not {len(one), len(two)} <= {1, count}:
            raise SpecError(
                f"{self.text}: expected as many values of both, got {len(one)} and {len(two)}"
            )
        pairs = list(zip(one * (count // len(one)), two * (count // len(two)), strict=True))
        if self.scale == DIFFERENCE:
            return [a - b for a, b in pairs]
        if any(a < 0 or b < 0 for a, b in pairs):
            raise SpecError(f"{self.text}: expected no numbers below 0 for a ratio")
        return [math.log(max(a, NOTHING) / max(b, NOTHING)) for a, b in pairs]

    @property
    def counts(self) -> float:
        """The smallest effect that counts, on the scale of ``effects``."""
        return self.least if self.scale == DIFFERENCE else math.log(self.least)


@dataclass(frozen=True)
class Finding:
    """What was found about a statement.

    ``effect`` is the mean over the seeds, ``low`` to ``high`` its 95 % interval (Student's t on
    the pairs), ``p`` is Holm's adjusted p value among the statements of the claim.  ``sign`` is 1
    or -1 if the two differ by more than chance explains and by what counts; ``alike`` is true if
    the interval holds only effects that do not count.
    """

    statement: Statement
    effect: float
    low: float
    high: float
    p: float

    @property
    def sign(self) -> int:
        if self.p > 1 - CONFIDENCE or abs(self.effect) < self.statement.counts:
            return 0
        return 1 if self.effect > 0 else -1

    @property
    def alike(self) -> bool:
        counts = self.statement.counts
        return -counts < self.low and self.high < counts

    @property
    def holds(self) -> bool | None:
        """Whether the statement holds; None: undecided."""
        expected = self.statement.expected
        if expected == ALIKE:
            return False if self.sign else self.alike or None
        if self.sign < 0:
            return False
        if expected == NO_LESS:
            return self.low > -self.statement.counts or None
        return True if self.sign else (False if self.alike else None)

    def texts(self) -> dict[str, str]:
        """The effect, its interval and what counts, written in the statement's unit."""
        write = self._written
        ends = f"{write(self.low)} to {write(self.high)}" if math.isfinite(self.low) else "none"
        return {
            "effect": write(self.effect) + self._end,
            "interval": ends,
            "least": write(self.statement.counts).lstrip("+") + self._end
            if self.statement.counts
            else "any",
        }

    @property
    def _end(self) -> str:
        if self.statement.scale == RATIO:
            return " times"
        return " points" if self.statement.unit == "%" else ""

    def _written(self, value: float) -> str:
        if self.statement.scale == RATIO:
            ratio = math.exp(value)
            return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"
        if self.statement.unit == "%":
            return f"{100 * value:+.2f}".replace("-", MINUS)
        return f"{value:+.3g}".replace("-", MINUS)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, for JSON; without an interval its ends are None."""
        said, finite = self.statement, math.isfinite(self.low)
        return {
            "statement": said.text,
            "expected": said.expected,
            "scale": said.scale,
            "unit": said.unit,
            "least": said.least,
            "effect": self.effect,
            "low": self.low if finite else None,
            "high": self.high if finite else None,
            "p": self.p,
            "holds": self.holds,
        }


def decide(statements: Sequence[Statement]) -> tuple[Finding, ...]:
    """What was found about each of a claim's statements.

    Each is a paired t test (Student 1908), two-sided; the p values of all are adjusted together
    (Holm 1979), so that the chance of calling any of them different where none is stays at 5 %.
    A single pair decides nothing; pairs that all differ alike decide without a test.
    """
    effects = [statement.effects for statement in statements]
    tested = [_tested(values) for values in effects]
    adjusted = _holm([p for _, _, p in tested])
    return tuple(
        Finding(statement, statistics.fmean(values), low, high, p)
        for statement, values, (low, high, _), p in zip(
            statements, effects, tested, adjusted, strict=True
        )
    )


def _tested(effects: Sequence[float]) -> tuple[float, float, float]:
    """(low, high, p) of the mean effect."""
    from scipy.special import stdtr, stdtrit

    count, mean = len(effects), statistics.fmean(effects)
    if count < 2:
        return -math.inf, math.inf, 1.0
    error = statistics.stdev(effects) / math.sqrt(count)
    if error <= 1e-9 * abs(mean):  # all alike, but for rounding
        return mean, mean, 0.0 if mean else 1.0
    wide = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * error
    return mean - wide, mean + wide, 2 * float(stdtr(count - 1, -abs(mean) / error))


def interval_of(values: Sequence[float]) -> tuple[float, float]:
    """The ends of the mean's 95 % interval (Student's t); infinite for a single value."""
    return _tested(values)[:2]


def _holm(values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values, in the order given."""
    adjusted, highest = [0.0] * len(values), 0.0
    for rank, at in enumerate(sorted(range(len(values)), key=lambda at: values[at])):
        highest = max(highest, min(1.0, (len(values) - rank) * values[at]))
        adjusted[at] = highest
    return adjusted
