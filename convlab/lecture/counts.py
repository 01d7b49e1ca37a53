"""Counts of the part heard last: weights, multiplications, values, bytes, and their ratios."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product

from convlab.lecture import networks
from convlab.lecture.code import Counted, Net
from convlab.lecture.equations import sums_in
from convlab.lecture.judge import (
    COMPLETE,
    FAR,
    UNKNOWN,
    Derivation,
    Judged,
    Worked,
    explained,
    judged,
    unexplained,
)
from convlab.lecture.layers import DEPTHWISE, Layer, Sizes, Volume, Wrong, side_mistakes
from convlab.lecture.mentions import COUNTS, Mention
from convlab.lecture.scene import Frame
from convlab.lecture.sizes import Sizer
from convlab.lecture.words import COLOURS, widths

Choice = tuple[int, float]
"""A value and what it costs to think that it is meant."""

_SINGLE = re.compile(
    r"\b(?:an?|one|single|each|every|per|the) (?:\S+ ){0,4}?(?:filter|kernel|stamp|neuron|unit"
    r"|template)\b(?!s)|\bone of them\b|\bof them holds\b|\beach of them\b|\b(?:the|a) filter\b"
)
_FILTER = r"filter|kernel|mask|template|stamp|neuron|one of them"
_SUBJECT = re.compile(
    rf"\b(?:{_FILTER}|result|outputs?|map|image|picture|volume|layer|input|flatten)s?\b"
)
_SUM = re.compile(
    r"\b(?:total\w*|sum|together|altogether|in all|both|whole|entire|combined|overall|all in"
    r"|add(?:s|ed)? up|the two|the three"
    r"|network|net|model|block|bottom line|everything|stack|tower)\b"
)
_FOLLOWS = re.compile(
    r"\b(?:the|this|its|a) (?:second|third|fourth|next|following|subsequent)\b (?:\w+ )?(?:conv\w*"
    r"|layer|block|has|have|uses?|with|needs|\d)"
)
_SPECIAL = re.compile(
    r"separable|depthwise|pointwise|group|\bper\b|\beach\b|shared|\bboth\b|together|total"
    r"|batch ?norm|block|bottleneck|concat|inception"
    r"|branch|residual|\bhalf\b|twice|doubl|tripl|minus|saves?|\bfewer|\bextra|additional|module"
)
_SEPARABLE = re.compile(
    r"separable|depthwise (?:plus|\+|and|followed by|then) (?:an? |the )?pointwise"
)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}


def _unique(choices: Iterable[Choice], most: int = 7) -> list[Choice]:
    """Each value once, at its lowest cost, the cheapest first."""
    best: dict[int, float] = {}
    for value, cost in choices:
        if value > 0:
            best[value] = min(cost, best.get(value, 99.0))
    return sorted(best.items(), key=lambda one: one[1])[:most]


_EACH = re.compile(r"\b(?:each|every|apiece|per)\b")


class Counter:
    """Counts of the part that was heard last."""

    def __init__(self, sizer: Sizer):
        self.sizer, self.scene, self.here = sizer, sizer.scene, sizer.here
        self.lower = self.here.lower

    def judge(self, one: Mention, role: str) -> Judged:
        """The mark of a count; ``role``: what it counts."""
        derivations = sorted(self.derivations(one, role), key=lambda made: made.cost)[:400]
        explanations = explained(one.number, derivations, one.about)
        best = [(made.cost, made) for made in derivations]
        result = judged(explanations, best)
        if result.mark == UNKNOWN and not any(
            made.right and made.cost < FAR for made in explanations
        ):
            return unexplained(best, one.number) if self._plain(one, best) else result
        return result

    def _plain(self, one: Mention, best: Sequence[tuple[float, Derivation]]) -> bool:
        """Whether the best computation uses all that the sentence says in front of a count."""
        if _SPECIAL.search(self.lower) or not self.sizer.short:
            return False
        used = {
            int(number.replace(",", ""))
            for _, made in best[:1]
            for number in re.findall(r"\d[\d,]*", made.relation)
        }
        last = max(
            (two.end for two in self.here.mentions if two.role in COUNTS and two.end <= one.start),
            default=0,
        )
        return all(
            two.one in used or two.one == 1
            for two in self.here.mentions
            if two.role in ("filters", "inputs", "maps", "units", "groups", "times")
            and len(two.sizes) == 1
            and last <= two.start < one.start
        )

    def derivations(self, one: Mention, role: str) -> Iterator[Derivation]:
        """Ways to come to a count."""
        if role in ("weights", "parameters"):
            yield from self.separable(one, role)
            yield from self.weights(one, role)
            yield from self.sums(one, role)
        elif role == "biases":
            for value, cost in self._filters(one):
                yield Derivation(value, f"{value:,}", cost + COMPLETE + 0.1, slips=False)
        elif role == "work":
            yield from self.work(one)
        elif role == "connections":
            yield from self.work(one, connections=True)
            yield from self.weights(one, "weights")
        elif role == "positions":
            for way in self.sizer.ways(one.start)[:12]:
                if not way.layers[-1].windowed:
                    continue
                for sides in {way.out.sides, way.out.sides[:1]}:
                    wrong = [
                        _squared(two, len(sides))
                        for two in side_mistakes(way.layers[-1], way.before.sides[0])
                    ]
                    yield Derivation(
                        math.prod(sides),
                        self.sizer.derivation(way).relation,
                        way.cost,
                        tuple(wrong),
                    )
        elif role == "bytes":
            yield from self.stored(one)
        elif role == "values":
            yield from self.values(one)

    # --- factors --------------------------------------------------------------------------------

    def _said(self, one: Mention, *roles: str, loose: bool = True) -> list[Choice]:
        """Numbers of these roles, here and before."""
        made: list[Choice] = []
        for two in self.here.mentions:
            if two.role in roles and len(two.sizes) == 1 and two.start != one.start:
                made.append((two.one, 0.1 if two.start < one.start else 0.25))
            elif (
                loose
                and two.role == "number"
                and len(two.sizes) == 1
                and two.start != one.start
                and two.one > 1
            ):
                made.append((two.one, 0.5))
        for cost, heard in self.scene.back():
            made += [
                (two.one, cost + 0.1)
                for two in heard.mentions
                if two.role in roles and len(two.sizes) == 1
            ]
            if len(made) > 8:
                break
        return made

    def _inputs(self, one: Mention, frame: Frame) -> list[Choice]:
        """Channels that a convolution reads, by what is said or goes in."""
        layer = frame.layer
        if re.search(
            r"\bper (?:input )?(?:channel|map)\b|\bfor (?:one|a single) channel\b", self.lower
        ):
            return [(1, 0.0)]
        recent = self._recent(one, "inputs", "maps")
        if recent and recent[0] != layer.filters:
            return [(recent[0], 0.0)]
        if layer.times > 1 and layer.filters and _FOLLOWS.search(self.lower[: one.end][-50:]):
            return [(layer.filters, 0.0)]
        if layer.inputs:
            return [(layer.inputs, 0.0)]
        if frame.fed is not None and frame.fed.depth:
            return [(frame.fed.depth, 0.1), (1, 2.5)]
        if _FOLLOWS.search(self.lower[: one.end]):
            before = [
                f.layer.filters
                for f in (
                    *self.here.frames,
                    *(f for _, heard in self.scene.back() for f in reversed(heard.frames)),
                )
                if f.layer.weighted
                and f.layer.filters
                and (f is not frame or f.part != self.here.index or f.layer.times > 1)
            ]
            if before:
                return [(before[0], 0.05), (1, 3.0)]
        made = [
            (value, cost)
            for value, cost in self._said(one, "inputs", "maps")
            if value != layer.filters or cost > 0.3 or self._reads(value)
        ]
        if frame.volume is not None and frame.volume.depth:
            made.append((frame.volume.depth, 0.0))
        own = [held for held in self.here.volumes if held.volume.depth and held.start != one.start]
        made += [(held.volume.depth or 0, 0.3 if held.out else 0.1) for held in own]
        for value, pattern in COLOURS:
            if re.search(pattern, self.lower):
                made.append((value, 0.05))
        for cost, heard in self.scene.back():
            made += [
                (held.volume.depth or 0, cost + held.cost + (0.15 if held.out else 0.0))
                for held in heard.volumes
                if held.volume.depth
            ]
            made += [
                (f.layer.filters, cost + 0.1)
                for f in heard.frames
                if f.layer.weighted and f.layer.filters and f is not frame
            ]
            for value, pattern in COLOURS:
                if re.search(pattern, heard.lower):
                    made.append((value, cost + 0.1))
            if len(made) > 12:
                break
        least = min((cost for _, cost in made), default=9.0)
        made.append((1, 3.0 if least < 0.25 else 0.1 if least > 3 else 1.2))
        return _unique(made)

    def _reads(self, value: int) -> bool:
        """Whether the sentence says of so many channels that they are read."""
        return any(two.role == "inputs" and two.sizes == (value,) for two in self.here.mentions)

    def _recent(self, one: Mention, *roles: str) -> list[int]:
        """What is said between the count before and this one, if there is one in the sentence."""
        counts = [
            two.end for two in self.here.mentions if two.role in COUNTS and two.end <= one.start
        ]
        if not counts or self.here.row >= 0:
            return []
        return [
            two.one
            for two in self.here.mentions
            if two.role in roles and two.sizes and counts[-1] <= two.start < one.start
        ]

    def _filters(self, one: Mention, frame: Frame | None = None) -> list[Choice]:
        """Numbers of filters or units."""
        single = _SINGLE.search(self.lower) is not None
        if frame is not None and frame.layer.filters:
            return [(frame.layer.filters, 0.0), *([(1, 0.6)] if single else [])]
        made = self._said(one, "filters", "maps", "units")
        for cost, heard in [(0.1, self.here), *self.scene.back()]:
            made += [
                (f.layer.filters, cost + 0.1)
                for f in heard.frames
                if f.layer.weighted and f.layer.filters
            ]
            made += [
                (held.volume.depth, cost + 0.2)
                for held in heard.volumes
                if held.out and held.volume.depth
            ]
            if cost > 0.8:
                break
        made.append((1, 0.0 if single else 0.1 if not any(cost < 0.3 for _, cost in made) else 0.8))
        return _unique(made)

    def frames(self, one: Mention, role: str) -> Iterator[tuple[Frame, float]]:
        """Layers with weights that a count may be about."""
        stacked = [
            two
            for two in self.here.mentions
            if two.role == "times" and two.sizes and 1 < two.one < 100 and two.start < one.start
        ]
        own = [
            frame
            for frame in self.here.frames
            if frame.layer.weighted and (frame.layer.kernel or frame.layer.kind == "dense")
        ]
        before = [frame for frame in own if frame.start <= one.start]
        for rank, frame in enumerate(reversed(before)):
            yield frame, 0.6 * rank + frame.cost
        for rank, frame in enumerate(frame for frame in own if frame.start > one.start):
            yield frame, (0.1 if not before else 0.5) + 0.3 * rank + frame.cost
        bases = [frame.base for frame in self.here.frames]
        rank, loose = 0, 0.9 if own else 0.0
        for cost, heard in self.scene.back():
            for frame in reversed(heard.frames):
                if frame.layer.weighted and (frame.layer.kernel or frame.layer.kind == "dense"):
                    if stacked and all(f.changed for f in own) and frame.layer.kind == "conv":
                        yield (
                            replace(frame, layer=replace(frame.layer, times=stacked[-1].one)),
                            cost + 0.12 * rank + frame.cost - 0.1,
                        )
                    bases.append(frame.base)
                    yield (
                        frame,
                        cost
                        + 0.12 * rank
                        + frame.cost
                        + loose
                        + (1.5 if frame.layer in bases else 0.0),
                    )
                    rank += 1
            if rank > 5:
                return

    # --- weights --------------------------------------------------------------------------------

    def biases(self, one: Mention, role: str, layer: Layer) -> list[tuple[bool, float]]:
        """Whether biases count, with the cost of each answer."""
        apart = re.match(
            r"\s*(?:\w+ )?(?:weights?|values|numbers)?\s*(?:and|plus|\+)[^.;]{0,12}bias",
            self.lower[one.end :],
        )
        if apart:
            return [(False, 0.0)]
        stated = self.scene.stated_bias(one.start)
        if role == "weights":
            return [(False, 0.0), (True, 0.4)] if stated else [(False, 0.0)]
        if stated is not None:
            return [(stated, 0.0)]
        earlier = self.scene.earlier_bias() if layer.bias is None else layer.bias
        if layer.bias is not None and role == "parameters":
            return [(layer.bias, 0.0)] if layer.bias is False else [(True, 0.0), (False, 2.5)]
        if earlier is not None:
            new = any(frame.said & {"kernel", "filters"} for frame in self.here.frames)
            return [(earlier, 0.05), (not earlier, 1.0 if new else 2.4)]
        if self.scene.biases_counted:
            return [(True, 0.05), (False, 2.1)]
        return [(False, 0.1), (True, 0.05)]

    def weights(self, one: Mention, role: str) -> Iterator[Derivation]:
        """Weights or parameters of layers and of famous networks."""
        yield from self._famous(one, role)
        for number, (frame, cost) in enumerate(self.frames(one, role)):
            if number > 7 or cost > 3:
                break
            if frame.layer.kind == "dense":
                yield from self._dense(one, role, frame, cost)
            else:
                yield from self._conv(one, role, frame, cost)
        if re.search(
            r"dense|neuron|fully|\bfc\d?|linear|hidden|\bunits?\b|wire|connect", self.lower
        ) and not any(frame.layer.kind == "dense" for frame in self.here.frames):
            yield from self._dense(
                one, role, Frame(Layer("dense"), one.start, one.start, self.here.index), 0.1
            )

    def _conv(self, one: Mention, role: str, frame: Frame, cost: float) -> Iterator[Derivation]:
        layer = frame.layer
        kernel = layer.kernel
        groups = self._groups(layer)
        for (depth, far), (count, wide) in product(
            self._inputs(one, frame), self._filters(one, frame)
        ):
            if layer.groups == DEPTHWISE:
                depth = layer.inputs or depth
                count = depth
            each = 1 if layer.groups == DEPTHWISE else depth // groups
            if depth % groups or not each:
                continue
            times = layer.times
            if depth == 1 and count > 1 and far > 1.0:
                far += 1.4  # a layer of several filters reads all channels
            for bias, more in self.biases(one, role, layer):
                if layer.groups == DEPTHWISE and wide > 0.0 and count != depth:
                    continue
                total = far + wide + more + cost if layer.groups != DEPTHWISE else far + more + cost
                for many in {1, times}:
                    yield self._counted(
                        kernel,
                        each,
                        count,
                        bias,
                        many,
                        total + (0.2 if many != times else 0.0),
                        groups,
                        depth,
                    )
                    if count > 1 and _EACH.search(self.lower):
                        yield self._counted(kernel, each, 1, bias, 1, total + 0.05, groups, depth)
            if layer.groups == DEPTHWISE and wide > 0:
                continue

    def separable(self, one: Mention, role: str) -> Iterator[Derivation]:
        """Weights of a depthwise layer with a pointwise one behind it."""
        if not _SEPARABLE.search(self.lower):
            return
        frames = [
            (frame, cost)
            for frame, cost in self.frames(one, role)
            if frame.layer.kernel and math.prod(frame.layer.kernel) > 1
        ][:2]
        for frame, cost in frames:
            for (depth, far), (count, wide) in product(
                self._inputs(one, frame)[:4], self._filters(one, frame)[:4]
            ):
                for bias, more in self.biases(one, role, frame.layer):
                    area = math.prod(frame.layer.kernel)
                    value = area * depth + depth * count + (depth + count) * bias
                    shown = (
                        f"{'·'.join(map(str, frame.layer.kernel))}·{depth:,} + {depth:,}·{count:,}"
                        + (f" + {depth + count:,}" if bias else "")
                    )
                    wrong = (
                        Wrong("an ordinary convolution", area * depth * count),
                        Wrong("the depthwise part only", area * depth),
                        Wrong("the pointwise part only", depth * count),
                    )
                    yield Derivation(value, f"{shown} = {value:,}", cost + far + wide + more, wrong)

    def _groups(self, layer: Layer) -> int:
        return max(layer.groups or 1, 1)

    def _counted(
        self,
        kernel: Sizes,
        each: int,
        count: int,
        bias: bool,
        many: int,
        cost: float,
        groups: int,
        depth: int,
    ) -> Derivation:
        one = math.prod(kernel) * each
        weights = one * count
        factors = "·".join(map(str, kernel)) + (f"·{each:,}" if each > 1 else "")
        value = (weights + (count if bias else 0)) * many
        lead = f"{count:,} · " if count > 1 else ""
        shown = (
            f"{lead}({factors} + 1)"
            if bias and count > 1
            else f"{factors} + 1"
            if bias
            else f"{lead}{factors}"
        )
        shown = f"{many} · {shown}" if many > 1 else shown
        wrong = [
            Wrong(
                "without the biases" if bias else "with biases",
                (weights + (0 if bias else count)) * many,
            ),
            Wrong("for one channel", (math.prod(kernel) * count + (count if bias else 0)) * many),
            Wrong("for one channel", (math.prod(kernel) * count + (0 if bias else count)) * many),
            Wrong("without the kernel", each * count * many),
            Wrong(
                "without the groups",
                (math.prod(kernel) * depth * count + (count if bias else 0)) * many,
            ),
            Wrong(
                "one side of the kernel only",
                (kernel[0] * each * count + (count if bias else 0)) * many,
            ),
            Wrong(
                "kernel's sides added", (sum(kernel) * each * count + (count if bias else 0)) * many
            ),
        ]
        if count > 1 and not _EACH.search(self.lower):
            wrong.append(Wrong("for one filter", (one + bias) * many))
        if bias:
            wrong += [
                Wrong("a single bias", (weights + 1) * many),
                Wrong("a bias for each channel of the input", (weights + depth) * many),
            ]
        if many > 1:
            wrong.append(Wrong("for one layer", value // many))
        wrong = [made for made in wrong if made.value != value and made.value > 1]
        worked = Worked("weights", (Layer("conv", kernel, filters=count, inputs=each, bias=bias),))
        return Derivation(
            value, f"{shown} = {value:,}", cost, tuple(wrong), worked=worked, slips=value >= 50
        )

    def _dense(self, one: Mention, role: str, frame: Frame, cost: float) -> Iterator[Derivation]:
        layer = frame.layer
        sources: list[Choice] = [(layer.inputs, 0.0)] if layer.inputs else []
        if not sources:
            said = self._said(one, "values", "inputs", loose=True)
            sources += [choice for choice in said if choice[1] < 1.3]
            sources += [(volume.values, far) for volume, far in self._volumes(one)]
            sources += [
                (volume.values, far + 0.3)
                for volume, far in self._volumes(one)
                if volume.depth is None
                for volume in [
                    Volume(volume.sides, depth)
                    for depth, _ in self._said(one, "inputs", "maps")[:3]
                ]
            ]
            for far, heard in self.scene.back():
                sources += [
                    (f.layer.filters, far)
                    for f in heard.frames
                    if f.layer.kind == "dense" and f.layer.filters
                ]
        widths_ = [(layer.filters, 0.0)] if layer.filters else self._said(one, "units", "filters")
        widths_ += (
            []
            if layer.filters
            else [(v.values, far + 0.1) for v, far in self._volumes(one) if far < 0.4]
        )
        widths_ += [(1, 0.3)] if _SINGLE.search(self.lower) or not widths_ else []
        for (source, far), (count, wide) in product(_unique(sources, 9), _unique(widths_, 6)):
            if source == count and source > 1 and far + wide > 0.15:
                continue
            for bias, more in self.biases(one, role, layer):
                value = source * count + (count if bias else 0)
                shown = f"({source:,} + 1)·{count:,}" if bias else f"{source:,}·{count:,}"
                wrong = [
                    Wrong(
                        "without the biases" if bias else "with biases",
                        source * count + (0 if bias else count),
                    ),
                    Wrong("added, not multiplied", source + count),
                    Wrong("a single bias", source * count + 1),
                    Wrong("a bias for each input", source * count + source),
                ]
                yield Derivation(
                    value,
                    f"{shown} = {value:,}",
                    far + wide + more + cost,
                    tuple(two for two in wrong if two.value != value),
                    worked=Worked("dense", (Layer("dense", filters=count, inputs=source),)),
                )

    def _famous(self, one: Mention, role: str) -> Iterator[Derivation]:
        """Counts of the networks that are named here, or in the section."""
        own = networks.named(self.here.text, one.start)
        names = [(own, 0.0)] if own else []
        names += [
            (heard.network, 0.2 + 0.05 * back)
            for back, heard in enumerate(reversed(self.scene.parts[-25:-1]))
            if heard.network and heard.section == self.here.section
        ]
        whole = re.search(
            r"\b(?:whole|entire|total|full|complete|overall|all|model|network|net)\b", self.lower
        )
        for name, cost in list(dict(reversed(names)).items())[:2]:
            row = networks.layer(name, self.lower)
            if row is not None:
                yield Derivation(row.parameters, f"{row.name}: {row.parameters:,}", cost + 0.1)
            elif own or whole:
                for variant in networks.variants(name, role):
                    yield Derivation(
                        variant.value,
                        f"{variant.relation} = {variant.value:,}",
                        cost + (0.0 if own else 0.1),
                        assumed=variant.words,
                        worked=Worked("network", network=name),
                    )

    def sums(self, one: Mention, role: str) -> Iterator[Derivation]:
        """Sums of the counts before, of the layers of this part, or of a network."""
        for text, total in sums_in(self.here.text[: one.start]):
            yield Derivation(total, f"{text} = {total:,}", 0.1)
        wanted = _SUM.search(self.lower) or _SUM.search(self._asked()) or self.here.row >= 0
        chained = self._chained(one)
        if len(chained) > 1:
            for bias, more in self.biases(one, role, Layer("conv", bias=None)):
                parts = [self._whole(layer, bias) for layer in chained]
                if all(parts):
                    value = sum(part for part in parts if part)
                    shown = " + ".join(f"{part:,}" for part in parts)
                    yield Derivation(
                        value,
                        f"{shown} = {value:,}",
                        0.15 + more + (0.0 if wanted else 0.3),
                        self._sum_mistakes(chained, bias, value),
                    )
        if not wanted:
            return
        if self.here.row < 0 or _SUM.search(self.lower):
            yield from self._nets(one, role)
        values = self.scene.counted("weights", "parameters")[:8]
        for many in range(2, min(len(values), 6) + 1):
            for chosen in [tuple(values[:many])] if many > 3 else combinations(values[:5], many):
                shown = " + ".join(f"{value:,}" for value in reversed(chosen))
                near = values[: len(chosen)] == list(chosen)
                yield Derivation(sum(chosen), f"{shown} = {sum(chosen):,}", 0.45 if near else 0.9)

    def _asked(self) -> str:
        before = self.scene.parts[-2].lower if len(self.scene.parts) > 1 else ""
        return before if before.rstrip().endswith(("?", ":")) else ""

    def _nets(self, one: Mention, role: str) -> Iterator[Derivation]:
        for net in reversed(self.scene.nets[-2:]):
            for made in network_counts(net, self.scene._input(net)):
                biases = self.biases(one, role, Layer("conv"))
                yield replace(made, cost=0.2 if biases[0][0] or role == "parameters" else 0.6)

    def _chained(self, one: Mention) -> list[Layer]:
        """The layers of a block, each with the channels that the one before gives."""
        groups = [[f for f in self.here.frames if f.end <= one.start]]
        for cost, heard in self.scene.back():
            if cost < 0.5:
                groups.append(heard.frames)
        for frames in groups:
            layers = [f.layer for f in frames if f.layer.kind == "conv" and f.layer.kernel]
            if len(layers) > 1 and all(layer.filters and layer.inputs for layer in layers):
                return layers
        return []

    def _whole(self, layer: Layer, bias: bool) -> int | None:
        factors = layer.weights()
        return (math.prod(factors) + (layer.filters or 0) * bias) * layer.times if factors else None

    def _sum_mistakes(self, layers: Sequence[Layer], bias: bool, value: int) -> tuple[Wrong, ...]:
        other = sum(self._whole(layer, not bias) or 0 for layer in layers)
        return (
            (Wrong("without the biases" if bias else "with biases", other),)
            if other != value
            else ()
        )

    # --- work, values, bytes --------------------------------------------------------------------

    def _volumes(self, one: Mention) -> list[tuple[Volume, float]]:
        """Volumes that a count may be about, the nearest first."""
        made = [
            (held.volume, 0.05 + 0.15 * rank)
            for rank, held in enumerate(
                sorted(
                    (h for h in self.here.volumes if h.start != one.start),
                    key=lambda h: abs(h.start - one.start),
                )
            )
        ]
        loose = 0.6 if made else 0.0
        rank = 0
        for frame in self.here.frames:
            if frame.volume is not None:
                out = frame.layer.out(frame.volume)
                made.append((frame.volume, 0.1))
                if out is not None:
                    made.append((out, 0.1 if frame.layer.kind != "flatten" else 0.0))
        for cost, heard in self.scene.back():
            for held in reversed(heard.volumes):
                made.append((held.volume, cost + 0.1 * rank + held.cost + loose))
                rank += 1
            if rank > 6:
                break
        return made

    def _outputs(self, one: Mention) -> list[tuple[Volume, float]]:
        """Volumes that layers make: computed where they are not said."""
        return [(way.out, way.cost + 0.1) for way in self.sizer.ways(one.start)[:12]]

    def work(self, one: Mention, *, connections: bool = False) -> Iterator[Derivation]:
        """Multiplications, or connections, at each place of an output."""
        double = re.search(r"flop|operations", self.lower) is not None
        outputs = [
            (way.out.sides, way.cost + 0.1)
            for way in self.sizer.ways(one.start)[:12]
            if way.layers[-1].kind != "flatten"
        ]
        given = (
            {held.volume.sides for held in self.here.volumes if not held.out} if outputs else set()
        )
        places = outputs + [
            (volume.sides, cost + (2.6 if volume.sides in given else 0.0))
            for volume, cost in self._volumes(one)
            if volume.sides
        ]
        before = {
            way.out.sides: way.before.sides for way in reversed(self.sizer.ways(one.start)[:12])
        }
        seen: dict[Sizes, float] = {}
        for sides, cost in places:
            seen[sides] = min(cost, seen.get(sides, 9.0))
        nearest = sorted(seen.items(), key=lambda item: item[1])[:6]
        per = re.search(
            r"\b(?:each|every|per|one|single) (?:output )?(?:\w+ )?(?:pixel|value|position|place"
            r"|number|output|step)",
            self.lower,
        )
        for number, (frame, cost) in enumerate(self.frames(one, "weights")):
            if number > 4:
                break
            layer = frame.layer
            if layer.kind == "dense":
                yield from self._dense(one, "weights", frame, cost)
                continue
            groups = self._groups(layer)
            for (depth, far), (count, wide) in product(
                self._inputs(one, frame)[:4], self._filters(one, frame)[:4]
            ):
                if layer.groups == DEPTHWISE:
                    depth, count, groups = depth, depth, depth
                if depth % groups:
                    continue
                each = math.prod(layer.kernel) * (depth // groups)
                if per:
                    wrongs = (
                        (Wrong("for one channel", math.prod(layer.kernel)),)
                        if depth > groups
                        else ()
                    )
                    yield Derivation(
                        each,
                        f"{'·'.join(map(str, layer.kernel))}·{depth // groups:,} = {each:,}",
                        cost + far,
                        wrongs,
                    )
                for sides, near in nearest:
                    wrong = Wrong(
                        "as many places as the input has",
                        math.prod(before.get(sides, sides)) * each * count,
                    )
                    yield from self._worked(
                        layer,
                        sides,
                        each,
                        count,
                        depth // groups,
                        cost + far + wide + near,
                        double,
                        connections,
                        wrong,
                    )
        yield from self._work_sums(nearest)

    def _work_sums(self, nearest: list[tuple[Sizes, float]]) -> Iterator[Derivation]:
        """Counts of weights that stand before, at each place."""
        for rank, value in enumerate(self.scene.counted("weights", "parameters")[:3]):
            for sides, near in nearest[:3]:
                total = value * math.prod(sides)
                shown = "·".join(map(str, sides))
                yield Derivation(
                    total,
                    f"{shown}·{value:,} = {total:,}",
                    0.3 + 0.2 * rank + near,
                    (Wrong("weights, not multiplications", value),),
                )

    def _worked(
        self,
        layer: Layer,
        sides: Sizes,
        each: int,
        count: int,
        depth: int,
        cost: float,
        double: bool,
        connections: bool,
        places: Wrong,
    ) -> Iterator[Derivation]:
        positions = math.prod(sides)
        total = positions * each * count
        shown = "·".join(f"{one:,}" for one in (*sides, *layer.kernel, depth, count) if one > 1)
        wrong = [
            Wrong("weights, not multiplications", each * count),
            Wrong("without the kernel", positions * count),
            Wrong("for one channel", total // depth),
            Wrong("for one filter", total // count),
            Wrong("one side of the output only", total // sides[0]),
            places,
        ]
        wrong = [two for two in wrong if two.value != total]
        if connections:
            full = positions * (each + 1) * count
            yield Derivation(
                full,
                f"{'·'.join(map(str, sides))}·({each} + 1)·{count} = {full:,}",
                cost + 0.05,
                (*wrong, Wrong("without the biases", total)),
            )
            yield Derivation(total, f"{shown} = {total:,}", cost + 0.1, tuple(wrong))
            return
        yield Derivation(total, f"{shown} = {total:,}", cost, tuple(wrong))
        if double:
            yield Derivation(2 * total, f"2·{shown} = {2 * total:,}", cost + 0.05)

    def values(self, one: Mention) -> Iterator[Derivation]:
        """Numbers in volumes, in the output of layers, and in filters."""
        subject = [(m.start(), m[0]) for m in _SUBJECT.finditer(self.lower[: one.start])] or [
            (m.start(), m[0]) for m in _SUBJECT.finditer(self.lower[one.end :][:60])
        ]
        held = bool(subject) and re.match(_FILTER, subject[-1][1]) is not None
        made = bool(subject) and re.match(r"result|output", subject[-1][1]) is not None
        single = _SINGLE.search(self.lower) is not None
        frames = list(self.frames(one, "weights"))[:3]
        for frame, cost in frames:
            for depth, far in self._inputs(one, frame)[:3]:
                value = math.prod(frame.layer.kernel) * depth
                shown = "·".join(map(str, (*frame.layer.kernel, *([depth] if depth > 1 else []))))
                if frame.layer.kernel:
                    yield Derivation(
                        value,
                        f"{shown} = {value:,}",
                        cost + far + (0.0 if held else 4.0 if made else 0.1 if single else 0.5),
                        (Wrong("for one channel", math.prod(frame.layer.kernel)),)
                        if depth > 1
                        else (),
                    )
                    if frame.layer.filters and not single:
                        yield Derivation(
                            value * frame.layer.filters,
                            f"{frame.layer.filters:,}·{shown} = {value * frame.layer.filters:,}",
                            cost + far + (0.1 if held else 0.6),
                        )
        after = any(
            frame.end <= one.start
            for frame in self.here.frames
            if frame.layer.windowed or frame.layer.kind == "global"
        )
        for volume, cost in self._outputs(one):
            yield from self._numbers(one, volume, cost + (0.0 if after else 0.2))
        for volume, cost in self._volumes(one):
            yield from self._numbers(
                one, volume, cost + (4.0 if made and after else 0.5 if after else 0.0)
            )

    def _numbers(self, one: Mention, volume: Volume, cost: float) -> Iterator[Derivation]:
        depths: list[tuple[int | None, float]] = [(volume.depth, 0.0)]
        if volume.depth is None:
            said = self._said(one, "inputs", "maps", "filters", loose=False)
            depths = [*[choice for choice in said if choice[1] < 1.2][:4]]
            depths += [
                (value, 0.05) for value, pattern in COLOURS if re.search(pattern, self.lower)
            ]
            depths.append((None, 0.1 if not depths or depths[0][1] > 0.3 else 0.7))
        for depth, far in depths:
            made = Volume(volume.sides, depth)
            terms = [term for term in made.terms if term > 1] or [1]
            wrong = [Wrong("added, not multiplied", sum(terms))] if len(terms) > 1 else []
            if depth and depth > 1 and volume.sides:
                wrong += [
                    Wrong("for one channel", math.prod(volume.sides)),
                    Wrong("one side only", volume.sides[0] * depth),
                ]
            wrong = [two for two in wrong if two.value != made.values]
            shown = "·".join(f"{term:,}" for term in terms)
            batch = re.search(r"\bbatch(?:es)?(?: size)?(?: of| is| =)? (\d+)", self.lower)
            if batch:
                many = int(batch[1])
                yield Derivation(
                    many * made.values, f"{many}·{shown} = {many * made.values:,}", cost + far
                )
            if depth and depth == one.number.value and volume.sides:
                yield Derivation(depth, f"{depth:,}: one for each map", cost + far + 0.8)
            yield Derivation(
                made.values,
                f"{shown} = {made.values:,}",
                cost + far,
                tuple(wrong),
                slips=made.values >= 100,
            )

    def stored(self, one: Mention) -> Iterator[Derivation]:
        """Bytes of numbers: the unit of the claim decides what the value is."""
        power = _POWERS.get(one.unit[:1], 0) if not one.unit.startswith("byte") else 0
        binary = re.match(r"[kmgt]i|kibi|mebi|gibi", one.unit) is not None
        factors = [1024**power] if binary or not power else [1000**power, 1024**power]
        each = [(width, 0.0) for width in widths(self.lower)]
        for cost, heard in self.scene.back():
            each += [(width, cost) for width in widths(heard.lower)]
        batch = re.search(
            r"\bbatch(?:es)?(?: size)?(?: of| is| =)? (\d+)|\b(\d+) (?:images|frames"
            r"|slices|pictures|samples|photos)\b",
            self.lower,
        )
        many = int(batch[1] or batch[2]) if batch else 1
        numbers = [
            (made.value * many, made.relation.split(" =")[0], made.cost)
            for made in self.values(one)
            if made.cost < 1.5
        ]
        stored = self.scene.counted("values", "parameters", "weights")
        numbers += [
            (two.one, f"{two.one:,}", 0.0)
            for two in self.here.mentions
            if two.role in ("values", "parameters", "weights")
            and two.sizes
            and two.start != one.start
        ]
        numbers += [
            (value, f"{value:,}", 0.2 + 0.15 * rank) for rank, value in enumerate(stored[:4])
        ]
        numbers += [
            (made.value, made.relation, made.cost) for made in self._famous(one, "parameters")
        ]
        assumed = _unique(each, 2) or [(4, 0.9)]
        for (width, far), (value, shown, cost), factor in product(
            assumed, sorted(numbers, key=lambda n: n[2])[:12], factors
        ):
            total = value * width
            wrong = [
                Wrong(
                    "numbers, not bytes"
                    if other == 1
                    else "bits, not bytes"
                    if other == 8
                    else f"{other} bytes each",
                    Fraction(value * other, factor),
                )
                for other in (1, 2, 4, 8, 32)
                if other != width
            ]
            yield Derivation(
                Fraction(total, factor),
                f"{shown}·{width} bytes = {total:,} bytes",
                cost + far + (0.02 if factor % 1000 else 0.0),
                tuple(wrong),
            )


def _squared(wrong: Wrong, power: int) -> Wrong:
    """A mistake along one side, for a square."""
    return Wrong(wrong.words, max(wrong.value, 0) ** power)


def network_counts(net: Net, volume: Volume | None) -> Iterator[Derivation]:
    """The parameters of a network, with biases or as its layers say."""
    layers, _ = net.filled(volume)
    parts: list[int] = []
    for layer in layers:
        if not layer.weighted:
            continue
        factors = layer.weights()
        if factors is None:
            return
        bias = (
            (factors[-1] if layer.groups == DEPTHWISE else layer.filters or 0)
            if layer.bias is not False
            else 0
        )
        parts.append(math.prod(factors) + bias)
    if parts:
        shown = " + ".join(
            f"{one:,}" for one in (parts if len(parts) < 8 else [*parts[:3], *parts[-3:]])
        )
        bare = sum(parts) - sum(
            (layer.filters or 0) for layer in layers if layer.weighted and layer.bias is not False
        )
        wrong = [Wrong("without the biases", bare)] if bare != sum(parts) else []
        yield Derivation(sum(parts), f"{shown} = {sum(parts):,}", 0.0, tuple(wrong))


def counted(value: Counted) -> Iterator[Derivation]:
    """What a line of a program counts."""
    if isinstance(value.of, Net):
        yield from network_counts(value.of, value.of.input)
        return
    layer = value.of
    factors = layer.weights()
    if factors is None:
        return
    weights = math.prod(factors)
    maps = factors[-1] if layer.groups == DEPTHWISE else layer.filters or 0
    bias = maps if layer.bias is not False and value.biases else 0
    shown = "·".join(f"{one:,}" for one in factors) + (f" + {bias:,}" if bias else "")
    wrong = [
        Wrong("without the biases" if bias else "with biases", weights if bias else weights + maps),
        Wrong("without the groups", weights * max(layer.groups or 1, 1) + bias),
        Wrong("for one channel", weights // max(factors[-2], 1) + bias),
    ]
    total = weights + bias
    yield Derivation(
        total, f"{shown} = {total:,}", 0.0, tuple(one for one in wrong if one.value != total)
    )
