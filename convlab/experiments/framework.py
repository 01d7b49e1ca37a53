"""What an experiment is, and how its trials are run, kept and compared."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import convlab
from convlab.errors import RunError, SpecError
from convlab.files import make_folder, write_atomically
from convlab.reading import read_json
from convlab.spread import Spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNITS = ("text", "count", "%", "number", "seconds")

# One training or measurement, as plain values: everything that determines its figures.
Trial = Mapping[str, Any]
# A trial's settings and the figures that it gave.
Record = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """Whether one figure is larger than another, by more than chance seems to explain.

    ``sign`` is 1 or -1 if the intervals mean ± deviation of the two do not overlap, else 0: the
    difference is undecided.  ``of_means`` is the sign for the means.
    """

    of_means: float
    sign: int


def compare(first: Spread, second: Spread) -> Difference:
    """``first`` against ``second``: positive if ``first`` is larger."""
    difference = first.mean - second.mean
    clear = abs(difference) > first.deviation + second.deviation
    return Difference(difference, int(np.sign(difference)) if clear else 0)


@dataclass(frozen=True)
class Column:
    """A column of a table: its key in the rows, its heading, and how its cells are written.

    ``unit``: text, count (1,234), % (a share of 1), number (significant digits) or seconds.
    """

    key: str
    heading: str
    unit: str = "text"

    def __post_init__(self):
        if self.unit not in UNITS:
            raise SpecError(f"column: expected a unit of {', '.join(UNITS)}, got {self.unit!r}")

    def cell(self, value: Any) -> str:
        """A cell as text; a Spread as mean ± deviation, None as a dash."""
        if value is None:
            return "–"
        if isinstance(value, Spread):
            return value.text(self.unit)
        if self.unit == "count":
            return f"{value:,}"
        return str(value) if self.unit == "text" else Spread((float(value),)).text(self.unit)


@dataclass(frozen=True)
class Table:
    """The results of the trials: rows of cells by the keys of the columns.

    A cell is a text, a whole number, a number, a Spread, or None if nothing was measured.
    """

    columns: tuple[Column, ...]
    rows: tuple[dict[str, Any], ...]

    def row(self, **wanted: Any) -> dict[str, Any]:
        """The one row whose cells are as wanted.  Raises SpecError unless there is exactly one."""
        found = [row for row in self.rows if all(row[key] == wanted[key] for key in wanted)]
        if len(found) != 1:
            raise SpecError(f"table: expected one row with {wanted}, got {len(found)}")
        return found[0]

    def lines(self) -> list[str]:
        """The table as text, headings first; texts are left-aligned and numbers right-aligned."""
        cells = [[column.heading for column in self.columns]]
        cells += [[column.cell(row[column.key]) for column in self.columns] for row in self.rows]
        widths = [max(len(row[at]) for row in cells) for at in range(len(self.columns))]
        return [
            "  ".join(
                f"{text:<{width}}" if column.unit == "text" else f"{text:>{width}}"
                for text, width, column in zip(row, widths, self.columns, strict=True)
            ).rstrip()
            for row in cells
        ]


@dataclass(frozen=True)
class Verdict:
    """One sentence with figures, and whether the claim holds; None: undecided."""

    holds: bool | None
    text: str

    @property
    def word(self) -> str:
        """holds, does not hold, or undecided."""
        return {True: "holds", False: "does not hold", None: "undecided"}[self.holds]


@dataclass(frozen=True)
class Design:
    """What is tried: texts that say how (data, networks, seeds), and the trials in order."""

    set_up: tuple[str, ...]
    trials: tuple[Trial, ...]

    def texts(self) -> list[str]:
        """Each trial by what distinguishes it from the others."""
        keys = [key for key in self.trials[0] if key not in ("seed", "spec")]
        telling = [k for k in keys if len({json.dumps(trial.get(k)) for trial in self.trials}) > 1]
        return [
            ", ".join([*(str(trial.get(key)) for key in telling), f"seed {trial.get('seed', 0)}"])
            for trial in self.trials
        ]


@dataclass(frozen=True)
class Result:
    """The result of an experiment: all records, and what follows from them.

    ``scale`` is quick or full; ``seconds`` is the time of all trials together, whenever they ran.
    """

    experiment: Experiment
    scale: str
    records: tuple[Record, ...]
    table: Table
    verdict: Verdict
    seconds: float

    @property
    def design(self) -> Design:
        return self.experiment.design(self.scale)

    @property
    def texts(self) -> dict[str, Any]:
        """``title``, ``verdict`` and ``note`` as arguments for the figures of ``viz``."""
        return {
            "title": self.experiment.title,
            "verdict": self.verdict.text,
            "note": self.design.set_up[0],
        }

    @property
    def command(self) -> str:
        """The command that measures it."""
        return f"convlab experiment run {self.experiment.name}" + (
            " --full" if self.scale == "full" else ""
        )

    @property
    def description(self) -> str:
        """Claim, verdict and table as sentences: the picture's alternative text."""
        head, *others = self.table.columns
        rows = (
            f"{head.cell(row[head.key])}: "
            + ", ".join(f"{column.heading} {column.cell(row[column.key])}" for column in others)
            for row in self.table.rows
        )
        return f"{self.experiment.claim} {self.verdict.text} {'; '.join(rows)}."

    def lines(self) -> list[str]:
        """Claim, set-up, table and verdict as a text."""
        return [
            f"claim: {self.experiment.claim}",
            *self.design.set_up,
            "",
            *self.table.lines(),
            f"\nverdict ({self.verdict.word}): {self.verdict.text}",
        ]

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The kinds of files that ``content`` makes: .png, and .gif if there are frames."""
        return (".png",) if self.experiment.frames is None else (".png", ".gif")

    def content(
        self, suffix: str, *, theme: str = "light", size: str = "slide", command: str | None = None
    ) -> bytes:
        """The bytes of its picture, or of its animation, which has its own size.

        ``command``: the command that makes it, for the file's metadata.
        """
        from convlab import viz

        words: dict[str, Any] = {"description": self.description, "command": command}
        if suffix == ".gif" and self.experiment.frames is not None:
            frames = self.experiment.frames(self, theme=theme, size="animation")
            return viz.animation_bytes(frames, suffix, **words)
        figure = self.experiment.figure(self, theme=theme, size=size)
        return viz.figure_bytes(figure, suffix, title=self.experiment.title, **words)

    def to_dict(self) -> dict[str, Any]:
        """All figures and settings as plain values, for JSON."""
        experiment = self.experiment
        return {
            "experiment": experiment.name,
            "scale": self.scale,
            "claim": experiment.claim,
            "set_up": self.design.set_up,
            "holds": self.verdict.holds,
            "verdict": self.verdict.text,
            "columns": [dataclasses.asdict(column) for column in self.table.columns],
            "rows": [
                {key: _plain_cell(value) for key, value in row.items()} for row in self.table.rows
            ],
            "records": self.records,
            "seconds": self.seconds,
            "versions": {
                "convlab": convlab.__version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
        }


def _plain_cell(value: Any) -> Any:
    if isinstance(value, Spread):
        return {"mean": value.mean, "deviation": value.deviation, "values": value.values}
    return value


@dataclass(frozen=True)
class Experiment:
    """A claim about networks and how it is measured.

    ``measure`` makes a trial's figures (JSON values by name); ``table`` follows from the
    records, ``verdict`` from the table; ``figure(result, theme=, size=)`` draws it.
    ``frames(result, theme=, size=)``, if there is one, gives an animation's figures.
    """

    name: str
    title: str
    claim: str
    quick: Design
    full: Design
    measure: Callable[[Trial], dict[str, Any]]
    table: Callable[[Sequence[Record]], Table]
    verdict: Callable[[Table], Verdict]
    figure: Callable[..., Figure]
    frames: Callable[..., list[Figure]] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Name, claim and how many trials there are, for JSON."""
        trials = {"quick": len(self.quick.trials), "full": len(self.full.trials)}
        return {"name": self.name, "claim": self.claim, **trials}

    def design(self, scale: str) -> Design:
        """The design of a scale, quick or full."""
        return {"quick": self.quick, "full": self.full}[scale]

    def result(self, scale: str, records: Sequence[Record], seconds: float) -> Result:
        """Table and verdict of the records of all trials."""
        table = self.table(records)
        return Result(self, scale, tuple(records), table, self.verdict(table), seconds)


@dataclass(frozen=True)
class Done:
    """One trial's record, whether it was kept from an earlier run, and the seconds it took."""

    record: Record
    kept: bool
    seconds: float


def kept_path(folder: Path, experiment: Experiment, trial: Trial) -> Path:
    """Where a trial's figures are kept: a name determined by its settings and convlab's version."""
    settings = {"experiment": experiment.name, "convlab": convlab.__version__, "trial": trial}
    text = json.dumps(settings, sort_keys=True)
    digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return folder / "trials" / f"{digest}.json"


def run(experiment: Experiment, scale: str, folder: Path) -> Iterator[Done]:
    """Run the trials of a design in order, or take what the folder has kept of them.

    A trial's figures are kept as soon as they are available, so stopping costs one trial.  Raises
    RunError if the folder cannot be written, or a file in it cannot be read.
    """
    make_folder(folder)
    make_folder(folder / "trials")
    if not os.access(folder / "trials", os.W_OK):
        raise RunError(f"{folder}: expected a folder that can be written")
    try:
        for trial in experiment.design(scale).trials:
            yield _done(experiment, trial, kept_path(folder, experiment, trial))
    finally:
        for empty in (folder / "trials", folder):  # if not even one trial has finished
            with contextlib.suppress(OSError):
                empty.rmdir()


def _done(experiment: Experiment, trial: Trial, path: Path) -> Done:
    kept = path.exists()
    if not kept:
        begin = time.perf_counter()
        figures = experiment.measure(trial)
        seconds = time.perf_counter() - begin
        content = {"trial": trial, "figures": figures, "seconds": seconds}
        make_folder(path.parent)  # another process may have found it empty and deleted it
        write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())
    # New figures are read back too: they must not differ from kept ones.
    figures, seconds = _read(path)
    return Done({**trial, **figures}, kept, seconds)


def _read(path: Path) -> tuple[dict[str, Any], float]:
    try:
        content = read_json(path)
        return dict(content["figures"]), float(content["seconds"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        raise RunError(
            f"{path}: expected the figures of a trial, they cannot be read; delete the file and"
            " it is measured again"
        ) from None
