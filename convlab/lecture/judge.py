"""Which explanation of a number is the best: a usual computation gives it, or a usual mistake.

Every way to compute a number has a cost: what its sentence says costs nothing, what must be taken
over from elsewhere or assumed costs something, a mistake costs more than all of that.  The number
is true if the cheapest explanation is a computation, false if it is a mistake in one that is surely
meant; if two explanations come close, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from convlab.lecture.layers import Layer, Volume, Wrong
from convlab.lecture.tokens import Number

TRUE, FALSE, UNKNOWN = "true", "false", "not understood"
MISTAKE, SLIP = 2.0, 2.6
"""What a usual mistake costs, and one of digits."""
SURE, COMPLETE = 0.55, 0.3
"""Up to which cost a computation is surely meant, and up to which it is so without a mistake."""
FAR = 1.05
"""From which cost on a computation explains nothing.

A wrong mark is worse than none: on notes of authors that no rule here had seen, half of the wrong
marks cost more than these, and one in twenty of the right ones.
"""


class Worked(NamedTuple):
    """What a picture can show of a computation: its kind, the layers, the input, a network."""

    kind: str
    layers: tuple[Layer, ...] = ()
    volume: Volume | None = None
    network: str = ""


@dataclass(frozen=True)
class Derivation:
    """A way to compute a number; ``shown``: its value as a text; ``wrong``: by usual mistakes.

    ``doubtful``: with these factors a slip of a digit says nothing.
    """

    value: int | Fraction
    relation: str
    cost: float
    wrong: tuple[Wrong, ...] = ()
    assumed: str = ""
    worked: Worked | None = None
    slips: bool = True


@dataclass(frozen=True)
class Explanation:
    """Why a number stands there; ``mistake`` empty: it is right."""

    cost: float
    right: bool
    derivation: Derivation
    mistake: str = ""


class Judged(NamedTuple):
    """The mark of a number with the computation that decides it."""

    mark: str
    derivation: Derivation | None = None
    mistake: str = ""


def agrees(computed: int | Fraction, said: Number, about: bool = False) -> bool:
    """Whether a number said is the computed one, rounded if it shows that it is."""
    if computed == said.value:
        return True
    right = Fraction(computed)
    apart = abs(right - said.value)
    zeros = Fraction(said.grain)
    while said.value and said.value % (10 * zeros) == 0:
        zeros *= 10
    shown = apart <= said.grain / 2 and said.grain != 1
    rounded = 2 * apart <= zeros and 20 * apart <= abs(right)
    if about:
        return shown or rounded or 33 * apart <= abs(right)
    if said.scaled or said.grain < 1:
        return shown or rounded or (said.scaled and 100 * apart <= abs(right))
    return rounded and zeros >= 10000


def explained(
    said: Number, derivations: Iterable[Derivation], about: bool = False
) -> list[Explanation]:
    """The explanations of a counted number."""
    made: list[Explanation] = []
    for one in derivations:
        if agrees(one.value, said, about):
            near = 0.0 if one.value == said.value or about or said.scaled or said.grain < 1 else 1.2
            if one.value != said.value and any(wrong.value == said.value for wrong in one.wrong):
                near += MISTAKE + 0.5  # it may be rounded, but is exactly what a mistake gives
            made.append(Explanation(one.cost + near, True, one))
            if near == 0.0 and one.value == said.value:
                continue
        rough = said.scaled or about or said.grain < 1
        made += [
            Explanation(one.cost + MISTAKE, False, one, wrong.words)
            for wrong in one.wrong
            if wrong.value != one.value
            and (wrong.value == said.value or rough and agrees(wrong.value, said, about))
        ]
        words = slip(said, one.value) if one.slips else ""
        if words and not agrees(one.value, said, about):
            made.append(Explanation(one.cost + SLIP, False, one, words))
    return made


def slip(said: Number, right: int | Fraction) -> str:
    """Words for a slip of digits that makes a number of the right one; empty if it is none."""
    value = said.value
    if right <= 0 or value <= 0:
        return ""
    for factor in (10, 100, 1000):
        for one in (Fraction(right) * factor, Fraction(right) / factor):
            scale = Number(value, said.grain, said.scaled or Fraction(right).denominator > 1)
            if (right >= 20 or scale.scaled or Fraction(right).denominator > 1) and (
                one == value
                or (scale.scaled or said.grain < 1)
                and agrees(one, scale)
                and value >= 10 * said.grain  # a single digit is soon the same
            ):
                return f"a factor of {factor:,}"
    if value.denominator == 1 and Fraction(right).denominator == 1:
        return "a slip of digits" if _slipped(str(int(value)), str(int(right))) else ""
    return ""


def _slipped(one: str, two: str) -> bool:
    """Whether two numbers differ in a digit, or in two neighbours that have changed places."""
    if len(one) != len(two) or len(one) < 3:
        return False
    apart = [n for n in range(len(one)) if one[n] != two[n]]
    first = apart[0] if apart else 0
    turned = apart == [first, first + 1] and one[first : first + 2] == two[first : first + 2][::-1]
    return len(apart) == 1 or turned


def judged(
    explanations: Sequence[Explanation],
    derivations: Sequence[tuple[float, object]],
) -> Judged:
    """The mark that explanations give; ``derivations``: the costs of all ways to compute."""
    right = min((one for one in explanations if one.right), key=lambda one: one.cost, default=None)
    wrong = min(
        (one for one in explanations if not one.right), key=lambda one: one.cost, default=None
    )
    if right is not None and right.cost < FAR and (wrong is None or right.cost <= wrong.cost):
        if wrong is not None and wrong.cost - right.cost < 0.25 and right.cost > 1.0:
            return Judged(UNKNOWN)
        return Judged(TRUE, right.derivation)
    clear = wrong is not None and (right is None or right.cost - wrong.cost > 0.25)
    if wrong is None or not clear or wrong.derivation.cost > SURE:
        return Judged(UNKNOWN)
    if _meant(wrong.derivation, derivations):
        return Judged(FALSE, wrong.derivation, wrong.mistake)
    return Judged(UNKNOWN)


def _meant(one: Derivation, derivations: Sequence[tuple[float, object]]) -> bool:
    """Whether a computation is among the nearest."""
    return one.cost <= min((cost for cost, _ in derivations), default=0.0) + 0.8


def unexplained(
    derivations: Sequence[tuple[float, Derivation]], said: Number | None = None, least: float = 0.33
) -> Judged:
    """False without a usual mistake: all that is needed is said, and nothing else comes near.

    ``least``: the smallest part of the right number that may still be meant for it.
    """
    if not derivations:
        return Judged(UNKNOWN)
    cost, best = min(derivations, key=lambda one: one[0])
    network = best.worked is not None and best.worked.kind == "network"
    rivals = [
        one
        for at, one in derivations
        if at <= cost + 0.5 and one.value != best.value and not network
    ]
    if (
        said is not None
        and best.value
        and not network
        and not least <= said.value / best.value <= 1 / least
    ):
        return Judged(UNKNOWN)  # too far off to be meant
    if cost <= COMPLETE and not rivals:
        return Judged(FALSE, best)
    return Judged(UNKNOWN)
