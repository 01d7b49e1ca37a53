"""Convolution of signals, before there are images."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab import viz
from convlab.checks import one_of
from convlab.errors import SpecError
from convlab.lessons import signals
from convlab.lessons.signals import Signal, Slid
from convlab.numerals import ALMOST, MINUS, bracketed, exact, number, read
from convlab.pictures.picture import Picture, said
from convlab.words import joined, t

SHOWN = ("sliding", "three")
_FRAMES = 32  # of an animation of functions
_FPS, _TURNING, _SLIDING = 30, 45, 240  # of a film, and its frames


def convolution_1d(
    f: str | Sequence[float] = "box",
    g: str | Sequence[float] = "ramp",
    *,
    show: str = "sliding",
    at: float | None = None,
    reach: float | None = None,
) -> Picture:
    """Convolution in one dimension: g is turned, slid over f, and their product is added up.

    ``f``, ``g``: lists of numbers; or names (box, triangle, ramp, gaussian, decay, step, and as
    g impulse) and formulas in t, such as "exp(-t^2)".  Of numbers it is Σ f[k] g[n − k]; of
    functions ∫ f(τ) g(t − τ) dτ by the midpoint rule; both by the engine's convolution.
    ``show``: sliding; or three: convolution, cross-correlation and autocorrelation side by side,
    and what exchanging f and g changes.  ``at``: how far g is slid, by default until the result is
    half its largest; ``reach``: functions are drawn from minus this to this.  As an animation, g
    slides.  Raises SpecError for what cannot be read or does not fit together.
    """
    one_of(show, "show", SHOWN)
    if reach is not None and not 0.01 <= reach <= 1000:
        raise SpecError(f"reach: expected a number from 0.01 to 1000, got {reach}")
    first, second = signals.signal(f, "f"), signals.signal(g, "g")
    grid, f_samples, g_samples, most = signals.grids(first, second, reach)
    operations = [_Convolution(t("convolution"), first, second)]
    found = [signals.convolved(grid, f_samples, g_samples, most)]
    if show == "three":
        operations += [_Correlation(t("cross-correlation"), first, second)]
        operations += [_Autocorrelation(t("autocorrelation"), first, first)]
        found += [signals.correlated(grid, f_samples, g_samples, most)]
        found += [signals.correlated(grid, f_samples, f_samples, most)]
    title = t("Convolution of two signals")
    if show == "three":
        title = t("Convolution, cross-correlation, autocorrelation")
    scene = _Scene(title, _subtitle(first, second, found[0]), operations, found, show == "three")
    chosen = [_moment(one, at) for one in found]
    facts = scene.facts(chosen)
    by_name = dict(zip((operation.name for operation in operations), found, strict=True))
    return Picture(
        title,
        f"{title}. {scene.subtitle}. {said(dict(facts))}.",
        partial(scene.figure, chosen),
        scene.figures,
        film=None if scene.whole else scene.film,
        parameters={"show": show, "step": grid.step},
        inputs={"f": f_samples.values, "g": g_samples.values},
        result={
            "at": [n * grid.step for n in chosen],
            "places": grid.places(-most, 2 * most + 1, of_result=True),
            **{name: {"values": o.result, "exchanged": o.exchanged} for name, o in by_name.items()},
        },
        facts=dict(facts),
    )


def _subtitle(f: Signal, g: Signal, slid: Slid) -> str:
    """What f and g are, and where they are cut off if they are not yet zero there."""
    said = [one.words.replace("-", MINUS) if "-" in one.words else one.words for one in (f, g)]
    texts = [joined([name, words], " = ") for name, words in zip("fg", said, strict=True)]
    ends = [abs(end) for one in (slid.fixed, slid.slid) for end in one.values[[0, -1]]]
    largest = max(float(np.abs(one.values).max()) for one in (slid.fixed, slid.slid))
    if slid.grid.middle and not g.is_impulse and max(ends) > 1e-3 * largest:
        end = len(slid.fixed.values) / 2 * slid.grid.step
        texts.append(t("both 0 beyond ±{number}", number(end)))
    return joined(texts, "; ")


def _moment(slid: Slid, at: float | None) -> int:
    """How many steps the second signal is slid: ``at``, or until half of the largest result."""
    if at is None:
        # Of functions only every twentieth place: a round number.
        places = np.arange(-slid.most, slid.most + 1)[:: 20 if slid.grid.middle else 1]
        sizes = np.abs(slid.result[places + slid.most])
        first = int(np.argmax(sizes >= sizes.max() / 2))
        return int(places[first]) if first else 0  # what is large from the start begins nowhere
    most, steps = slid.most * slid.grid.step, at / slid.grid.step
    if not abs(at) <= most or (not slid.grid.middle and steps != round(steps)):
        kind = "a number" if slid.grid.middle else "a whole number"
        raise SpecError(f"at: expected {kind} from {number(-most)} to {number(most)}, got {at}")
    return round(steps)


@dataclass(frozen=True)
class _Convolution:
    """The words of an operation on two signals."""

    name: str
    f: Signal
    g: Signal
    symbols = "f ∗ g", "g ∗ f"
    order = "g", "t − τ"

    @property
    def variables(self) -> tuple[str, str]:
        return ("k", "n") if self.f.values is not None else ("τ", "t")

    def applied(self, name: str, variable: str) -> str:
        """f(τ) of a function, f[k] of numbers."""
        inside = variable.replace("τ", "k").replace("t", "n")
        return f"{name}[{inside}]" if self.f.values is not None else f"{name}({variable})"

    @property
    def slid(self) -> str:
        return self.applied(*self.order)

    @property
    def formula(self) -> str:
        """(f ∗ g)(t) = ∫ f(τ) g(t − τ) dτ, or the sum."""
        head, f = self.applied(f"({self.symbols[0]})", "t"), self.applied("f", "τ")
        if self.f.values is not None:
            return f"{head} = Σ {f} {self.slid}"
        return f"{head} = ∫ {f} {self.slid} dτ"

    def compared(self, one: Slid) -> str:
        """What exchanging the signals changes, and whether turning the result makes up for it."""
        other = self.symbols[1]
        if _alike(one, one.difference):
            kind = t("rounding") if one.difference else t("largest difference")
            difference = number(one.difference).replace(" ", "\u00a0")  # stays on one line
            return t("{other} is the same: {kind} {difference}", other, kind, difference)
        mirrored = number(one.mirrored_difference)
        return t(
            "{other}: up to {number} apart; mirrored: {mirrored}",
            *(other, number(one.difference), mirrored),
        )


class _Correlation(_Convolution):
    symbols = "f ⋆ g", "g ⋆ f"
    order = "g", "τ − t"


class _Autocorrelation(_Correlation):
    symbols = "f ⋆ f", ""
    order = "f", "τ − t"

    def compared(self, one: Slid) -> str:
        largest = number(float(one.result[one.most]))
        mirrored = number(one.mirrored_difference)
        return t(
            "largest at {variables} = 0: {largest}; mirrored differs by {mirrored}",
            *(self.variables[1], largest, mirrored),
        )


def _time(n: int, one: Slid) -> str:
    """How far a signal is slid, exactly."""
    return number(round(n * one.grid.step, 9), 9)


def _value(n: int, one: Slid) -> str:
    """The result there; of numbers with as many digits as one adds up by hand."""
    value = float(one.result[n + one.most])
    return number(value) if one.grid.middle else exact([value], 6).marked()[0]


def _alike(one: Slid, difference: float) -> bool:
    return difference <= 1e-9 * float(np.abs(one.result).max())


@dataclass(frozen=True, eq=False)
class _Scene:
    """What is shown: one operation and its result so far, or several and their whole results."""

    title: str
    subtitle: str
    operations: Sequence[_Convolution]
    found: Sequence[Slid]
    whole: bool

    def facts(self, places: Sequence[int]) -> list[tuple[str, str]]:
        """What is said below, or of several operations beside each."""
        if self.whole:
            pairs = zip(self.operations, self.found, strict=True)
            return [(operation.name, operation.compared(one)) for operation, one in pairs]
        operation, one, n = self.operations[0], self.found[0], places[0]
        moment = t("at {variables} = {time}", operation.variables[1], _time(n, one))
        if one.grid.middle:
            steps = t(", in steps of {number}", number(one.grid.step))
            value = t("the area of the product is {value}", _value(n, one))
        else:
            steps, value = "", _sum_text(operation.f, operation.g, n, one)
        return [
            (t("result"), t("{formula}{steps}", operation.formula, steps)),
            (moment, value),
            (t("exchanged"), operation.compared(one)),
        ]

    def figure(self, places: Sequence[int], every: Any = None, **look: Any) -> Figure:
        """The signals slid to ``places``, drawn so that those slid to ``every`` fit too."""
        every = every or [[n] for n in places]
        drawn = [self._drawn(at, n, every[at]) for at, n in enumerate(places)]
        return self._figure(drawn, [] if self.whole else self.facts(places), **look)

    def _figure(
        self, drawn: list[viz.SlidSignals], facts: list[tuple[str, str]], **look: Any
    ) -> Figure:
        return viz.convolution_1d(
            drawn,
            stems=not self.found[0].grid.middle,
            facts=facts,
            title=self.title,
            subtitle=self.subtitle,
            **look,
        )

    def film(self, **look: Any) -> viz.Film:
        """g turns where it is, glides to its start, and slides; what comes out grows."""
        return viz.Film(self._frames(look), _FPS)

    def _frames(self, look: dict[str, Any]) -> Iterator[NDArray]:
        one = self.found[0]
        reached = np.flatnonzero(np.abs(one.result) > 1e-3 * np.abs(one.result).max()) - one.most
        first, last = int(reached[0]), int(reached[-1])
        track = [first, 0, last]

        def still(n: int, turned: float | None = None) -> NDArray:
            shown = self._drawn(0, n, track)
            if turned is not None:
                shown = self._before(shown, turned)
            # Words of other widths at each moment would jump.
            return viz.pixels_of(self._figure([shown], self.facts([n])[:1], **look))

        opening = still(0, 1.0)
        yield from [opening] * _FPS
        if one.grid.middle:
            share = [viz.ease(at / (_TURNING - 1)) for at in range(_TURNING)]
            yield from (still(0, 1 - 2 * at) for at in share)
        stride = 1 if one.grid.middle else _FPS // 2  # numbers stay at whole places
        ways = ((0, first, _TURNING, -1.0), (first, last, _SLIDING, None))
        for start, end, count, turned in ways:
            if not one.grid.middle:
                count = stride * (abs(end - start) + 1)
            places = [round(start + (end - start) * at / (count - 1)) for at in range(count)]
            for n, same in itertools.groupby(places):
                shown = still(n, turned)
                yield from (shown for _ in same)
        yield from (shown for _ in range(2 * _FPS))

    def _before(self, shown: viz.SlidSignals, turned: float) -> viz.SlidSignals:
        """Before anything is multiplied: g from as it is, 1, to turned, -1."""
        names = shown.names
        if turned > -1:
            wide = turned if abs(turned) > 0.02 else 0.02
            # What is slid is turned already, so that its mirror image is g.
            slid = np.interp(-shown.taus / wide, shown.taus, np.nan_to_num(shown.slid), 0.0, 0.0)
            shown = replace(shown, slid=slid)
            names = (names[0], self.operations[0].applied("g", "τ"), *names[2:])
        empty = np.full_like(shown.product, np.nan)
        result = np.full_like(shown.result, np.nan)
        named = (*names[:2], t("product"), self.operations[0].symbols[0], "")
        return replace(shown, product=empty, result=result, names=named)

    def figures(self, **look: Any) -> Iterable[Figure]:
        """From where a quarter of the largest result has come out, so that the first shows some."""
        tracks = []
        for one in self.found:
            sizes = np.abs(one.result)
            least = 0.25 * sizes.max() if one.grid.middle else 0.0
            first = int(np.argmax(sizes > least)) - one.most
            last = one.most - int(np.argmax(sizes[::-1] > 0.1 * least))
            stride = max(1, round((last - first) / _FRAMES)) if one.grid.middle else 1
            tracks.append([*range(-(-first // stride) * stride, last + 1, stride)])
        for step in range(max(map(len, tracks))):
            yield self.figure([t[min(step, len(t) - 1)] for t in tracks], tracks, **look)

    def _drawn(self, at: int, n: int, every: Sequence[int]) -> viz.SlidSignals:
        operation, one = self.operations[at], self.found[at]
        grid, most = one.grid, one.most
        low, count = (-most, 2 * most) if grid.middle else _view(operation, self.whole)
        fixed = one.fixed.part(low, count)
        moving = [one.slid.part(low - k, count) for k in every]
        result = one.result[low + most : low + most + count + grid.middle]
        now = float(one.result[n + most])
        slid = one.slid.part(low - n, count)
        product = fixed * slid
        ranges = _range(fixed, *moving, *(fixed * part for part in moving)), _range(result)
        if operation.g.is_impulse and at < 2:
            alone = np.arange(count) == min(max(n - low, 0), count - 1)
            slid, product = np.where(alone, 1.0, np.nan), np.where(alone, now, np.nan)
            ranges = _range(fixed, np.ones(1), result), _range(result)
        elif not grid.middle:
            # Only numbers that there are: the lists have ends.
            fixed = np.where(_inside(one.fixed, low, count), fixed, np.nan)
            slid = np.where(_inside(one.slid, low - n, count), slid, np.nan)
        ts = grid.places(low, len(result), of_result=True)
        other = np.full(len(ts), np.nan)
        if not self.whole:
            result = np.where(np.arange(low, low + len(result)) <= n, result, np.nan)
        elif operation.symbols[1]:
            other = one.exchanged[low + most : low + most + len(ts)]
        return viz.SlidSignals(
            operation.name if self.whole else "",
            (operation.formula, operation.compared(one)) if self.whole else ("", ""),
            self._names(operation, n),
            operation.variables,
            n * grid.step,
            grid.places(low, count),
            fixed,
            slid,
            product,
            ts,
            result,
            other,
            ranges,
        )

    def _names(self, operation: _Convolution, n: int) -> tuple[str, str, str, str, str]:
        """What the curves are called; of one operation also how large what is shown is."""
        result, other = operation.symbols
        if self.whole:
            return "f", operation.slid, t("product"), result, other
        one = self.found[0]
        product = t(
            "product, area {value}" if one.grid.middle else "product, sum {value}", _value(n, one)
        )
        until = t(
            "{result} until {variables} = {time}", result, operation.variables[1], _time(n, one)
        )
        return (
            operation.applied("f", "τ"),
            t("{slid}, turned", operation.slid),
            product,
            until,
            "",
        )


def _view(operation: _Convolution, whole: bool) -> tuple[int, int]:
    """The first place shown of two lists, and how many; only ``whole`` results begin early."""
    assert operation.f.values is not None and operation.g.values is not None, "they are lists"
    f, g = len(operation.f.values), len(operation.g.values)
    low = 1 - (max(f, g) if whole else g)
    return low, f + g - 1 - low


def _inside(samples: signals.Samples, low: int, count: int) -> NDArray:
    places = np.arange(low, low + count) - samples.start
    return (places >= 0) & (places < len(samples.values))


def _range(*parts: NDArray) -> tuple[float, float]:
    """From the lowest to the highest number, and 0; some room if all are 0."""
    numbers = np.concatenate([np.zeros(1), *parts])
    low, high = float(numbers.min()), float(numbers.max())
    return (low, high) if high > low else (0.0, 1.0)


def _sum_text(f: Signal, g: Signal, n: int, one: Slid) -> str:
    """The sum at a place in the loop's order: 1·3 + 2·2 = 7."""
    assert f.values is not None and g.values is not None, "they are lists"
    pairs = [
        (exact(f.values[k]).marked()[0], exact(g.values[n - k]).marked()[0])
        for k in range(len(f.values))
        if 0 <= n - k < len(g.values)
    ]
    text = _value(n, one).removeprefix(ALMOST)
    if not pairs:
        return t("nothing overlaps: {text}", text)
    total = sum(read(a) * read(b) for a, b in pairs)
    right = read(text) == total and not any(ALMOST in a + b for a, b in pairs)
    terms = " + ".join(f"{bracketed(a)}·{bracketed(b)}" for a, b in pairs)
    return f"{terms} {'=' if right else ALMOST} {text}"
