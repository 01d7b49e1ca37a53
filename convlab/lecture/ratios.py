"""How many times, which part and how many per cent of another count a number is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, permutations
from typing import NamedTuple

from convlab.lecture.equations import in_channels
from convlab.lecture.judge import UNKNOWN, Derivation, Explanation, Judged, explained, judged
from convlab.lecture.layers import Wrong
from convlab.lecture.mentions import Mention
from convlab.lecture.scene import Scene

_LESS = re.compile(
    r"^\W*(?:per ?cent )?(?:fewer|less|lighter|smaller|cheaper|saved|saving|reduction"
    r"|of (?:the|all) .*(?:saved|gone|thrown|discard|lost|drop|vanish|disappear))"
)
_SAVES = re.compile(
    r"\b(?:sav(?:es?|ed|ing)|lighter by|reduc\w+ (?:\w+ ){0,3}by|smaller by|less by|drops? by"
    r"|shrinks? by|throw\w* away|discard\w*|los(?:es?|ing|t)|wast\w+|drop\w*)\b[^.;]{0,25}$"
)
_OF = re.compile(r"^\W*(?:per ?cent )?(?:of (?:the|its|what|all)|as (?:many|much)|more)\b")


class Pair(NamedTuple):
    """Two counts that may be compared; ``side``: their ratio along one side only."""

    above: int
    below: int
    cost: float
    shown: str = ""
    side: Fraction | None = None


def ratio(scene: Scene, one: Mention) -> Judged:
    """The mark of a number that compares two counts."""
    lower, said = scene.here.lower, one.number
    behind, before = lower[one.end :][:60], lower[: one.start][-40:]
    fewer = _LESS.search(behind) or _SAVES.search(before)
    percent = one.role == "percent"
    if percent and not fewer and not _OF.search(behind):
        return Judged(UNKNOWN)
    derivations: list[Derivation] = []
    for pair in _pairs(scene):
        share = Fraction(pair.above, pair.below)
        shown = f"{pair.shown or f'{pair.above:,} / {pair.below:,}'} ≈ {float(share):.3g}"
        if percent:
            value, other = (1 - share, share) if fewer else (share, 1 - share)
            words = "what remains, not what is saved" if fewer else "what is saved"
            tens = [Wrong("a factor of 10", value * by) for by in (10, 1000)]
            wrong = (Wrong(words, other * 100), *tens)
            derivations.append(Derivation(value * 100, shown, pair.cost, wrong, slips=False))
        elif (share > 1) is (said.value > 1):
            wrong = (Wrong("along one side only", pair.side),) if pair.side else ()
            derivations.append(Derivation(share, shown, pair.cost, wrong, slips=False))
    about = one.about or said.value < 1
    if about or said.grain == 1:
        said = replace(said, scaled=True, grain=max(said.grain, said.value / 16))
    apart = max(one.number.grain * Fraction(6, 10), said.value / 30 if about else Fraction(0))
    explanations = [
        made
        for made in explained(said, derivations)
        if any(abs(target - said.value) <= apart for target in _targets(made))
    ]
    return judged(explanations, [(made.cost, made) for made in derivations])


def _targets(made: Explanation) -> list[Fraction]:
    if made.right:
        return [Fraction(made.derivation.value)]
    return [Fraction(one.value) for one in made.derivation.wrong if one.words == made.mistake]


def _pairs(scene: Scene) -> Iterator[Pair]:
    """Pairs of counts that may be compared, each in both orders."""
    sums = _sums(scene)
    for (one, cost), (two, far) in permutations(sums, 2):
        yield Pair(sum(one), sum(two), cost + far, f"{_plus(one)} / {_plus(two)}")
    for made in (*_layers(scene, sums), *_volumes(scene), *_others(scene)):
        if made.above > 0 and made.below > 0:
            yield made
            yield Pair(made.below, made.above, made.cost, "", 1 / made.side if made.side else None)


def _sums(scene: Scene) -> list[tuple[tuple[int, ...], float]]:
    """The counts before, and sums of two of them, with what it costs to mean them."""
    past: dict[int, float] = {}
    for rank, value in enumerate(scene.counted()[:7]):
        past.setdefault(value, 0.1 + 0.1 * rank)
    sums: list[tuple[tuple[int, ...], float]] = [((value,), cost) for value, cost in past.items()]
    for (one, cost), (two, far) in combinations(past.items(), 2):
        sums.append(((one, two), cost + far + 0.1))
    return sums


def _layers(scene: Scene, sums: list[tuple[tuple[int, ...], float]]) -> Iterator[Pair]:
    """The weights of a layer of this part beside counts before it; kernels beside each other."""
    for frame in scene.here.frames:
        depth = frame.layer.inputs or frame.layer.filters
        if frame.layer.kind == "conv" and depth:
            filters = frame.layer.filters or depth
            factors = replace(frame.layer, inputs=depth, filters=filters).weights()
            whole = math.prod(factors or ()) * frame.layer.times if factors else 0
            for two, far in sums:
                yield Pair(whole, sum(two), 0.1 + far)
    kernels = [
        math.prod(frame.layer.kernel) * frame.layer.times
        for heard in scene.parts[-4:]
        for frame in heard.frames
        if frame.layer.kernel and frame.layer.weighted
    ][:8]
    for above, below in combinations(kernels, 2):
        yield Pair(above, below, 0.9)


def _volumes(scene: Scene) -> Iterator[Pair]:
    """What comes out of a layer beside what goes in."""
    earlier = [frame for heard in scene.parts[-3:-1] for frame in heard.frames][-1:]
    held = [one.volume for one in scene.here.volumes]
    held += [one.volume for _, heard in scene.back() for one in reversed(heard.volumes)]
    for frame in scene.here.frames or earlier:
        volume = frame.fed or next(iter(held), None)
        if volume is None or not volume.sides or not frame.layer.windowed:
            continue
        out = frame.layer.out(volume)
        if out is not None:
            yield Pair(out.values, volume.values, 0.1, "", Fraction(out.sides[0], volume.sides[0]))


def _others(scene: Scene) -> Iterator[Pair]:
    """Counts for C channels, and groups."""
    relative = [value for heard in scene.parts[-2:] for value in in_channels(heard.text)]
    for above, below in combinations(relative, 2):
        yield Pair(above, below, 0.15)
    groups = [
        frame.layer.groups or 0
        for heard in scene.parts[-5:]
        for frame in heard.frames
        if (frame.layer.groups or 0) > 1
    ]
    for count in groups[-2:]:
        yield Pair(1, count, 0.3)


def _plus(terms: Sequence[int]) -> str:
    shown = " + ".join(f"{one:,}" for one in terms)
    return f"({shown})" if len(terms) > 1 else shown
