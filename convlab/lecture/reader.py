"""One pass through notes: each part is heard, what it claims is found and judged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from convlab.lecture import grids, networks
from convlab.lecture.code import Counted, Line, Net, Program
from convlab.lecture.counts import Counter, counted
from convlab.lecture.equations import Chain, assignments, chains, held
from convlab.lecture.judge import (
    FALSE,
    TRUE,
    UNKNOWN,
    Derivation,
    Judged,
    Worked,
    explained,
    judged,
    unexplained,
)
from convlab.lecture.layers import Layer, Volume
from convlab.lecture.mentions import COUNTS, Mention, convolved, mentions
from convlab.lecture.notes import Code, Row, Sentence
from convlab.lecture.plain import plain
from convlab.lecture.ratios import ratio
from convlab.lecture.scene import Frame, Heard, Held, Scene
from convlab.lecture.sizes import Sizer
from convlab.lecture.table import row_mentions
from convlab.lecture.tokens import Number
from convlab.lecture.words import claims_nothing, quoted, refutes

Part = Sentence | Row | Code
MOST_LETTERS, MOST_LINES = 3000, 300
"""Of a sentence or row, and of a program, that is read."""


@dataclass(frozen=True)
class Claim:
    """A number that the notes claim, with its line, its sentence and what is to be said of it."""

    line: int
    sentence: str
    text: str
    judged: Judged


_HAS = re.compile(
    r"(?:\b(?:ha(?:s|ve|d)|with|i\.e\.|plus|and|contains?|consists? of|holds?|column of"
    r"|vectors? (?:of|with)|length(?: of)?|needs?|takes?|gives?|are"
    r"|is|makes?|comprises?|stores?|counts?|into|to|produc\w+|costs?|owns?|requires?|carries)"
    r"|[→=:≈])"
    r"(?:\W*\b(?:an?|the|about|only|just|roughly|exactly|some|around|as many as|a total of|total"
    r"|in total|of|almost|over|already)\b)*\W*$"
)
_KEEPS = re.compile(
    r"\bsame\b|\bkeeps?\b|\bkept\b|\bkeeping\b|preserv|unchanged|stays? (?:put|the same)|\bretain"
    r"|maintain|\bno shrink"
)
_WANTS = r"\b(?:needs?|requires?|wants?|demands?|takes?|must|has to|should|calls? for)\b"
_BARE = re.compile(
    r"(?:[:→=≈]|\bcomes? (?:in )?(?:to|at|out at)|\btotals?|\badds? up to|\bcosts?|\bneeds?"
    r"|\bmakes|\bthat's|\bholds?|\bcontains?"
    r"|\bonly|\b(?:shows?|reads?|displays?|prints?|reports?|lists?|says?|amounts? to|equals?"
    r"|possess(?:es)?|owns?|find)|\bgets?|\bgives?|\bha(?:s|ve)|\bis|\bare|\bwith"
    r"|\b(?:the )?(?:first|second|third|other|latter|former|last))(?: (?:about|only|just|a mere"
    r"|exactly|roughly|already|still))*\W*$"
)
_NOUN = [
    ("parameters", r"\bparam(?:eter)?s?\b|\blearnables?\b|\bto learn\b|\btrainable"),
    ("weights", r"\bweights?\b"),
    ("work", r"\bmultipl\w+|\bmacs?\b|\bflops?\b"),
    ("connections", r"\bconnections?\b"),
    ("bytes", r"\bbytes\b|\bmemory\b"),
    ("values", r"\bactivations\b|\bvalues\b|\bvector\b|\bnumbers\b"),
]


class Reader:
    """Reads the parts of notes in order."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.known: dict[str, Any] = {}
        self.index = 0

    def take(self, part: Part, following: Part | None) -> list[Claim]:
        """What the next part claims; ``following``: the part behind it, which may refute it."""
        if isinstance(part, Code):
            return list(self._code(replace(part, lines=part.lines[:MOST_LINES])))
        if len(part.text) > MOST_LETTERS:  # no sentence
            return []
        found = grids.written(part.text) if "[[" in part.text or "matrix}" in part.text else {}
        self._drawn(found)
        heard = self._heard(part)
        self.scene.hear(heard)
        self._laid(found, heard)
        refuted = isinstance(following, Sentence) and refutes(following.plain.lower())
        claims = [] if heard.silent or refuted else list(self._claims(part, heard))
        self._carry(heard)
        return claims

    # --- hearing --------------------------------------------------------------------------------

    def _heard(self, part: Sentence | Row) -> Heard:
        self.index += 1
        if isinstance(part, Row):
            text, found, asks = row_mentions(part)
            return Heard(
                self.index,
                part.section,
                text,
                found,
                row=part.number,
                silent=asks,
                network=networks.named(text),
                cells=" | ".join(cell for _, cell in part.cells).lower(),
            )
        text, made, reads = part.plain, [], []
        lower = text.lower()
        spans: list[tuple[int, int]] = []
        for start, end, program in _inline(part.text, text):
            spans.append((start, end))
            self.known |= {name: value for name, value in program.known.items() if name}
            layers = [layer for net in program.nets[:1] for layer in net.filled()[0]]
            made += [
                Frame(layer, start, end, self.index, frozenset(_fields(layer))) for layer in layers
            ]
            reads += [
                (start + text[start:end].find(str(layer.inputs)), layer)
                for layer in layers
                if layer.kind == "dense" and layer.inputs
            ]
        values: dict[str, Fraction] = {}
        for before in self.scene.parts[-4:]:
            values |= assignments(before.text)
        joined = chains(text, values | assignments(text))
        away = convolved(lower) + quoted(lower)
        joined = [one for one in joined if not any(a < one.end and one.start < b for a, b in away)]
        inside = [(side.start, side.end) for chain in joined for side in chain.sides[:-1]] + spans
        found = [one for one in mentions(text) if not any(a <= one.start < b for a, b in inside)]
        found += [
            Mention(
                "read",
                (Number(Fraction(layer.inputs or 0)),),
                at,
                at + len(str(layer.inputs)),
                str(layer.inputs),
            )
            for at, layer in reads
        ]
        silent = part.heading or claims_nothing(lower)
        unreal = silent and not part.heading and not lower.rstrip('*_ )"”').endswith("?")
        return Heard(
            self.index,
            part.section,
            text,
            [] if unreal else found,
            [] if unreal else made,
            chains=joined,
            heading=part.heading,
            silent=silent,
            network=networks.named(text),
        )

    def _carry(self, heard: Heard) -> None:
        """Volumes that the layers of a part leave, for the parts behind it."""
        heard.volumes += Sizer(self.scene).carried()

    def _drawn(self, found: dict[str, grids.Grid]) -> None:
        """Matrices of a part: they take the place of those before, unless they stand alone."""
        if len(found) > 1:
            self.scene.grids = found
        else:
            self.scene.grids = self.scene.grids | found

    def _laid(self, found: dict[str, grids.Grid], heard: Heard) -> None:
        """An image and a kernel that are written out have sizes too."""
        sizes = sorted({(len(grid), len(grid[0])) for grid in found.values()}, reverse=True)
        if len(sizes) == 2:
            heard.volumes.append(Held(Volume(sizes[0]), 0, 0, self.index, given=True))
            heard.frames.append(
                Frame(Layer("conv", sizes[1]), 0, 0, self.index, frozenset(("kernel",)))
            )

    # --- what is claimed ------------------------------------------------------------------------

    def _claims(self, part: Sentence | Row, heard: Heard) -> Iterator[Claim]:
        sizer = Sizer(self.scene)
        counter = Counter(sizer)
        ends = {chain.sides[-1].start: chain for chain in heard.chains}
        equated = set()
        worked = list(grids.claims(heard.lower, self.scene.grids)) if self.scene.grids else []
        for one in sorted(heard.mentions, key=lambda one: one.start):
            chain = next(
                (chain for start, chain in ends.items() if start <= one.start < chain.end), None
            )
            if chain is not None:
                equated.add(id(chain))
            made = (
                None
                if any(a <= one.start < b for a, b, _ in worked)
                else self._claim(one, heard, sizer, counter, chain)
            )
            if made is not None:
                text, result = made
                yield Claim(part.line_of(one.start), part.text, text, result)
        taken = [(chain.start, chain.end) for chain in heard.chains]
        for start, end, result in worked:
            if not any(a <= start < b for a, b in taken):
                yield Claim(part.line_of(start), part.text, heard.text[start:end], result)
        for chain in ends.values():
            if id(chain) not in equated:
                yield Claim(
                    part.line_of(chain.sides[-1].start),
                    part.text,
                    chain.sides[-1].text,
                    _equation(chain),
                )

    def _claim(
        self, one: Mention, heard: Heard, sizer: Sizer, counter: Counter, chain: Chain | None
    ) -> tuple[str, Judged] | None:
        role = one.role
        text = heard.text[one.start : one.end]
        if (
            role in ("number", "units")
            and chain is None
            or one.number.value > 999
            and role == "filters"
        ):
            role = self._elliptical(one, heard)
        if re.match(r"10 ?\^", text) or re.match(r".{0,40}\bper second", heard.lower[one.end :]):
            return None
        if role in COUNTS and one.number.value == 0:
            nothing = (
                re.search(
                    r"pool|flatten|input|relu|activation|dropout|softmax",
                    heard.cells or heard.lower,
                )
                is not None
            )
            return (
                (_phrase(heard.text, one), Judged(TRUE, Derivation(0, "nothing to learn: 0", 0.0)))
                if nothing
                else None
            )
        if role == "bytes" and one.number.value <= 16 and one.unit.startswith("b"):
            return None
        if role in COUNTS and (
            chain is not None or role != one.role or self._asserted(one, heard, role)
        ):
            return self._count(one, role, heard, counter, chain)
        if chain is not None:
            return text, _equation(chain)
        if role == "field":
            return text, sizer.field(one)
        if role == "read":
            result = counter.judge(one, "values")
            return (text, result) if result.mark == TRUE or result.mistake else None
        if role in ("volume", "side", "line"):
            seeing = (
                one.out
                and not one.given
                and (
                    heard.frames
                    or re.search(
                        r"\b(?:third|fourth|fifth) (?:one|layer)",
                        heard.lower,
                    )
                )
                and (self.scene.about_fields() or self._spans(heard))
                and not any(held.given for held in heard.volumes)
            )
            return (text, sizer.field(one)) if seeing else self._size(one, heard, sizer)
        if role == "depth" and one.out and one.sizes:
            result = sizer.depth(one)
            return None if result.mark == UNKNOWN else (text, result)
        if role in ("ratio", "percent"):
            result = ratio(self.scene, one)
            return None if result.mark == UNKNOWN else (_phrase(heard.text, one), result)
        if role == "padding":
            return self._padding(one, heard)
        return None

    def _spans(self, heard: Heard) -> bool:
        """Whether only a dilated kernel is spoken of, so that a size is what it spans."""
        dilated = any((frame.layer.dilation or 1) > 1 for frame in heard.frames)
        return dilated and not any(part.volumes for part in self.scene.parts[-4:-1])

    def _asserted(self, one: Mention, heard: Heard, role: str) -> bool:
        text = heard.text[one.start : one.end]
        if role not in ("values", "positions", "biases", "connections"):
            return one.number.value > 1 or heard.row >= 0 or text[:1].isdigit()
        if heard.row >= 0:
            return one.out
        before = heard.lower[: one.start][-60:]
        return one.number.value > 2 and (
            one.out or _HAS.search(before) is not None or one.start < 3
        )

    def _elliptical(self, one: Mention, heard: Heard) -> str:
        """What a number without a noun counts: as the question or the last claim says."""
        before = heard.lower[: one.start]
        behind = heard.lower[one.end :]
        if not one.out and not _BARE.search(before[-40:]) and not one.number.scaled:
            return ""
        if heard.row >= 0 or not one.sizes and not one.number.scaled:
            return ""
        if (
            one.role == "number"
            and one.out
            and re.search(
                r"\b(?:down to|up to|leaves?|left|shrinks? to|shrunk to)\W*(?:only |just )?$",
                before,
            )
            and one.number.value < 2000
            and not re.match(
                r"\s*(?:million|param|weights|\w+ (?:param|weights))",
                behind,
            )
        ):
            return "line"
        before_it = [two for two in heard.mentions if two.role in COUNTS and two.end <= one.start]
        if (
            before_it
            and (one.number.scaled or _BARE.search(before[-40:]))
            and not re.match(r"[ -]?[a-z×]", behind)
        ):
            return before_it[-1].role
        if one.number.value < 50 and not re.search(r"how many|number of|count", self._question()):
            return ""
        if re.match(r"\s*(?:more|of (?:them|those|these))\b", behind):
            last = self.scene.parts[-2].lower if len(self.scene.parts) > 1 else ""
            spoken = [
                (m.start(), role)
                for role, pattern in _NOUN
                for m in re.finditer(pattern, f"{last} {before}")
            ]
            return max(spoken)[1] if spoken else self.scene.noun
        if re.match(r"[\s-]*[a-z]{3,}", behind) and not re.match(
            r"\s*(?:in (?:total|all)|altogether|together|again|for|with|without|because|since"
            r"|per|and|or|but|as|if|which|when|biases)\b",
            behind,
        ):
            return ""
        own = [(m.start(), role) for role, pattern in _NOUN for m in re.finditer(pattern, before)]
        if own:
            return max(own)[1]
        asked = [role for role, pattern in _NOUN if re.search(pattern, self._question())]
        if asked:
            return asked[0]
        return (
            self.scene.noun
            if re.search(r"\bha(?:s|ve)\W*(?:\w+ly |about |only |just )?$", before)
            else ""
        )

    def _question(self) -> str:
        """The question or the item above that the part may answer."""
        for heard in reversed(self.scene.parts[-4:-1]):
            if heard.lower.rstrip("*_ )").endswith(("?", ":")):
                return heard.lower
        return ""

    # --- counts ---------------------------------------------------------------------------------

    def _count(
        self, one: Mention, role: str, heard: Heard, counter: Counter, chain: Chain | None
    ) -> tuple[str, Judged] | None:
        result = counter.judge(one, role)
        text = _phrase(heard.text, one)
        if (
            result.mark == TRUE
            and result.derivation is not None
            and result.derivation.value != one.number.value
            and role != "bytes"
        ):
            shown = heard.text[one.start : one.end]
            result = result._replace(
                derivation=replace(
                    result.derivation, relation=f"{result.derivation.relation} ≈ {shown}"
                )
            )
        if chain is not None:
            equation = _equation(chain)
            if equation.mark == FALSE or result.mark != FALSE or not result.mistake:
                result = equation
        if result.mark == UNKNOWN and role in (
            "values",
            "positions",
            "biases",
            "connections",
            "bytes",
        ):
            return None
        if role == "parameters" and result.mark == TRUE and result.derivation is not None:
            self.scene.biases_counted |= "+ 1)" in result.derivation.relation
        value = one.number.value
        if result.derivation is not None and chain is None:
            value = Fraction(result.derivation.value)
        if value and role != "positions":
            self.scene.counts.append((heard.index, value, role))
            self.scene.noun = role if role != "values" else self.scene.noun
        return text, result

    def _padding(self, one: Mention, heard: Heard) -> tuple[str, Judged] | None:
        """Padding that keeps a convolution's size at stride 1: p = (f − 1)/2."""
        clause = heard.lower
        last = self.scene.parts[-2].lower if len(self.scene.parts) > 1 else ""
        if (
            not (
                _KEEPS.search(clause)
                or re.search(_WANTS, clause)
                and (_KEEPS.search(last) or re.search(r"\bsame\b|padding", clause))
            )
            or any(held.out for held in heard.volumes)
            or not one.sizes
        ):
            return None
        if re.search(r"\bdo(?:es)?n't\b|\bnot\b", clause) or any(
            s.role == "stride" and s.sizes and s.one > 1 for s in heard.mentions
        ):
            return None
        frames = [
            frame for frame in heard.frames if frame.layer.kernel and frame.layer.kind == "conv"
        ]
        kernels = [(frame.layer.kernel[0], frame.start) for frame in frames]
        kernels += [
            (two.one, two.start)
            for two in heard.mentions
            if two.role == "volume" and two.sizes and max(two.sizes[:2]) < 16
        ]
        before = [
            kernel for kernel, start in sorted(kernels, key=lambda k: k[1]) if start <= one.start
        ]
        earlier = len(self.scene.parts) > 1 and re.search(
            r"\b(?:same|this|that|the) kernel\b|\bit\b", clause[: one.start]
        )
        if not before and earlier:
            before = [
                frame.layer.kernel[0]
                for _, one_ in self.scene.back()
                for frame in one_.frames
                if frame.layer.kernel
            ][:1]
        if not kernels and not before:
            return None
        kernel = before[-1] if before else kernels[0][0]
        dilation = next((f.layer.dilation for f in frames if f.layer.dilation), None) or 1
        span = dilation * (kernel - 1) + 1
        right = span % 2 == 1 and (span - 1) // 2 == one.one
        shown = f"{(span - 1) / 2:g}"
        made = Derivation(
            (span - 1) // 2,
            f"({span} − 1)/2 = {shown}",
            0.0,
            worked=Worked("padding", (Layer("conv", (kernel,) * 2),)),
        )
        return heard.text[one.start : one.end], Judged(TRUE if right else FALSE, made)

    # --- sizes ----------------------------------------------------------------------------------

    def _size(self, one: Mention, heard: Heard, sizer: Sizer) -> tuple[str, Judged] | None:
        if one.given:
            return None
        soft = not one.out and not self._continued(one, heard)
        if soft and (
            one.role != "volume"
            or re.match(r"\W{0,2}(?:→|(?:is |are )?(?:to|into)\b)", heard.lower[one.end :])
            or not self._new(one, heard)
        ):
            return None
        last = heard.lower[: one.start].rstrip(" *_`(")[-1:]
        if (
            last == ":"
            and any(frame.start > one.start for frame in heard.frames)
            and not re.search(r"out(?:put)?\W*$", heard.lower[: one.start])
        ):
            return None
        if one.role == "line":
            held_ = Held(Volume((one.one,)), one.start, one.end, heard.index, True)
        else:
            found = [held for held in heard.volumes if held.start == one.start]
            if not found:
                return None
            held_ = found[0]
        result = sizer.volume(held_.volume, one.start)
        if soft and (
            result.mark == UNKNOWN
            or result.derivation is None
            or result.derivation.cost > 1.0
            or result.mark == FALSE
            and not (result.mistake and result.derivation.cost <= 0.6 and heard.frames)
        ):
            return None
        windowed = any(frame.layer.windowed and frame.start <= one.start for frame in heard.frames)
        if result.derivation is not None and result.derivation.worked is not None:
            for frame in [
                frame for frame in heard.frames if frame.layer.windowed and frame.start <= one.start
            ][-1:]:
                frame.fed = result.derivation.worked.volume
        if result.mark == UNKNOWN and not windowed and not self._strong(one, heard):
            return None
        if (
            result.mark == FALSE
            and result.derivation is not None
            and result.derivation.worked is not None
        ):
            right = _through(result.derivation.worked)
            if right is not None:
                depth = right.depth if right.depth is not None else held_.volume.depth
                held_.cost += 0.6
                heard.volumes.append(
                    Held(Volume(right.sides, depth), one.end, one.end, heard.index, True)
                )
        return heard.text[one.start : one.end], result

    def _new(self, one: Mention, heard: Heard) -> bool:
        """Whether nothing before has this size: else it is meant again, not claimed."""
        volume = next((held.volume for held in heard.volumes if held.start == one.start), None)
        known = [
            held.volume
            for part in self.scene.parts[-30:]
            for held in part.volumes
            if held.maker is None
            and held.start >= 0
            and (held.start != one.start or part is not heard)
        ]
        return volume is not None and all(
            volume.sides != other.sides
            for other in known
            if not other.depth or other.depth == volume.depth
        )

    def _continued(self, one: Mention, heard: Heard) -> bool:
        """Whether a size goes on with what the sentence claims: …, or with padding 1, 5 × 5."""
        earlier = [held for held in heard.volumes if held.out and held.end <= one.start]
        return (
            bool(earlier)
            and re.search(r"(?:,|\bor|\band|;)\W*(?:then )?$", heard.lower[: one.start]) is not None
            and one.role == "volume"
        )

    def _strong(self, one: Mention, heard: Heard) -> bool:
        return (
            heard.row >= 0
            or re.search(
                r"(?:→|\bgives?|\bout(?:put)?(?: is)?:?|becomes?|down to|yields?|leaves?)\W*$",
                heard.lower[: one.start][-40:],
            )
            is not None
        )

    # --- programs -------------------------------------------------------------------------------

    def _code(self, part: Code) -> Iterator[Claim]:
        self.index += 1
        famous = next(
            (
                networks.net(one.network)
                for one in reversed(self.scene.parts[-20:])
                if one.network and one.section == part.section
            ),
            None,
        )
        given = (
            {
                name: layer
                for layer, names in zip(famous.filled()[0], famous.names, strict=True)
                for name in names
            }
            if famous
            else {}
        )
        program = Program(part.lines, given | self.known)
        python = bool(program.read) and (part.language.startswith(("py", "")) or bool(program.nets))
        python = python and any(
            line.values or "=" in line.text or "import" in line.text for line in program.lines
        )
        heard = Heard(
            self.index, part.section, "\n".join(text for _, text in part.lines), code=True
        )
        if program.nets or program.volume:
            self._build(program, heard)
        if python:
            heard.text = "\n".join(line.text for line in program.lines)
        self.scene.parts.append(heard)
        self._drawn(grids.drawn([line.text for line in program.lines]) | grids.written(heard.text))
        self.known |= program.known
        self.scene.nets += [net for net in program.nets if net.layers]
        last: Any = None
        order = 0
        for number, line in enumerate(program.lines):
            value = line.values[-1] if line.values else None
            printed = re.match(r"\s*torch\.Size\(", line.text) is not None
            if isinstance(value, (Volume, Counted, int, float)) and not isinstance(value, bool):
                last = value
            if (
                line.comment
                and not line.text.strip()
                and last is not None
                and _PRINTED.match(line.comment)
            ):
                yield from self._compared(line, line.comment, last, heard)
            elif line.comment:
                self._given(line, heard)
                if value is not None:
                    yield from self._compared(line, line.comment, value, heard)
            elif printed or number not in program.read or not line.values:
                summary = _SUMMARY.match(line.text)
                if summary:
                    yield from self._summarised(line, summary, order)
                    order += 1
                elif re.match(r"\s*(?:torch\.Size\(|[\[(]\d)", line.text) and last is not None:
                    yield from self._compared(line, line.text.strip(), last, heard)
                elif not python and not part.language.startswith("py"):
                    yield from self._line(line, part.section)

    def _build(self, program: Program, heard: Heard) -> None:
        """The layers and volumes of a program as the scene's."""
        for net in program.nets:
            layers, volumes = net.filled(self.scene._input(net) if self.scene.parts else None)
            for at, layer in enumerate(layers):
                frame = Frame(
                    layer, -1, -1, self.index, frozenset(_fields(layer)), 0.0, volumes[at], net, at
                )
                heard.frames.append(frame)
                for name in net.names[at]:
                    self.scene.names[name] = frame
            found = [one for one in volumes if one is not None and one.sides]
            heard.volumes += [
                Held(one, -1, -1, self.index, cost=0.1 * (len(found) - rank))
                for rank, one in enumerate(found, 1)
            ]
        if program.volume is not None and not any(
            held.volume == program.volume for held in heard.volumes
        ):
            heard.volumes.append(Held(program.volume, -1, -1, self.index))

    def _given(self, line: Line, heard: Heard) -> None:
        """An input that a comment says."""
        text = plain(line.comment)
        for one in mentions(text):
            if (
                one.role == "volume"
                and len(one.sizes) > 1
                and (one.given or re.search(r"\binput|\bin:", text.lower()))
            ):
                volume = self.scene.volume(one.sizes)
                heard.volumes.append(Held(volume, -1, -1, self.index, given=True))
                heard.frames = [
                    replace(frame, volume=frame.volume or volume) for frame in heard.frames
                ]

    def _compared(self, line: Line, text: str, value: Any, heard: Heard) -> Iterator[Claim]:
        """What a comment or a printed line says of a value."""
        whole = f"{line.text}  # {line.comment}".strip() if line.comment else line.text.strip()
        shape = _SHAPE.search(text)
        words = plain(text)
        found = [one for one in mentions(words) if one.sizes and not one.given]
        if shape or any(one.role in ("volume", "kernel") and len(one.sizes) > 1 for one in found):
            if shape:
                sizes = tuple(int(one) for one in re.findall(r"\d+", shape[0].replace("None", "")))
                claim = shape[0]
                batch = len(re.findall(r"\d+|None|\b[NB]\b", shape[0]))
                if batch in (2, 4) and not re.search(r"None|\b[NB]\b|batch", shape[0]):
                    sizes = sizes[1:]
            else:
                several = [one for one in mentions(words) if len(one.sizes) > 1]
                one = several[-1]
                sizes, claim = one.sizes, words[one.start : one.end]
                if len(several) == 2 and "→" in words and isinstance(value, Layer):
                    value = value.out(self.scene.volume(several[0].sizes))
            expected = self._behind(value, heard)
            if expected is not None and not re.search(r"\binput", words.lower()):
                yield Claim(line.number, whole, claim, _shaped(sizes, expected))
            return
        numbers = [
            one
            for one in found
            if len(one.numbers) == 1 and one.role not in ("stride", "padding", "kernel", "dilation")
        ]
        labelled = re.match(r"\W*(?:→|->|=>|=|:)?\s*\W*[\d,_]+(?:\.\d+)?\W*$", text) or any(
            one.role in COUNTS for one in numbers
        )
        if not numbers or not labelled:
            return
        one = numbers[0]
        for made in self._valued(value, one, heard):
            yield Claim(line.number, whole, words[one.start : one.end], made)
            self.scene.counts.append((self.index, one.number.value, "parameters"))
            return

    def _behind(self, value: Any, heard: Heard) -> Volume | None:
        """The volume that a value is, or that a layer leaves."""
        if isinstance(value, Volume):
            return value
        if isinstance(value, Layer):
            frame = next(
                (
                    one
                    for one in heard.frames
                    if one.layer.kind == value.kind
                    and (one.layer.kernel, one.layer.filters) == (value.kernel, value.filters)
                ),
                None,
            )
            volume = frame.volume if frame is not None else None
            volume = volume or next(
                (held.volume for held in reversed(heard.volumes) if held.given), None
            )
            return value.out(volume) if volume is not None else None
        return None

    def _valued(self, value: Any, one: Mention, heard: Heard) -> Iterator[Judged]:
        if isinstance(value, Layer) and value.weighted:
            filled = [
                frame.layer
                for frame in heard.frames
                if frame.layer.kernel == value.kernel and frame.layer.filters == value.filters
            ]
            value = Counted((filled or [value])[0])
        if isinstance(value, Net):
            value = Counted(value)
        if isinstance(value, Counted):
            ways = list(counted(value))
            if ways:
                result = judged(
                    explained(one.number, ways, one.about), [(way.cost, way) for way in ways]
                )
                yield (
                    result
                    if result.mark != UNKNOWN
                    else unexplained([(way.cost, way) for way in ways])
                )
        elif isinstance(value, (Volume, Layer)):
            value = self._behind(value, heard)
            if value is None:
                return
            way = Derivation(
                value.values, f"{'·'.join(map(str, value.terms))} = {value.values:,}", 0.0
            )
            yield Judged(TRUE if value.values == one.number.value else FALSE, way)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            right = abs(Fraction(value) - one.number.value) <= one.number.grain / 2 * (
                one.number.grain != 1
            )
            yield Judged(
                TRUE if right else FALSE,
                Derivation(Fraction(value).limit_denominator(10**6), f"{value:,}", 0.0),
            )

    def _summarised(self, line: Line, found: re.Match, order: int) -> Iterator[Claim]:
        """A row that Keras prints: a layer, its output's shape and its parameters."""
        for net in reversed(self.scene.nets[-2:]):
            layers, volumes = net.filled(self.scene._input(net))
            kept = [
                n
                for n, layer in enumerate(layers)
                if layer.kind != "keep"
                or not re.search(r"conv|pool|dense|flatten|linear", found["kind"], re.I)
            ]
            if order >= len(kept):
                continue
            at = kept[order]
            volume = volumes[at + 1]
            sizes = tuple(
                int(one)
                for one in re.findall(r"\d+", found["shape"].replace("None", "").replace("-1", ""))
            )
            if volume is not None:
                yield Claim(line.number, line.text.strip(), found["shape"], _shaped(sizes, volume))
            if found["count"]:
                one = mentions(f"{found['count']} parameters")
                ways = (
                    list(counted(Counted(layers[at])))
                    if layers[at].weighted
                    else [Derivation(0, "0", 0.0)]
                )
                if one and ways:
                    result = judged(
                        explained(one[0].number, ways), [(way.cost, way) for way in ways]
                    )
                    result = (
                        result
                        if result.mark != UNKNOWN
                        else unexplained([(way.cost, way) for way in ways])
                    )
                    self.scene.counts.append((self.index, Fraction(ways[0].value), "parameters"))
                    yield Claim(line.number, line.text.strip(), found["count"], result)
            return

    def _line(self, line: Line, section: int) -> Iterator[Claim]:
        """A line of a diagram or of plain text in a block."""
        if line.text.strip() and len(line.text) < 400:
            sentence = Sentence(
                " ".join(line.text.split()), line.number, section, False, (line.text.strip(),)
            )
            yield from self.take(sentence, None)


_PRINTED = re.compile(
    r"\W*(?:prints?:?|output:?|gives)?\s*(?:torch\.Size\(|[\[(]\s*(?:None|\d)|[\d,]+\W*$)"
)
_SHAPE = re.compile(
    r"(?:torch\.Size\()?[\[(]\s*(?:None|N|B|batch|\d+)(?:\s*,\s*(?:None|\d+))+\s*[\])]\)?"
)
_SUMMARY = re.compile(
    r"\s*[\w.]*?\s*\(?(?P<kind>[A-Z]\w+)(?:-\d+)?\)?\s+(?P<shape>[\[(](?:None|-1"
    r"|\d+)(?:, *\d+)+[\])])\s+(?P<count>[\d,]+)\s*$"
)


def _shaped(sizes: tuple[int, ...], expected: Volume) -> Judged:
    """Whether a printed shape is that of a volume, channels first or last."""
    sides, depth = expected.sides, expected.depth
    shown = expected.shown
    right = {(*sides, depth), (depth, *sides)} if depth else {sides}
    right |= {sides} if len(sizes) == len(sides) and sides else set()
    made = Derivation(expected.values, shown, 0.0)
    return Judged(
        TRUE if tuple(sizes) in right or (not sides and sizes[-1:] == (depth,)) else FALSE, made
    )


def _through(worked: Worked) -> Volume | None:
    volume: Volume | None = worked.volume
    for layer in worked.layers:
        volume = layer.out(volume) if volume is not None else None
    return volume


def _equation(chain: Chain) -> Judged:
    right, relation = held(chain)
    return Judged(TRUE if right else FALSE, Derivation(0, relation, 0.0))


def _fields(layer: Layer) -> Iterator[str]:
    for name in ("kernel", "stride", "padding", "dilation", "filters", "inputs", "groups"):
        if getattr(layer, name) not in (None, ()):
            yield name


_CALL = re.compile(r"`([^`]*\b[A-Z]\w*\([^`]*\)[^`]*)`")


def _inline(source: str, text: str) -> Iterator[tuple[int, int, Program]]:
    """Calls that build layers between backticks, with their place in the plain text."""
    at = 0
    for found in _CALL.finditer(source):
        program = Program(((1, found[1]),), {})
        shown = plain(f"`{found[1]}`")
        start = text.find(shown, at)
        if program.nets and start >= 0:
            at = start + len(shown)
            yield start, at, program


_AFTER = re.compile(
    r"[\s-]*(?:[a-z-]+ ){0,2}?(?:weights?|param\w*|bias(?:es)?|multiplications?"
    r"|macs?|connections?|values|numbers|bytes|[kmg]i?b"
    r"|activations|times|%|percent|entries|pixels|units)\b"
)


def _phrase(text: str, one: Mention) -> str:
    """A number with its noun."""
    found = _AFTER.match(text[one.end :])
    return text[one.start : one.end + (found.end() if found and one.typed else 0)]
