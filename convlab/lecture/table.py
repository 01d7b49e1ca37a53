"""Rows of tables: what each number is, by the words in its cell and the heading of its column."""

from __future__ import annotations

import re
from dataclasses import replace

from convlab.lecture.mentions import COUNTS, Mention, mentions
from convlab.lecture.notes import Row

_COLUMNS = [
    ("", (r"remark|note|comment|statement|accuracy|error|year|paper|reference|time|top-?\d|flop/s"
         r"|acc\b|#$|what (?:it|we) d|speed|mark")),
    ("times", r"^(?:number of |# ?)?layers?\b(?= ?(?:$|\())"),
    ("parameters", r"param|learnable"),
    ("weights", r"weights"),
    ("work", r"mult|\bmacs?\b|\bops\b|flops"),
    ("connections", r"connection"),
    ("bytes", r"bytes|memory|\bk?i?b\b|\bmi?b\b"),
    ("values", r"activation size|values|numbers|neurons|activations|units"),
    ("padding", r"^p$|pad"),
    ("stride", r"^s$|strid"),
    ("dilation", r"^d$|dilat"),
    ("field", r"receptive|^rf$|field of view|\bsees\b|\bspans?\b|footprint|\bcovers\b"),
    ("pair", r"→|in / out|in/out"),
    ("inputs", r"channels? in\b|\bin channels|\bc_?in\b|input channels"),
    ("filters", r"channels? out\b|\bout channels|\bc_?out\b|output channels"),
    ("output", (r"^o$|becomes|gives|→$|output|^out\b|result|activation shape|^shape$|after|\bout\b"
               r"|height [×x] width|map size|feature map|volume|[h] ?[×x] ?[w]\b")),
    ("filters", r"\bfilters\b|# ?kernels|number of (?:filters|kernels)|^n_?[fc]$|\bmaps\b|^k$"),
    ("kernel", r"^[f]$|kernel|^filter(?: size)?$|window"),
    ("volume", r"^n$|^i$|input|^in\b|before|image"),
    ("size", r"^size$"),
    ("maps", r"channels|depth"),
]  # fmt: skip
_BARE = ("number", "side", "volume", "kernel", "values", "units", "depth", "field")
_TASKS = re.compile(r"\b(?:questions?|tasks?|exercises?|points|marks)\b")


def row_mentions(row: Row) -> tuple[str, list[Mention], bool]:
    """A row as a text with each cell's heading, its numbers, and whether it only asks."""
    found: list[Mention] = []
    text = ""
    asks = any(_TASKS.search(name.lower()) for name, _ in row.cells)
    for column, (name, cell) in enumerate(row.cells):
        text += f"{name}: "
        found += _moved(_settings(name), len(text) - len(name) - 2)
        at = len(text)
        if re.search(r"becomes|gives|→", name):
            sizes = [one for one in mentions(name) if one.role in ("volume", "kernel")][:1]
            found += [
                replace(one, role="volume", given=True, out=False, start=at, end=at)
                for one in sizes
            ]
        found += [replace(one, start=one.start + at, end=one.end + at)
                  for one in _cell(name.lower().strip(), cell, first=column == 0)]  # fmt: skip
        text += f"{cell} | "
    text = text.removesuffix(" | ")
    if re.search(r"\binput\b", " ".join(cell for _, cell in row.cells[:2]).lower()):
        found = [
            replace(one, out=False, given=True) if one.role == "volume" else one for one in found
        ]
    if re.search(r"\bdense|\bfc|fully|softmax|linear", text.lower()):
        found = [_flat(one) for one in found]
    return text, found, asks


def _settings(name: str) -> list[Mention]:
    """What a heading with a kernel in it says of all rows."""
    roles = ("kernel", "stride", "padding", "dilation")
    found = [replace(one, out=False) for one in mentions(name) if one.role in roles]
    return found if re.search(r"\d ?[×x] ?\d", name) else []


def _moved(found: list[Mention], by: int) -> list[Mention]:
    return [replace(one, start=one.start + by, end=one.end + by) for one in found]


def _flat(one: Mention) -> Mention:
    """The output of a dense layer, (120, 1), 1 × 1 × 120 or 120 values, as so many units."""
    if (
        one.out
        and one.role in ("volume", "values", "side")
        and len([n for n in one.numbers if n.value > 1]) == 1
    ):
        return replace(one, role="units", numbers=(max(one.numbers, key=lambda n: n.value),))
    return one


def _cell(name: str, cell: str, *, first: bool) -> list[Mention]:
    """The numbers of a cell: by the words in it, else by its column's heading."""
    found = mentions(cell)
    role = next((role for role, pattern in _COLUMNS if re.search(pattern, name)), None)
    if role == "":
        return []
    if (
        role is None
        or first
        and re.search(r"[a-z]{2}", cell.lower())
        and role not in ("stride", "padding", "dilation", "kernel")
    ):
        return [replace(one, out=one.out or "→" in cell) for one in found]
    if role in ("pair", "maps") and len(found) == 2:
        return [replace(found[0], role="inputs"), replace(found[1], role="filters")]
    if role == "pair":
        return found
    made = []
    for one in found:
        if (
            one.role not in _BARE
            or one.typed
            and one.role in ("kernel", "values", "units")
            and role not in ("field", *COUNTS)
        ):
            made.append(
                replace(one, out=one.out or role == "output")
            )  # words such as "6 maps" say more than the heading
        elif role == "output":
            made.append(
                replace(
                    one, role="volume" if len(one.numbers) > 1 else "side", out=True, given=False
                )
            )
        elif role == "size":
            made.append(one)
        elif role in (*COUNTS, "field"):
            made.append(
                replace(
                    one,
                    role=role,
                    out=True,
                    given=False,
                    unit=_unit(name) if role == "bytes" and not one.unit else one.unit,
                )
            )
        elif role == "volume":
            made.append(
                replace(
                    one, role="volume" if len(one.numbers) > 1 else "side", given=True, out=False
                )
            )
        else:
            made.append(replace(one, role=role, out=False))
    return made


def _unit(name: str) -> str:
    found = re.search(r"\b([kmg]i?b|bytes?)\b", name)
    return found[1] if found else "b"
