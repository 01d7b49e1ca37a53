"""Small matrices in notes: patches and kernels whose products students work out by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from convlab.lecture.judge import FALSE, TRUE, UNKNOWN, Derivation, Judged

Grid = tuple[tuple[int, ...], ...]
MOST = 12
"""The most rows and columns of a matrix that is worked by hand."""

_LATEX = re.compile(
    r"(?:([A-Za-z])\w*\s*=\s*)?\\begin\{[pbvBV]?(?:small)?matrix\}(.*?)\\end\{", re.DOTALL
)
_LISTED = re.compile(
    r"(?:\b([A-Za-z])\w*\s*=\s*)?(?:\w+\.)?(?:\w+\()?"
    r"\[\s*(\[[-\d., ]+\](?:\s*,\s*\[[-\d., ]+\])+)\s*\]"
)
_ROW = re.compile(r"-?\d+(?:[ \t]{1,2}-?\d+)+|-?\d+(?:[ \t]{1,3}-?\d+)+")
_NAME = re.compile(r"([A-Za-z])\w*\s*=\s*$")


def written(text: str) -> dict[str, Grid]:
    """The matrices that a text in LaTeX or as nested lists gives, by names, "1", "2" without."""
    found: dict[str, Grid] = {}
    for match in _LATEX.finditer(text):
        rows = [re.split(r"&", row) for row in re.split(r"\\\\", match[2]) if row.strip()]
        _keep(found, match[1], [[cell.strip() for cell in row] for row in rows])
    for match in _LISTED.finditer(text):
        _keep(
            found,
            match[1],
            [re.findall(r"-?\d+", row) for row in re.findall(r"\[([^\[\]]*)\]", match[2])],
        )
    return found


def drawn(lines: Sequence[str]) -> dict[str, Grid]:
    """The matrices that rows of numbers in a block show, side by side too."""
    found: dict[str, Grid] = {}
    block: list[str] = []
    for line in [*lines, ""]:
        if (
            re.fullmatch(r"[-\s\d|\[\]A-Za-z=*∗→]*\d[-\s\d|\[\]A-Za-z=*∗→]*", line)
            and len(re.findall(r"\d+", line)) > 1
        ):
            block.append(line)
            continue
        if len(block) > 1:
            for name, rows in _columns(block):
                _keep(found, name, rows)
        block = []
    return found


def _columns(block: Sequence[str]) -> Iterator[tuple[str, list[list[str]]]]:
    """Matrices that stand side by side: the n-th group of each line belongs to the n-th."""
    lines = [list(_ROW.finditer(re.sub(r"[|\[\],]", " ", line))) for line in block]
    many = len(lines[0])
    if not many or any(len(line) != many for line in lines):
        return
    for at in range(many):
        names = [
            found[1]
            for line, text in zip(lines, block, strict=True)
            if (found := _NAME.search(text[: line[at].start()]))
        ]
        yield (names or [""])[0], [line[at][0].split() for line in lines]


def _keep(found: dict[str, Grid], name: str | None, rows: list[list[str]]) -> None:
    whole = all(re.fullmatch(r"-?\d{1,4}", cell) for row in rows for cell in row)
    if (
        whole
        and 1 < len(rows) <= MOST
        and {len(row) for row in rows} == {len(rows[0])}
        and 1 < len(rows[0]) <= MOST
    ):
        found[(name or str(len(found) + 1)).lower()] = tuple(
            tuple(int(cell) for cell in row) for row in rows
        )


_CLAIMED = re.compile(
    r"(?:\b(?:sum|answer|result|response|output|value|dot product|product|total|score|entry|pixel"
    r"|number)\b[^.;:=]{0,40}?"
    r"(?:\bis\b|=|\bequals\b|\bcomes to\b|\bbecomes\b|\bof\b|:|→)|\b(?:we|you) (?:get|obtain|find"
    r"|have)\b|\bgives\b|\byields\b|→)"
    r"\W{0,3}?(?:exactly |just |only |therefore |then |again )?(?<![\d.])(?P<n>-?\d+)(?![\d.,]*\d"
    r"|\s*[×x%/+·*-]|\s*(?:by|param|weights|multipl|channels|filters))"
)
_CORNERS = [
    (r"(?:upper|top)[- ]left", 0, 0), (r"(?:upper|top)[- ]right", 0, -1),
    (r"(?:lower|bottom)[- ]left", -1, 0), (r"(?:lower|bottom)[- ]right", -1, -1),
]  # fmt: skip
_WORKED = re.compile(
    r"\b(?:filter|kernel|patch|window|corner|multiply|elementwise|sum|convol|flip|product|response"
    r"|matrix|position)"
)


def claims(lower: str, grids: dict[str, Grid]) -> Iterator[tuple[int, int, Judged]]:
    """Where a text claims the sum of a product of matrices, and whether it is right."""
    if len(grids) < 1 or not _WORKED.search(lower):
        return
    for found in _CLAIMED.finditer(lower):
        result = _judged(lower[: found.start("n")], int(found["n"]), grids)
        if result.mark != UNKNOWN:
            yield found.start("n"), found.end("n"), result


def _judged(before: str, said: int, grids: dict[str, Grid]) -> Judged:
    clause = re.split(r"[.;]", before)[-1]
    pairs = list(_pairs(clause, grids))
    made: list[Derivation] = []
    for patch, kernel in pairs:
        outs = _outputs(patch, kernel, flipped=re.search(r"\bflip|rotat", clause) is not None)
        corner = next(
            ((row, column) for pattern, row, column in _CORNERS if re.search(pattern, clause)), None
        )
        chosen = (
            [outs[corner[0]][corner[1]]] if corner else [value for row in outs for value in row]
        )
        made += [
            Derivation(value, f"{shown} = {value:,}".replace("-", "−"), 0.0)
            for shown, value in chosen
        ]
    right = [one for one in made if one.value == said]
    if right:
        return Judged(TRUE, right[0])
    return Judged(FALSE, made[0]) if len(pairs) == 1 and len(made) == 1 else Judged(UNKNOWN)


def _pairs(clause: str, grids: dict[str, Grid]) -> Iterator[tuple[Grid, Grid]]:
    """Patches with kernels that may be meant: those that are named, else the first with others."""
    named = [
        name
        for name in grids
        if name.isalpha() and re.search(rf"(?<![\w'’]){name}(?![\w'’])", clause)
    ]
    sizes = sorted(grids.items(), key=lambda one: -len(one[1]) * len(one[1][0]))
    patch = sizes[0][1] if len(sizes[0][1]) > len(sizes[-1][1]) else next(iter(grids.values()))
    if re.search(r"\b(?:ones only|all[- ]ones|of ones|only ones|nothing but ones)\b", clause):
        yield patch, tuple((1,) * len(row) for row in patch)
        return
    kernels = [
        grid
        for name, grid in grids.items()
        if grid is not patch and (name in named or not named or named == [next(iter(grids))])
    ]
    for kernel in kernels[:4]:
        yield patch, kernel


def _outputs(patch: Grid, kernel: Grid, *, flipped: bool) -> list[list[tuple[str, int]]]:
    """The sums of products at every place where the kernel fits, with their terms."""
    if flipped:
        kernel = tuple(row[::-1] for row in kernel[::-1])
    rows, columns = len(patch) - len(kernel) + 1, len(patch[0]) - len(kernel[0]) + 1
    made = []
    for top in range(max(rows, 0)):
        line = []
        for left in range(max(columns, 0)):
            terms = [
                (patch[top + i][left + j], weight)
                for i, row in enumerate(kernel)
                for j, weight in enumerate(row)
                if weight
            ]
            shown = " + ".join(
                f"{value}·({weight})" if weight < 0 else f"{value}·{weight}"
                for value, weight in terms
            )
            line.append((shown or "0", sum(value * weight for value, weight in terms)))
        made.append(line)
    return [line for line in made if line]
