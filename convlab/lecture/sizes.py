"""Sizes and receptive fields of the part heard last, computed from the scene in every usual way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from convlab.lecture.judge import (
    FAR,
    MISTAKE,
    SURE,
    TRUE,
    UNKNOWN,
    Derivation,
    Explanation,
    Judged,
    Worked,
    judged,
    unexplained,
)
from convlab.lecture.layers import SAME, Layer, Volume, field, field_mistakes, side_mistakes
from convlab.lecture.mentions import Mention
from convlab.lecture.scene import FAR_BACK, Frame, Heard, Held, Scene
from convlab.lecture.words import NO_PADDING, SAME_PADDING


@dataclass(frozen=True)
class Way:
    """Layers on a volume: what comes out, and what it costs to think so."""

    layers: tuple[Layer, ...]
    before: Volume
    """What the last of the layers works on."""
    start: Volume
    out: Volume
    cost: float
    firm: bool = False
    """Whether the number of filters is said."""


_ONE_FILTER = re.compile(
    r"\b(?:an?|one|single) (?:\S+ ){0,6}?(?:filter|kernel)\b(?! (?:each|per|for))"
)
_ORIGINAL = re.compile(
    r"\b(?:our|the|this|same|original|whole) (?:\w+ )?(?:input|image|picture|digit|photo"
    r"|example)s?\b|\bit on the input"
)


SHORT = 130


class Sizer:
    """Volumes and fields of the part that was heard last."""

    def __init__(self, scene: Scene):
        self.scene, self.here = scene, scene.here
        self.lower = self.here.lower
        self.short = len(self.lower) <= SHORT or self.here.row >= 0
        """Whether so little is said that nothing else can be meant."""

    # --- what there is to choose from -----------------------------------------------------------

    def groups(self, at: int) -> Iterator[tuple[tuple[Frame, ...], float]]:
        """Layers that may lead to the volume at a place."""
        own = [one for one in self.here.frames if one.layer.kind not in ("dense", "keep")]
        stated = {held.volume.sides for held in self.here.volumes if held.end <= at}
        own = [
            one
            for one in own
            if not (
                one.net is not None
                and one.volume is not None
                and "kernel" in one.said
                and (out := one.layer.out(one.volume)) is not None
                and out.sides in stated
            )
        ]
        before = [one for one in own if one.start <= at]
        since = max((one.end for one in self.here.volumes if one.end <= at), default=-1)
        clause = [one for one in before if one.start >= since]
        if len(clause) > 1 and self.here.row < 0:
            yield tuple(clause), 0.0
        pads = [
            one for one in self.here.mentions if one.role == "padding" and one.sizes and one.one
        ]
        if pads and own and not before and re.search(r"\bbefore\b", self.lower[at:]):
            padded = Layer("conv", (1, 1), (1,), pads[0].one)
            yield (Frame(padded, at, at, self.here.index, frozenset(("kernel",))),), 0.0
        results = [held.start for held in self.here.volumes if held.out and held.end <= at]
        for rank, one in enumerate(reversed(before)):
            done = any(one.start < result < before[-1].start for result in results)
            yield (one,), 0.25 * rank + (0.1 if len(clause) > 1 else 0.0) + 1.8 * done
        for rank, one in enumerate(one for one in own if one.start > at):
            yield (one,), (0.15 if not before else 0.6) + 0.3 * rank
        rank, bases, near = 0, [one.base for one in own], 9.0
        for cost, heard in self.scene.back():
            for one in reversed(heard.frames):
                if one.layer.kind in ("dense", "keep"):
                    continue
                bases.append(one.base)
                rank += 15 * (rank == 1 and near < 0.3)  # the layer right before is meant
                near = min(near, cost)
                yield (
                    (one,),
                    cost
                    + 0.1 * rank
                    + (2.0 if own else 0.0)
                    + (1.0 if one.layer in bases else 0.0),
                )
                rank += 1
            if rank > 20:
                return

    def inputs(self, frames: Sequence[Frame], at: int) -> Iterator[tuple[Volume, float]]:
        """Volumes that layers may work on."""
        first = frames[0]
        if first.volume is not None:
            yield first.volume, 0.0
        extra = 3.0 if first.volume is not None else 0.0
        if first.fed is not None and first.changed:
            yield first.fed, extra + 0.1
        own = [one for one in self.here.volumes if one.start != at]
        before = [one for one in own if one.end <= at]
        for rank, one in enumerate(reversed(before)):
            yield one.volume, extra + 0.15 * rank + (0.1 if one.out and rank else 0.0)
        for rank, one in enumerate(one for one in own if one.start > at):
            if not one.out:
                yield one.volume, extra + (0.2 if not before else 0.6) + 0.3 * rank
        rank = 0
        named = (
            first.layer.kind == "pool"
            or re.search(r"\bconv|pool|layer|block", self.here.cells) is not None
        )
        if _ORIGINAL.search(self.lower) and not own:
            yield from ((volume, extra + 0.15) for volume in self._originals())
        loose = 1.0 if own and not (self.here.row >= 0 and all(one.out for one in own)) else 0.0
        for cost, heard in self.scene.back():
            if heard.row >= 0 and self.here.row >= 0 and named and heard.volumes:
                loose += 3.0 * (rank > 0 and loose < 2)  # rows go on from the one before
            apart = (
                3.0
                if heard.row >= 0
                and self.here.row >= 0
                and not first.said & {"kernel"}
                and not named
                else 0.0
            )
            for one in reversed(heard.volumes):
                again = (
                    2.0 if one.maker is not None and one.maker in (first.layer, first.base) else 0.0
                )
                yield one.volume, extra + cost + 0.1 * rank + one.cost + loose + apart + again
                rank += not apart and not again
            if rank > 7:
                return

    def _originals(self) -> list[Volume]:
        """What the notes begin with: the picture, the input."""
        made = [net.input for net in reversed(self.scene.nets) if net.input is not None]
        made += [
            held.volume
            for heard in reversed(self.scene.parts[-FAR_BACK:-1])
            for held in heard.volumes
            if held.given and not held.out
        ]
        return made[:2]

    def variants(self, frame: Frame) -> Iterator[tuple[Layer, float]]:
        """A layer with what it leaves open: as usual, or as said before."""
        layer = frame.layer
        if not layer.windowed:
            yield layer, 0.0
            return
        if layer.padding is not None or layer.kind == "pool":
            yield layer, 0.0
        else:
            found = self.paddings()
            general = found[0][1] < 0.5 if found else False
            yield replace(layer, padding=0), 0.35 if general and found[0][0] else 0.03
            for value, cost in found:
                if value:
                    yield replace(layer, padding=value), 0.1 + cost
        if not layer.stride and layer.kind != "pool":
            for value, cost in self.settings("stride"):
                yield replace(layer, stride=(value,), padding=layer.padding or 0), 0.3 + cost

    def settings(self, role: str) -> list[tuple[int, float]]:
        """What this part and those before say of a setting, with what it costs to take it over."""
        made = [
            (one.one, 0.15)
            for one in self.here.mentions
            if one.role == role and one.sizes and one.one
        ]
        for cost, heard in self.scene.back():
            made += [
                (one.one, cost)
                for one in heard.mentions
                if one.role == role and one.sizes and 0 < one.one < 30
            ]
            if len(made) > 3:
                break
        return made[:3]

    def paddings(self) -> list[tuple[int, float]]:
        """Paddings that are said apart from a layer."""
        made: list[tuple[int, float]] = []
        for cost, heard in [(0.05, self.here), *self.scene.back()]:
            for value, pattern in ((SAME, SAME_PADDING), (0, NO_PADDING)):
                if pattern.search(heard.lower):
                    made.append((value, cost))
            made += [
                (one.one, cost)
                for one in heard.mentions
                if one.role == "padding" and one.sizes and one.one < 30
            ]
            if len(made) > 2 or cost > 0.75:
                break
        return made[:3]

    def ways(self, at: int) -> list[Way]:
        """All ways to come to a volume at a place, the cheapest first."""
        made: list[Way] = []
        for frames, cost in self.groups(at):
            if cost > 3:
                continue
            last = frames[-1]
            for volume, far in self.inputs(frames, at):
                if cost + far > 3.5:
                    continue
                made += list(
                    self._through(
                        frames, volume, cost + far + sum(one.cost for one in frames), last
                    )
                )
        return sorted(made, key=lambda one: one.cost)[:160]

    def _through(
        self, frames: Sequence[Frame], volume: Volume, cost: float, last: Frame
    ) -> Iterator[Way]:
        *first, end = frames
        now: Volume | None = volume
        done: list[Layer] = []
        for frame in first:
            layer, more = next(self.variants(frame))
            done.append(layer)
            now, cost = layer.out(now) if now else None, cost + more
        if now is None:
            return
        for layer, more in self.variants(end):
            out = layer.out(now)
            if out is not None:
                yield Way(
                    (*done, layer),
                    now,
                    volume,
                    out,
                    cost + more,
                    "filters" in last.said or last.net is not None,
                )

    # --- volumes --------------------------------------------------------------------------------

    def volume(self, said: Volume, at: int, ways: Sequence[Way] | None = None) -> Judged:
        """Whether a volume that the notes claim comes out."""
        ways = self.ways(at) if ways is None else ways
        explanations, best = [], []
        for way in ways:
            made = list(self._compared(said, at, way))
            explanations += made
            best.append((way.cost, made[0].derivation if made else self.derivation(way)))
        if not ways:
            return Judged(UNKNOWN)
        result = judged(explanations, best)
        if result.mark == UNKNOWN and not any(one.right and one.cost < FAR for one in explanations):
            near = [way for way in ways if way.cost < 0.8]
            differs = all(said.sides and not self._sides(said, way.out) for way in near) and all(
                way.out.sides
                and abs(way.out.sides[0] - said.sides[0]) <= max(2, way.out.sides[0] // 6)
                for way in near[:1]
            )
            return unexplained(best) if differs and self.short else result
        return result

    def depth(self, one: Mention) -> Judged:
        """Whether as many channels come out as are claimed: one for each filter."""
        counts = [
            (two.one, 0.0)
            for two in self.here.mentions
            if two.role == "filters" and two.sizes and two.start != one.start
        ]
        counts += [
            (frame.layer.filters, 0.1 + frame.cost)
            for frame in self.here.frames
            if frame.layer.weighted and frame.layer.filters
        ]
        for cost, heard in self.scene.back():
            counts += [
                (frame.layer.filters, cost)
                for frame in reversed(heard.frames)
                if frame.layer.weighted and frame.layer.filters
            ]
            if counts:
                break
        for value, _ in counts[:1]:
            made = Derivation(value, f"{value:,} filters: {value:,}", 0.0)
            return Judged(TRUE if value == one.one else UNKNOWN, made)
        return Judged(UNKNOWN)

    def derivation(self, way: Way) -> Derivation:
        """How a way computes its sides."""
        layer = way.layers[-1]
        if not layer.windowed:
            relation = (
                "·".join(f"{one:,}" for one in way.before.terms) if layer.kind == "flatten" else "1"
            )
            return Derivation(
                way.out.values,
                f"{relation} = {way.out.values:,}",
                way.cost,
                worked=Worked("size", way.layers, way.start),
            )
        sides = list(dict.fromkeys(zip(way.before.sides, way.out.sides, strict=True)))
        shown = "; ".join(
            f"{layer.relation(side, axis)} = {out:,}" for axis, (side, out) in enumerate(sides[:3])
        )
        assumed = ""
        return Derivation(
            hash((way.out.sides, way.out.depth)),
            shown,
            way.cost,
            assumed=assumed,
            worked=Worked("size", way.layers, way.start),
        )

    def _compared(self, said: Volume, at: int, way: Way) -> Iterator[Explanation]:
        """Whether a way gives a volume, by itself or with a mistake."""
        made = self.derivation(way)
        if way.layers[-1].kind == "flatten" and not said.sides and said.depth:
            said = Volume((said.depth,))
        sides = self._sides(said, way.out)
        depth, more = self._depth(said, at, way)
        if sides and depth:
            yield Explanation(way.cost + more, True, made)
        elif sides and depth is False:
            words = (
                "channels changed by a pooling"
                if way.layers[-1].kind == "pool"
                else "not as many channels as filters"
            )
            if said.depth == way.before.depth and way.layers[-1].kind != "pool":
                words = "the channels of the input"
            yield Explanation(
                way.cost + MISTAKE + more,
                False,
                replace(made, relation=f"{made.relation}; {way.out.shown}"),
                words,
            )
        elif not sides and depth is not False and said.sides and way.layers[-1].windowed:
            for words in self._wrong_sides(said, way):
                yield Explanation(
                    way.cost + MISTAKE + more + (0.2 if "off" in words else 0.0), False, made, words
                )
                break

    def _sides(self, said: Volume, out: Volume) -> bool:
        if not said.sides:
            return True
        if len(said.sides) == 1:
            return {*said.sides} == {*out.sides}
        if len(out.sides) == 1 and said.sides == (*out.sides, 1) or said.sides == (1, *out.sides):
            return True
        return said.sides == out.sides

    def _depth(self, said: Volume, at: int, way: Way) -> tuple[bool | None, float]:
        """Whether the channels are right, None if that is not known, and what it costs."""
        if said.depth is None:
            return True, 0.0
        if way.out.depth is not None:
            right = way.out.depth == said.depth
            return right, 0.0 if right or way.firm or way.layers[-1].kind == "pool" else 0.4
        if way.layers[-1].kind == "pool":
            return True, 0.2
        counts = self._filters(at)
        found = [cost for value, cost in counts if value == said.depth]
        if found:
            return True, found[0]
        if said.depth == 1 and not [one for one in counts if one[1] < 0.2]:
            return True, 0.3
        if not [one for one in counts if one[1] < 0.2] and _ONE_FILTER.search(self.lower):
            return False, 0.2
        own = any("kernel" in frame.said for frame in self.here.frames)
        if counts and counts[0][1] < (0.1 if own else 0.5):
            return False, 0.6 + counts[0][1]
        if counts and own:
            return True, 0.6
        if not counts and way.before.depth == said.depth and said.depth > 1:
            return None, 0.9
        return (True, 0.4) if not counts else (None, 0.9)

    def _filters(self, at: int) -> list[tuple[int, float]]:
        """Numbers of filters that are said apart from the layer."""
        made = [
            (one.one, 0.05)
            for one in self.here.mentions
            if one.role in ("filters", "maps", "units") and one.sizes and one.start != at
        ]
        made += [
            (one.one, 0.2)
            for one in self.here.mentions
            if one.role == "number" and one.sizes and one.start != at and one.one > 1
        ]
        for cost, heard in self.scene.back():
            made += [
                (one.one, cost)
                for one in reversed(heard.mentions)
                if one.role in ("filters", "maps") and one.sizes
            ]
            if len(made) > 3 or cost > 0.7:
                break
        return made

    def _wrong_sides(self, said: Volume, way: Way) -> Iterator[str]:
        layer, sides = way.layers[-1], said.sides
        if len(sides) == 1:
            sides *= len(way.before.sides)
        if len(sides) != len(way.before.sides):
            return
        found: set[str] | None = None
        for axis, (size, claimed, out) in enumerate(
            zip(way.before.sides, sides, way.out.sides, strict=True)
        ):
            words = [
                one.words for one in side_mistakes(layer, size, axis) if one.value == claimed != out
            ]
            if claimed == out:
                continue
            found = {*words} if found is None else found & {*words}
        yield from list(dict.fromkeys(found or ()))

    # --- receptive fields -----------------------------------------------------------------------

    def field(self, one: Mention) -> Judged:
        """Whether a unit sees as much as is claimed."""
        if len({*one.sizes[:2]}) > 1 or not one.sizes:
            return Judged(UNKNOWN)
        if _LABEL.search(self.lower) and not (self.here.frames or self.scene.referred()):
            return Judged(UNKNOWN)  # a unit of a layer that nothing here has described
        said = one.sizes[0]
        explanations: list[Explanation] = []
        ways: list[tuple[float, Derivation]] = []
        for layers, cost in self.stacks(one):
            if cost > 3 or not layers or sum(layer.times for layer in layers) > 400:
                continue
            terms, size = field(layers)
            made = Derivation(size, f"{terms} = {size:,}", cost, worked=Worked("field", layers))
            ways.append((cost, made))
            if size == said:
                explanations.append(Explanation(cost, True, made))
            for wrong in field_mistakes(layers, size):
                if wrong.value == said != size:
                    more = 0.5 if "off" in wrong.words or "layer too" in wrong.words else 0.0
                    explanations.append(
                        Explanation(cost + MISTAKE + more, False, made, wrong.words)
                    )
        result = judged(explanations, ways)
        if result.mark == UNKNOWN and not any(one.right and one.cost < FAR for one in explanations):
            return unexplained(ways, one.number, 0.6) if self.short else result
        return result

    def stacks(self, one: Mention) -> Iterator[tuple[tuple[Layer, ...], float]]:
        """Layers that a unit may look through."""
        rates = self.dilations()
        own = [
            frame
            for frame in self.here.frames
            if frame.layer.windowed and frame.layer.kernel and (frame.said or not frame.changed)
        ]
        if self.here.row >= 0:
            yield from self._rows(own)
            return
        before = [frame for frame in own if frame.start < one.start]
        last = [
            two.end for two in self.here.mentions if two.role == "field" and two.end <= one.start
        ]
        since = [frame for frame in before if frame.start >= max(last, default=0)]
        if rates:
            kernel = (
                own
                or [
                    frame
                    for _, heard in self.scene.back()
                    for frame in reversed(heard.frames)
                    if frame.layer.kernel
                ][:1]
            )
            if kernel:
                yield (
                    tuple(
                        replace(kernel[0].layer, stride=(1,), dilation=rate, times=1)
                        for rate in rates
                    ),
                    0.0,
                )
        many = self._times(one)
        base = (before or self._earlier() or own)[-1:]
        for count, cost in many:
            if base:
                yield (replace(base[0].layer, times=count),), cost + (0.0 if own else 0.2)
        mixed = 0.3 if many else 0.0
        if since:
            yield tuple(frame.layer for frame in since), 0.05 + mixed
        if before and before != since:
            yield tuple(frame.layer for frame in before), 0.2 + mixed
        if own and not before:
            yield tuple(frame.layer for frame in own), 0.15 + mixed
        elif own != before:
            yield tuple(frame.layer for frame in own), 0.6 + mixed
        for frame in own:
            if frame.layer.dilation is None:
                for rate, cost in self.settings("dilation"):
                    yield (replace(frame.layer, dilation=rate),), 0.1 + cost
        for frame in (*own, *self.scene.referred()):
            if frame.net is not None:
                yield (
                    tuple(layer for layer in frame.net.layers[: frame.index + 1] if layer.windowed),
                    0.0,
                )
        yield from self._before(own, counted=bool(many))

    def _before(
        self, own: list[Frame], *, counted: bool
    ) -> Iterator[tuple[tuple[Layer, ...], float]]:
        """The layers of the parts before, with those of this one behind them."""
        layers = tuple(frame.layer for frame in own)
        loose = 2.0 if own or counted else 0.0
        joined = 0.1 if not loose else 0.4 if _FURTHER.search(self.lower) else 3.0
        listed: tuple[Layer, ...] = ()
        for cost, heard in self.scene.back():
            found = tuple(
                frame.layer
                for frame in heard.frames
                if frame.layer.windowed and frame.layer.kernel and frame.start >= 0
            )
            if not found:
                continue
            if heard.row >= 0:
                break
            layers = (*found, *layers)
            if own and any(two.role == "field" for two in heard.mentions):
                listed = layers  # items of a list, each with what its units see
                continue
            yield found, cost + loose
            if len(found) > 1 or own:
                yield found[-1:], cost + 0.3 + loose
            if listed:
                break
            yield layers, cost + joined
            if cost > 0.5:
                break
        if listed:
            yield listed, 0.2

    def _earlier(self) -> list[Frame]:
        for _, heard in self.scene.back():
            found = [frame for frame in heard.frames if frame.layer.windowed and frame.layer.kernel]
            if found:
                return found
        return []

    def _times(self, one: Mention) -> list[tuple[int, float]]:
        """How many layers are meant: after three it is 7 × 7."""
        made: list[tuple[int, float]] = []
        last = [
            two.end for two in self.here.mentions if two.role == "field" and two.end <= one.start
        ]
        since = max(last, default=0)
        nth = _NTH.finditer(self.lower[since : one.start])
        made += [(_ORDER.index(found[1]) + 1, 0.0) for found in nth]
        for two in self.here.mentions:
            if (
                two.role in ("number", "times")
                and two.sizes
                and since <= two.start < one.start
                and 0 < two.one < 100
            ):
                own = [frame for frame in self.here.frames if since <= frame.start < one.start]
                words = re.search(
                    r"(?:\b(?:after|with|stack\w*|of|are|and|but|for|by)|[→:;,])\W*$",
                    self.lower[: two.start],
                )
                if re.match(r"\s*[-+·*/=)]", self.lower[two.end :]) or re.search(
                    r"[-+·*/=(]\s*$", self.lower[: two.start]
                ):
                    continue
                if two.role == "times" and not own or two.role == "number" and words and not own:
                    made.append((two.one, 0.05))
        return made[::-1]

    def _rows(self, own: list[Frame]) -> Iterator[tuple[tuple[Layer, ...], float]]:
        """The layers of a table's rows down to this one."""
        rows: list[Heard] = []
        for heard in reversed(self.scene.parts[-FAR_BACK:-1]):
            if heard.row < 0 or self.here.row == 0 or (rows and rows[-1].row == 0):
                break
            rows.append(heard)
        layers = [
            frame.layer
            for heard in reversed(rows)
            for frame in heard.frames[:2]
            if frame.layer.windowed and frame.layer.kernel
        ]
        mine = [frame.layer for frame in own]
        if mine and max(layer.times for layer in mine) > 1:
            yield tuple(mine), 0.0
            yield (*layers, *mine), 0.5
            return
        named = re.search(
            r"conv|pool|layer|block", " ".join(heard.lower for heard in (*rows, self.here))
        )
        counted = [
            two.one for two in self.here.mentions if two.role in ("number", "times") and two.sizes
        ]
        if counted and not mine:
            base = self._earlier()[-1:]
            for count in counted[:1]:
                if base and count < 200:
                    yield (replace(base[0].layer, times=count),), 0.2
        yield (*layers, *mine), 0.0 if named else 0.3
        if mine and rows:
            yield tuple(mine), 0.5

    def dilations(self) -> list[int]:
        """A list of dilations in this part, or in the one before: 1, 2, 4, …, 512 too."""
        found = dilations(self.lower)
        if not found:
            for cost, heard in self.scene.back():
                if cost > 0.35:
                    break
                found = found or dilations(heard.lower)
        return found

    def carried(self) -> list[Held]:
        """The volumes behind the layers of this part, as they should be."""
        made: list[Held] = []
        if not self.here.frames or self.here.heading:
            return made
        stated = [one for one in self.here.volumes if one.out]
        frames = [
            one
            for one in self.here.frames
            if one.layer.windowed or one.layer.kind in ("global", "flatten")
        ]
        if not frames or stated or len(frames) > 3:
            return made
        at = max([one.end for one in frames] + [one.end for one in self.here.volumes]) + 1
        if len(frames) > 1:
            group = tuple(frames)
            inputs = list(self.inputs(group, at))[:1]
            ways = [
                way
                for volume, far in inputs
                for way in self._through(group, volume, far, group[-1])
            ]
        else:
            ways = [way for way in self.ways(at) if way.cost <= SURE]
        for frame, way in zip(frames, ways[:1], strict=False):
            frame.fed = frame.fed or way.start
            if not frame.said & {"kernel", "filters"} and frame.changed and not frame.said:
                continue
            depth = way.out.depth
            if depth is None and way.layers[-1].kind != "pool":
                counts = [value for value, cost in self._filters(at) if cost < 0.1]
                depth = counts[0] if counts else None
            made.append(
                Held(
                    Volume(way.out.sides, depth),
                    at,
                    at,
                    self.here.index,
                    cost=0.4 if frames[0].changed else 0.15,
                    maker=frames[-1].base or frames[-1].layer,
                )
            )
        return made


_FURTHER = re.compile(
    r"\b(?:then|next|further|append|add|after that|followed|another|one more|finally|on top|behind"
    r"|again|now)\b"
)
_LABEL = re.compile(r"\b(?:conv|pool|block|layer)[-_ ]?\d")
_ORDER = ("first", "second", "third", "fourth", "fifth", "sixth")
_NTH = re.compile(rf"\b({'|'.join(_ORDER)}) (?:such |\d+ ?[×x] ?\d+ )?(?:conv\w*|layer|one)\b")
_DILATIONS = re.compile(
    r"(?:dilat\w*|rates?)\D{0,30}?"
    r"((?:\d+(?:\s*,\s*(?:and )?|\s+and\s+|\s*[-/]\s*)){1,}(?:…|\.\.\.|\d+)(?:\s*,\s*\d+)?)"
)


_SPELLED = {"one": 1, "two": 2, "three": 3, "four": 4, "six": 6, "eight": 8}


def dilations(lower: str) -> list[int]:
    """A list of dilations, 1, 2, 4, …, 512 too; empty without one."""
    lower = re.sub(
        r"\b(?:one|two|three|four|six|eight)\b", lambda word: str(_SPELLED[word[0]]), lower
    )
    found = _DILATIONS.search(lower)
    if found is None:
        return []
    numbers = [int(one) for one in re.findall(r"\d+", found[1])]
    if ("…" in found[1] or "..." in found[1]) and len(numbers) > 2 and numbers[1] == 2 * numbers[0]:
        head, last = numbers[:-1], numbers[-1]
        while 0 < head[-1] * 2 <= last and len(head) < 40:
            head.append(head[-1] * 2)
        numbers = head if head[-1] == last else []
    return [one for one in numbers if 0 < one < 10**5]
