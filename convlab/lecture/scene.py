"""What notes have said so far: volumes, layers and networks, in the order in which they stand.

Each part of the notes, a sentence, a row of a table or a program, adds to the scene.  A layer may
take over what it does not say from the one before it, so "the same with stride 2" is a layer too.
What a number can be about is found here with a cost: nothing if its own sentence says it, more the
further back it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from convlab.lecture import networks
from convlab.lecture.code import Net
from convlab.lecture.equations import Chain
from convlab.lecture.grids import Grid
from convlab.lecture.layers import DEPTHWISE, FULL, SAME, Layer, Volume
from convlab.lecture.mentions import COUNTS, Mention
from convlab.lecture.words import (
    COLOURS,
    FULL_PADDING,
    GENERAL,
    NO_PADDING,
    ROW,
    SAME_PADDING,
    THREE_D,
    UNIT_STRIDE,
    biased,
)

MOST = 10**6
"""No kernel, stride or number of channels is as large."""
FAR_BACK = 60
"""How many parts are looked through at the most."""
WINDOW = 14
"""How many parts back that say something a number may be about."""


@dataclass
class Frame:
    """A layer as a part of the notes gives it; ``said``: the fields that stand right there.

    ``volume``: what goes into it, if it is one of a ``net``; ``cost``: of what it takes over.
    """

    layer: Layer
    start: int
    end: int
    part: int
    said: frozenset[str] = frozenset()
    cost: float = 0.0
    volume: Volume | None = None
    net: Net | None = None
    index: int = 0
    fed: Volume | None = None
    """What it was found to work on."""
    base: Layer | None = None
    """The layer that it changes."""
    changed: bool = False
    """Whether it is the layer before with other settings."""


@dataclass
class Held:
    """A volume with its place; ``out``: the notes claim it as a result."""

    volume: Volume
    start: int
    end: int
    part: int
    out: bool = False
    given: bool = False
    cost: float = 0.0
    maker: Layer | None = None
    """The layer behind which it was computed."""


@dataclass
class Heard:
    """A part of the notes: what stands in it."""

    index: int
    section: int
    text: str
    mentions: list[Mention] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    volumes: list[Held] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    row: int = -1
    heading: bool = False
    code: bool = False
    silent: bool = False
    network: str = ""
    cells: str = ""
    """A row without its headings, in lower case."""

    @property
    def lower(self) -> str:
        return self.text.lower()

    @property
    def full(self) -> bool:
        """Whether it says anything that others may be about."""
        return bool(self.frames or self.volumes or self.mentions or self.code)


_DENSE = (
    r"\bdense(?:ly)?\b|\bfully[- ]connected|\bfc[-_ ]?\d*\b|\blinear layer|\bsoftmax layer"
    r"|\bnn\.linear"
)
_OPS = [
    (
        "global",
        (
            r"\bglobal (?:\w+[- ])?pool\w*|\baverag\w+ (?:\w+ ){0,4}?over all (?:its |their "
            r"|the )?positions"
        ),
    ),
    ("flatten", r"\bflatten\w*|\bunroll\w*|\bvectori[sz]e\w*"),
    ("pool", r"\b(?:max|average|avg|mean)?[- ]?pool(?:ing|s)?\d?(?![a-z])|\bsubsampling"),
    ("transposed", r"\btransposed|\bdeconv\w*|\bup-?conv\w*"),
    (
        "depthwise",
        r"\bdepthwise\b(?![- ]separable)|\bone (?:\d+ ?[×x] ?\d+ )?filter (?:per|for each) channel",
    ),
    ("pointwise", r"\bpointwise\b"),
    ("dense", _DENSE),
    ("conv", r"\bconv(?:olutions?|olutional layer|s)?\b(?!net)"),
]
_WORKS = [
    ("transposed", r"transposed|deconv|up-?conv|fractionally|\badjoint"),
    ("pool", r"pool|subsampl"),
    ("conv", r"(?<!transposed )(?<!strided )\bconv(?!net)|\bdilat"),
]
_SETTINGS = (
    "stride",
    "padding",
    "dilation",
    "groups",
    "filters",
    "inputs",
    "maps",
    "units",
    "times",
)
_ORDINALS = {
    **{word: n for n, word in enumerate(("first", "second", "third", "fourth", "fifth", "sixth"))},
    **{f"{n + 1}{end}": n for n, end in enumerate(("st", "nd", "rd", "th", "th"))},
    "last": -1, "final": -1, "next-to-last": -2, "penultimate": -2,
}  # fmt: skip
_ORDINAL = re.compile(
    rf"\b({'|'.join(sorted(_ORDINALS, key=len, reverse=True))}) (?:of the )?(?:max[- ]?|average "
    rf"|hidden |\d+ ?[×x] ?\d+ )?"
    r"(conv\w*|pool\w*|dense|linear|fully[- ]connected|fc|layer|transposed)"
)
_KINDS = [
    ("conv", r"conv"),
    ("pool", r"pool"),
    ("dense", r"dense|linear|fully|fc"),
    ("transposed", r"transposed"),
    ("flatten", r"flatten"),
]


_THEN_FILTERS = re.compile(r"\W*(?:,|@|-)\W*|\W*(?:back |down |up |again )*to ")
_READS = re.compile(r"\b(?:on|from|over|of)\W*$")
_BREAK = re.compile(r"[.;:→]|\b(?:then|followed by|against|behind)\b|, (?:but|while)\b")
_AND = re.compile(r"\band an?\b|, and\b")
_OF_SIZE = re.compile(r"(?:filters?|kernels?|of|,|^)\W*(?:of size|of|size|with|each)?\W*$")


class Scene:
    """What has been said, part by part."""

    def __init__(self) -> None:
        self.parts: list[Heard] = []
        self.nets: list[Net] = []
        self.names: dict[str, Frame] = {}
        self.counts: list[tuple[int, Fraction, str]] = []
        """Counts that are claimed, as they should be, with the part and the role."""
        self.convention: bool | None = None
        self.biases_counted = False
        """Whether parameters were counted with biases before."""
        self.noun = ""
        self.grids: dict[str, Grid] = {}

    @property
    def here(self) -> Heard:
        return self.parts[-1]

    def counted(self, *roles: str) -> list[int]:
        """The counts of the last parts, or those of some roles, the latest first."""
        return [
            int(value)
            for part, value, role in reversed(self.counts[-40:])
            if self.here.index - part < 24 and value >= 1 and (not roles or role in roles)
        ]

    def speaks(self, pattern: re.Pattern, back: int = 3) -> bool:
        """Whether this part or one of those just before it has such a word."""
        return any(pattern.search(heard.lower) for heard in self.parts[-1 - back :])

    @property
    def axes(self) -> int:
        """How many sides volumes have here: 1, 2 or 3."""
        if self.speaks(THREE_D, 6):
            return 3
        volumes = [one for heard in self.parts[-8:] for one in heard.volumes]
        flat = bool(volumes) and len(volumes[-1].volume.sides) == 1
        return 1 if flat or (not volumes and self.speaks(ROW, 5)) else 2

    # --- hearing --------------------------------------------------------------------------------

    def hear(self, heard: Heard) -> None:
        """Take in the next part: its volumes and layers."""
        self.parts.append(heard)
        stated = biased(heard.lower)
        if stated is not None and heard.row < 0 and GENERAL.search(heard.lower):
            self.convention = stated
        heard.volumes = [made for one in heard.mentions if (made := self._held(one))]
        self._depths()
        heard.frames += self._frames()
        if not any("kernel" in frame.said for frame in heard.frames) or heard.row >= 0:
            self._refer()
        self._chain()
        self._name()
        heard.frames.sort(key=lambda one: one.start)

    def _held(self, one: Mention) -> Held | None:
        here = self.here.index
        if one.role == "side" and one.sizes and one.one > 1:
            sides = (
                (one.one,) if self.axes == 1 or re.search(ROW, self.here.lower) else (one.one,) * 2
            )
            return Held(Volume(sides), one.start, one.end, here, one.out, one.given)
        if one.role != "volume" or not one.sizes or 0 in one.sizes:
            return None
        return Held(self.volume(one.sizes), one.start, one.end, here, one.out, one.given)

    def volume(self, sizes: tuple[int, ...]) -> Volume:
        """Sides and channels of a size: channels first where only the last two are the same."""
        axes = self.axes if len(sizes) == 3 else 2
        if len(sizes) == 4:
            if sizes[1] != sizes[2] == sizes[3]:
                return Volume(sizes[2:], sizes[1])
            return Volume(sizes[:3], sizes[3]) if self.axes == 3 else Volume(sizes[1:3], sizes[3])
        if len(sizes) == 3 and axes != 3:
            first = re.search(
                r"channels?\W+(?:height|width|h\b|rows)|\bc ?[×x,] ?h ?[×x,] ?w", self.here.lower
            )
            if first or sizes[0] != sizes[1] == sizes[2]:
                return Volume(sizes[1:], sizes[0])
            return Volume(sizes[:2], sizes[2])
        return Volume(sizes)

    def _depths(self) -> None:
        """Channels that the words beside a volume say: 28 × 28 with 32 channels, an RGB image."""
        here = self.here
        for held in here.volumes:
            if held.volume.depth is not None:
                continue
            for one in here.mentions:
                if one.role not in ("maps", "inputs", "depth", "filters") or len(one.sizes) != 1:
                    continue
                gap = (
                    here.lower[held.end : one.start]
                    if one.start >= held.end
                    else here.lower[one.end : held.start]
                )
                joined = one.start >= held.end and re.fullmatch(
                    r"(?:\W|\b(?:with|image|map|maps|of|depth|volume|in|input|pixels?|and|feature"
                    r"|which|that|has|each|at|rgb|a)\b)*",
                    gap,
                )
                ahead = (
                    one.start < held.start
                    and re.fullmatch(
                        r"\W*(?:(?:feature )?maps of|channels of|planes of)?\W*(?:size)?\W*",
                        gap,
                    )
                    and (
                        one.role == "maps"
                        or re.match(r"(?: feature)? maps", here.lower[held.end :])
                    )
                )
                if joined or ahead:
                    held.volume = Volume(held.volume.sides, one.one)
                    break
            else:
                if not held.out or held.given:
                    for value, pattern in COLOURS:
                        if re.search(pattern, here.lower):
                            held.volume = Volume(held.volume.sides, value)
                            break

    def _frames(self) -> list[Frame]:
        here = self.here
        anchors: list[tuple[int, int, str, Mention | None]] = [
            (one.start, one.end, one.operation, one)
            for one in here.mentions
            if one.role == "kernel" and one.sizes and min(one.sizes) > 0 and max(one.sizes) < MOST
        ]
        anchors = sorted([*anchors, *self._ops(anchors)], key=lambda one: one[0])
        settings = [
            one for one in here.mentions if one.role in (*_SETTINGS, "number") and one.sizes
        ]
        made = [self._anchored(anchor) for anchor in anchors]
        if not made:
            changed = self._changed(settings)
            return [changed] if changed else []
        self._attach(made, settings)
        made += self._unpadded(made)
        for frame in made:
            self._take_over(frame, len(made))
        return made

    def _ops(self, kernels: list) -> Iterator[tuple[int, int, str, None]]:
        """Words for layers without a kernel beside them."""
        lower = self.here.lower
        taken: list[tuple[int, int]] = []
        for kind, pattern in _OPS:
            for found in re.finditer(pattern, lower):
                if any(a < found.end() and found.start() < b for a, b in taken):
                    continue
                taken.append(found.span())
                beside = [one for one in kernels if self._beside(one, found, kind)]
                again = re.search(
                    r"(?:weights|parameters?|biases) (?:of|in) (?:a |the )?$",
                    lower[: found.start()],
                )
                if beside or (again and kind == "conv"):
                    continue
                if kind == "conv" and not (
                    self.here.row >= 0
                    or any(
                        one.role in ("filters", "stride", "padding") for one in self.here.mentions
                    )
                ):
                    continue
                yield found.start(), found.end(), kind, None

    def _beside(self, anchor: tuple, found: re.Match, kind: str) -> bool:
        start, end, operation, _ = anchor
        between = self.here.lower[min(end, found.end()) : max(start, found.start())]
        same = (
            kind in (operation or "conv", "depthwise", "pointwise", "conv", "transposed")
            or kind == operation
        )
        if self.here.row >= 0 and kind in ("pool", "conv", "transposed"):
            return True
        if kind in ("depthwise", "pointwise", "dense", "flatten", "global") and kind != operation:
            same = kind in ("depthwise", "pointwise") and len(between) < 40
        return same and (self.here.row >= 0 or not re.search(r"[.;→]| then | and then ", between))

    def _anchored(self, anchor: tuple) -> Frame:
        start, end, operation, one = anchor
        lower = self.here.lower
        layer = Layer("conv")
        said = {"kernel"} if one is not None else set()
        if one is not None:
            kernel, depth = one.sizes, None
            if len(kernel) == 4:
                layer = Layer("conv", kernel[2:], inputs=kernel[1], filters=kernel[0])
                return Frame(
                    layer, start, end, self.here.index, frozenset(("kernel", "inputs", "filters"))
                )
            if len(kernel) == 3 and self.axes != 3:
                kernel, depth = kernel[:2], kernel[2]
            if len(kernel) == 1 and self.axes == 2:
                kernel *= 2
            near = lower[max(0, start - 34) : end + 34]
            kind = operation or self._kind(start, end)
            layer = Layer(kind, kernel, inputs=depth, times=one.times)
            said |= {"inputs"} if depth else set()
            if (
                re.search(
                    r"depthwise(?![- ]separable)|(?:per|for each|one for every) channel", near
                )
                and kind == "conv"
            ):
                layer = replace(layer, groups=DEPTHWISE)
        elif operation == "pointwise":
            layer, said = Layer("conv", (1, 1)), {"kernel"}
        elif operation == "depthwise":
            layer = Layer("conv", groups=DEPTHWISE)
        else:
            layer = Layer(operation)
        return Frame(layer, start, end, self.here.index, frozenset(said))

    def _kind(self, start: int, end: int) -> str:
        """What a kernel does that no word names: as the nearest word says, or the parts before."""
        lower = self.here.cells or self.here.lower
        if self.here.cells:
            start = end = 0
        found = [(m.start(), kind) for kind, pattern in _WORKS for m in re.finditer(pattern, lower)]
        if found:
            stops = [m.start() for m in re.finditer(r"[.;]|, and\b|\bthen\b", lower)]
            costs = [
                (
                    abs(at - start)
                    + 60 * sum(min(at, start) < stop < max(at, start) for stop in stops)
                    + (15 if at > end else 0),
                    kind,
                )
                for at, kind in found
            ]
            cost, kind = min(costs)
            return kind if cost < 100 or self.here.cells else "conv"
        near = [
            one for one in self.parts[-20:-1] if one.heading and one.section == self.here.section
        ] + self.parts[-3:-1]
        called = re.match(r"s? ?(?:[a-z-]+ ){0,2}?(?:kernel|filter|stamp)", lower[end:])
        for heard in near:
            text = heard.lower if heard.section == self.here.section else ""
            if re.search(_WORKS[0][1], text):
                return "transposed"
            pooled = re.search(_WORKS[1][1], text) and not re.search(_WORKS[2][1], text)
            done = any(one.layer.kind == "pool" and one.layer.kernel for one in heard.frames)
            if pooled and not called and (heard.heading or not done):
                return "pool"
        return "conv"

    def _attach(self, frames: list[Frame], settings: list[Mention]) -> None:
        """Each setting to the layer that it stands at."""
        lower, row = self.here.lower, self.here.row >= 0
        for one in settings:
            before = [frame for frame in frames if frame.start <= one.start]
            if one.role == "number":  # 3 × 3, 64 and 1 × 1 to 64
                gap = lower[before[-1].end : one.start] if before else ""
                if before and before[-1].layer.kind == "conv" and _THEN_FILTERS.fullmatch(gap):
                    self._set(before[-1], replace(one, role="filters"))
                continue
            owner = self._owner(frames, one)
            if before and not row and self._resulted(owner, one):
                said = owner.said - {one.role}
                owner = replace(
                    owner,
                    start=one.start,
                    end=one.end,
                    changed=True,
                    said=said,
                    cost=owner.cost + 0.05,
                )
                frames.append(owner)
                frames.sort(key=lambda frame: frame.start)
            if row or one.role != "times" or abs(owner.start - one.end) <= 45:
                self._set(owner, one)
        maps = [one for one in settings if one.role == "maps"]
        if len(frames) == len(maps) == 1 and maps[0].start < frames[0].start:
            layer, said = frames[0].layer, frames[0].said
            filtered = layer.kind == "conv" and "filters" in said and "inputs" not in said
            if filtered and maps[0].one != layer.filters:
                self._set(frames[0], replace(maps[0], role="inputs"))

    def _unpadded(self, frames: list[Frame]) -> list[Frame]:
        """The layer of another case: needs padding 2; without padding it shrinks to 16 × 16."""
        lower = self.here.lower
        made = []
        for found in NO_PADDING.finditer(lower):
            before = [
                frame for frame in frames if frame.end < found.start() and frame.layer.padding
            ]
            if before and re.search(
                r"[;:]|, (?:but|and|or)\b", lower[before[-1].end : found.start()]
            ):
                layer = replace(before[-1].layer, padding=0)
                other = replace(before[-1], layer=layer, changed=True, base=before[-1].layer)
                other.start, other.end = found.span()
                made.append(other)
        return made

    def _owner(self, frames: list[Frame], one: Mention) -> Frame:
        """The layer that a setting is for: the one before it, or one right behind it."""
        lower = self.here.lower
        before = [frame for frame in frames if frame.start <= one.start]
        after = [frame for frame in frames if frame.start > one.start]
        if not after and one.role == "inputs" and _READS.search(lower[: one.start]):
            return frames[0]
        if not before or not after or self.here.row >= 0:
            return before[-1] if before else after[0]
        gap, ahead = lower[before[-1].end : one.start], lower[one.end : after[0].start]
        counts = one.role in ("filters", "times")
        broken = len(ahead) < 45 and (_BREAK.search(gap) or counts and _AND.search(gap))
        forward = counts and len(ahead) <= 28 and not re.search(r"[.;:→]", ahead)
        forward = forward and _OF_SIZE.search(ahead) is not None
        blocked = re.search(r"[.;→]|\bthen\b", ahead)
        return after[0] if (broken or forward) and not blocked else before[-1]

    def _resulted(self, owner: Frame, one: Mention) -> bool:
        """Whether a result of the layer stands in front of a setting: another case then."""
        return one.role in ("stride", "padding", "dilation", "groups") and any(
            owner.end <= two.start
            and two.end <= one.start
            and (two.role in COUNTS or two.role == "volume" and two.out)
            for two in self.here.mentions
        )

    def _set(self, frame: Frame, one: Mention) -> None:
        layer, said = frame.layer, set(frame.said)
        role = one.role
        if role == "maps":
            return
        if role in ("units", "values") and layer.kind == "dense":
            role = "filters"
        value = one.one
        if role in said and role != "padding" or max(one.sizes) >= MOST:
            return
        if role == "stride" and min(one.sizes) > 0:
            frame.layer = replace(layer, stride=one.sizes)
        elif role in ("padding", "filters", "inputs", "dilation", "groups") and (
            value > 0 or role == "padding"
        ):
            changed: dict[str, Any] = {role: value}
            frame.layer = replace(layer, **changed)
        elif role == "times" and layer.times == 1 and 1 < value < 200:
            frame.layer = replace(layer, times=value)
        else:
            return
        frame.said = frozenset(said | {role})

    def _take_over(self, frame: Frame, many: int) -> None:
        """What words say without a number, and what a layer of the same kind said before."""
        lower, layer = self.here.lower, frame.layer
        said = set(frame.said)
        before = self.last(layer.kind)
        if layer.windowed and not layer.kernel:
            if before is None or (self.here.index - before.part > 40):
                layer = replace(layer, kernel=(2, 2)) if layer.kind == "pool" else layer
                frame.cost += 0.5
            else:
                old = before.layer
                layer = replace(
                    layer,
                    kernel=old.kernel,
                    stride=layer.stride or old.stride,
                    padding=layer.padding if layer.padding is not None else old.padding,
                    dilation=layer.dilation or old.dilation,
                )
                frame.cost += 0.1
                if re.search(r"\b(?:this|that|same)\W*$", lower[: frame.start]):
                    frame.fed, frame.changed, frame.base = before.fed, True, old
        elif (
            before is not None
            and said == {"kernel"}
            and before.layer.kernel == layer.kernel
            and "inputs" in before.said
            and not re.search(r"\b(?:another|second|next|then|again|two|three|four)\b", lower)
            and layer.times == 1
        ):
            layer = replace(before.layer)
            frame.fed, frame.changed = before.fed, True
        if before is not None and (
            same := re.search(r"\bsame ([a-z]+(?:, [a-z]+)*(?:,? and [a-z]+)?)", lower)
        ):
            if "stride" in same[1] and "stride" not in said:
                layer = replace(layer, stride=before.layer.stride)
            if "padding" in same[1] and "padding" not in said:
                layer = replace(layer, padding=before.layer.padding)
                said.add("padding")
            if re.search(r"input|image|picture|map", same[1]):
                frame.fed, frame.changed, frame.base = before.fed, True, before.layer
        near = (
            lower
            if many == 1
            else lower[max(0, frame.start - 60) : frame.end + (20 if frame.changed else 60)]
        )
        if "padding" not in said and layer.windowed and layer.kind != "pool":
            for value, pattern in ((FULL, FULL_PADDING), (SAME, SAME_PADDING), (0, NO_PADDING)):
                if pattern.search(near):
                    layer, said = replace(layer, padding=value), said | {"padding"}
                    break
        if not layer.stride and UNIT_STRIDE.search(near):
            layer, said = replace(layer, stride=(1,)), said | {"stride"}
        if "output padding" not in lower and layer.kind == "transposed":
            pass
        extra = [
            one.one for one in self.here.mentions if one.role == "output_padding" and one.sizes
        ]
        if extra and layer.kind == "transposed":
            layer = replace(layer, extra=extra[0])
        frame.layer, frame.said = layer, frozenset(said)

    def _changed(self, settings: list[Mention]) -> Frame | None:
        """The last layer with other settings: "add padding 2", "now with stride 2"."""
        lower = self.here.lower
        useful = [one for one in settings if one.role not in ("times", "maps", "units", "number")]
        useful = [one for one in useful if not (one.role == "inputs" and one.given)]
        words = NO_PADDING.search(lower) or SAME_PADDING.search(lower) or UNIT_STRIDE.search(lower)
        off = biased(lower)
        if not useful and not words and off is None:
            return None
        windowed = any(one.role in ("stride", "padding", "dilation") for one in useful) or words
        before = self.last("" if windowed else "weighted")
        if before is None:
            return None
        start = useful[0].start if useful else 0
        frame = Frame(
            before.layer,
            start,
            start,
            self.here.index,
            cost=0.1 if before.changed else before.cost + 0.1,
            volume=before.volume,
            fed=before.fed,
            changed=True,
            base=before.base or before.layer,
        )
        for one in useful:
            self._set(frame, one)
        if words:
            self._take_over(frame, 1)
        if off is not None and frame.layer.weighted:
            frame.layer = replace(frame.layer, bias=off)
        return frame if frame.layer != before.layer else None

    def _refer(self) -> None:
        """Layers that are called by name, in the place of what could only be guessed of them."""
        referred = self.referred()
        own = [
            frame
            for frame in self.here.frames
            if not frame.changed
            and (
                frame.layer.kind not in ("pool", "dense", "conv", "flatten")
                or frame.said & {"kernel", "filters"}
            )
        ]
        kinds = {frame.layer.kind for frame in referred}
        own += [
            frame
            for frame in self.here.frames
            if frame not in own
            and frame.layer.kind == "pool"
            and frame.layer.kernel
            and "pool" not in kinds
        ]
        if referred and not (self.here.row >= 0 and own):
            changed = [
                frame
                for frame in self.here.frames
                if frame.said
                and frame not in own
                and frame.layer.windowed
                and frame.said & {"stride", "padding", "dilation"}
            ]
            settings = [
                one
                for one in self.here.mentions
                if one.role in ("stride", "padding", "dilation") and one.sizes
            ]
            for frame in referred:
                if changed or settings:
                    for one in settings:
                        self._set(frame, one)
                if frame.layer.windowed and frame.layer.kind != "pool":
                    for value, pattern in ((SAME, SAME_PADDING), (0, NO_PADDING)):
                        if pattern.search(self.here.lower) and "padding" not in frame.said:
                            frame.layer = replace(frame.layer, padding=value)
            self.here.frames = [*own, *referred]

    def _chain(self) -> None:
        """The channels of layers in a row: each reads what the one before makes."""
        frames = [
            frame for frame in self.here.frames if frame.layer.kernel and frame.layer.kind == "conv"
        ]
        if len(frames) < 2 or not all(frame.layer.filters for frame in frames):
            return
        first = frames[0]
        if first.layer.inputs is None:
            said = [
                one.one
                for one in self.here.mentions
                if one.role in ("inputs", "maps") and one.sizes and one.end <= first.start
            ]
            depths = [
                held.volume.depth
                for heard in (self.here, *(one for _, one in self.back()))
                for held in reversed(heard.volumes)
                if held.volume.depth
            ]
            later = [
                one.one
                for one in self.here.mentions
                if one.role == "inputs" and one.sizes and one.start > frames[-1].end
            ]
            later += [
                one.one
                for _, heard in self.back()
                for one in heard.mentions
                if one.role in ("inputs", "maps") and one.sizes
            ][:1]
            known = [*said, *later, *depths]
            first.layer = replace(first.layer, inputs=known[0] if known else None)
        for before, frame in zip(frames, frames[1:], strict=False):
            if frame.layer.inputs is None:
                frame.layer = replace(frame.layer, inputs=before.layer.filters)

    def last(self, kind: str = "") -> Frame | None:
        """The last layer of a kind; "weighted" and nothing are kinds too."""
        for heard in reversed(self.parts[-60:]):
            for frame in reversed(heard.frames):
                layer = frame.layer
                fits = (
                    layer.kind == kind
                    or (kind == "weighted" and layer.weighted)
                    or (not kind and layer.windowed)
                )
                if (
                    fits
                    and (heard is not self.here or frame.start >= 0)
                    and (layer.kernel or layer.kind == "dense")
                ):
                    return frame
        return None

    _NAME = re.compile(r"(?:[a-z]{1,9}[-_ ]?\d{1,2}(?:_\d{1,2})?|s\d|c\d|f\d)\b")

    def _name(self) -> None:
        """Names that begin a row or an item and stand for its layer: C1, conv1_1, fc6."""
        here = self.here
        if not here.frames or here.heading:
            return
        start = re.sub(r"^[^:|]{0,20}: ", "", here.lower) if here.row >= 0 else here.lower
        found = self._NAME.match(start.lstrip("*_` "))
        if found and len(here.frames) == 1:
            self.names[found[0].replace("-", "").replace(" ", "")] = here.frames[0]

    # --- looking back ---------------------------------------------------------------------------

    def back(self) -> Iterator[tuple[float, Heard]]:
        """Earlier parts that say something, the nearest first, with what their distance costs."""
        steps, here = 0, self.here
        table = here.row >= 0
        for heard in reversed(self.parts[-FAR_BACK:-1]):
            if not heard.full:
                continue
            if here.row >= 0 and heard.row < 0:
                table = False
            steps += not (heard.row >= 0 and here.row >= 0 and table)
            if steps > WINDOW:
                return
            apart = 0.12 * min(here.section - heard.section, 3)
            yield 0.2 + 0.07 * min(steps, 6) + 0.02 * max(steps - 6, 0) + apart, heard

    def about_fields(self) -> bool:
        """Whether the notes speak of what units see: by the heading, or right before."""
        for heard in self.parts[-4:]:
            if (
                any(one.role == "field" for one in heard.mentions)
                and heard.section == self.here.section
            ):
                return True
        headings = [
            one for one in self.parts[-30:] if one.heading and one.section == self.here.section
        ]
        return any(
            re.search(r"receptive|field of view|can see|\bsees?\b", one.lower) for one in headings
        )

    def stated_bias(self, at: int) -> bool | None:
        """Whether the notes say that biases count for the number at a place."""
        lower = self.here.lower
        for text in (_clause(lower, at), lower if self.here.row < 0 else _cells(lower)):
            own = biased(text)
            if own is not None:
                return own
        return None

    def earlier_bias(self) -> bool | None:
        """What the parts before say of biases."""
        for cost, heard in self.back():
            own = biased(heard.lower)
            if (
                own is not None
                and not (heard.row >= 0 and self.here.row < 0)
                and (heard.section == self.here.section or cost < 0.5)
            ):
                return own
        return self.convention

    def referred(self) -> list[Frame]:
        """Layers that this part calls by a name, a label of a program, or an ordinal."""
        lower = self.here.lower
        found: list[Frame] = []
        for name in re.findall(r"[a-z]+[-_ ]?\d+(?:_\d+)?|[a-z]\w*", lower):
            frame = self.names.get(name.replace("-", "").replace(" ", ""))
            if frame is not None and re.search(r"\d", name) and frame.part != self.here.index:
                found.append(
                    replace(
                        frame,
                        start=lower.find(name),
                        end=lower.find(name),
                        part=self.here.index,
                        cost=0.05,
                    )
                )
        for net in self._nets():
            layers, volumes = net.filled(self._input(net))
            at = [
                n for n, names in enumerate(net.names) if any(_says(lower, name) for name in names)
            ]
            at += _by_ordinal(lower, layers)
            found += [
                Frame(
                    layers[n],
                    0,
                    0,
                    self.here.index,
                    frozenset(("kernel", "filters")),
                    0.05,
                    volumes[n],
                    net,
                    n,
                )
                for n in dict.fromkeys(at)
            ]
            if found:
                break
        return found

    def _nets(self) -> list[Net]:
        """Networks from the nearest on: those of programs, and a famous one that is named."""
        famous = [
            networks.net(heard.network)
            for heard in reversed(self.parts[-12:])
            if heard.network
            and heard.section == self.here.section
            or heard is self.here
            and heard.network
        ]
        own = [one for one in famous if one is not None][:1]
        return (
            [*own, *reversed(self.nets[-3:])]
            if self.here.network
            else [*reversed(self.nets[-3:]), *own]
        )

    def _input(self, net: Net) -> Volume | None:
        """What goes into a net that does not say it: a volume near it that fits its first layer."""
        first = next((one for one in net.layers if one.kind != "keep"), None)
        if net.input is not None or first is None:
            return net.input
        for heard in (self.here, *(one for _, one in self.back())):
            for held in reversed(heard.volumes):
                depth = held.volume.depth
                if (
                    held.cost == 0
                    and not held.out
                    and len(held.volume.sides) == 2
                    and (first.inputs is None or depth in (None, first.inputs))
                ):
                    return Volume(held.volume.sides, depth or first.inputs)
        return None


def _clause(lower: str, at: int) -> str:
    starts = [m.end() for m in re.finditer(r"[.;:]\s|, (?:and|but|or|while) |\|", lower[:at])]
    ends = [m.start() for m in re.finditer(r"[.;]\s|, (?:but|or|while) |\|", lower[at:])]
    return lower[max(starts, default=0) : at + min(ends, default=len(lower))]


def _cells(lower: str) -> str:
    return lower


def _says(lower: str, name: str) -> bool:
    if name.startswith("("):
        return name in lower
    return (
        len(name) > 1
        and re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", lower) is not None
        and bool(re.search(r"[\d_]", name) or re.search(rf"`{re.escape(name)}`", lower))
    )


def _by_ordinal(lower: str, layers: list[Layer]) -> list[int]:
    """The places of layers that are called the second convolution, the last pooling."""
    found: list[int] = []
    for match in _ORDINAL.finditer(lower):
        kind = next((one for one, pattern in _KINDS if re.match(pattern, match[2])), "")
        at = [
            n
            for n, layer in enumerate(layers)
            if (layer.kind == kind if kind else layer.windowed or layer.weighted)
        ]
        order = _ORDINALS[match[1]]
        if at and -len(at) <= order < len(at):
            found.append(at[order])
    if not found:
        for kind, pattern in (
            (
                "dense",
                (r"\b(?:the|its) (?:`?dense`?|linear|fully[- ]connected|fc) layer"),
            ),
            ("flatten", r"\b`?flatten`?\b"),
        ):
            at = [n for n, layer in enumerate(layers) if layer.kind == kind]
            if re.search(pattern, lower) and at:
                found.append(at[-1] if kind == "flatten" or len(at) == 1 else at[0])
    return found
