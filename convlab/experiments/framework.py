"""What an experiment is, and how its trials are run, kept and compared."""

from __future__ import annotations

import dataclasses
import platform
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import convlab
from convlab import terminal
from convlab.errors import SpecError
from convlab.experiments import sources
from convlab.experiments.decision import Finding, Statement, decide
from convlab.experiments.trials import Done, Record, Trial, Trials
from convlab.files import write_atomically
from convlab.spread import Spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNITS = ("text", "count", "%", "number", "seconds")


def grouped(
    records: Sequence[Record], *keys: str
) -> Iterable[tuple[tuple[Any, ...], list[Record]]]:
    """(values of ``keys``, the records that have them), in the order of their first records."""
    found: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        found.setdefault(tuple(record[key] for key in keys), []).append(record)
    return found.items()


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

    def cells(self) -> list[list[str]]:
        """The headings, and the cells of each row, as texts."""
        heads = [column.heading for column in self.columns]
        return [heads, *([c.cell(row[c.key]) for c in self.columns] for row in self.rows)]

    @property
    def printed(self) -> terminal.Table:
        """The table as text, headings first; texts are left-aligned and numbers right-aligned."""
        right = [at for at, column in enumerate(self.columns) if column.unit != "text"]
        return terminal.Table(self.cells(), right, right[1:-1])


@dataclass(frozen=True)
class Verdict:
    """One sentence with figures, whether the claim holds (None: undecided), and why."""

    holds: bool | None
    text: str
    findings: tuple[Finding, ...] = ()

    @property
    def word(self) -> str:
        """holds, does not hold, or undecided."""
        return WORDS[self.holds]

    @property
    def details(self) -> Table:
        """What was found about each statement of the claim, as a table."""
        columns = (
            Column("statement", "statement"),
            Column("effect", "difference"),
            Column("interval", "95 % interval"),
            Column("least", "counts from"),
            Column("found", "found"),
        )
        rows = (
            {"statement": f.statement.text, "found": WORDS[f.holds], **f.texts()}
            for f in self.findings
        )
        return Table(columns, tuple(rows))


WORDS = {True: "holds", False: "does not hold", None: "undecided"}


def judge(statements: Sequence[Statement], holds: str, figures: str) -> Verdict:
    """The verdict on a claim, which holds if all its statements do.

    It does not hold if one of them does not, and is undecided otherwise.  ``holds``: what is
    said if all hold; ``figures``: the figures, as a clause behind it.
    """
    findings = decide(statements)
    for answer, opening in ((False, "Not so here that"), (None, "Undecided whether")):
        named = [f.statement.text for f in findings if f.holds is answer]
        if named:
            rest = f", and {len(named) - 1} more" if len(named) > 1 else ""
            text = f"{opening} {named[0]}{rest}: {figures}."
            return Verdict(answer, text, findings)
    return Verdict(True, f"{holds}: {figures}.", findings)


@dataclass(frozen=True)
class Design:
    """What is tried: on which data, how, with which networks, and the trials in order.

    data: the names of the sets, as trials have them.  how: the rest of the first line of the
    set-up; networks: its second line.
    """

    data: tuple[str, ...]
    how: str
    networks: str
    trials: tuple[Trial, ...]

    @property
    def set_up(self) -> tuple[str, str]:
        """Texts that say what is tried: data and seeds, and networks."""
        seeds = len({trial["seed"] for trial in self.trials if "seed" in trial})
        *others, last = map(sources.called, self.data)
        sets = " and ".join(filter(None, [", ".join(others), last]))
        link = " " if self.how.startswith("of ") else ", "
        first = f"{sets}{link}{self.how}, {seeds} seeds; mean ± standard deviation."
        return f"{first[:1].upper()}{first[1:]}", self.networks

    def on(self, source: str) -> Design:
        """The same on another data set.

        Raises SpecError where the trials are tied to theirs: they name none, or each set has a
        plan of its own.
        """
        plans = [
            tuple({**t, "data": source} for t in self.trials if t.get("data") == name)
            for name in self.data
        ]
        if any(plan != plans[0] for plan in plans) or sum(map(len, plans)) < len(self.trials):
            raise SpecError(f"data: expected no other than {' and '.join(self.data)} here")
        return dataclasses.replace(self, data=(source,), trials=plans[0])


@dataclass(frozen=True)
class Result:
    """The result of an experiment: all records, and what follows from them.

    ``scale`` is quick or full; ``seconds`` is the time of all trials together, whenever they ran;
    ``contents`` tells which copies of the data sets were read, by their names.
    """

    experiment: Experiment
    scale: str
    design: Design
    records: tuple[Record, ...]
    table: Table
    verdict: Verdict
    seconds: float
    contents: Mapping[str, str]

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
        words = ["convlab experiment run", self.experiment.name]
        words += ["--full"] if self.scale == "full" else []
        if self.design not in (self.experiment.design(self.scale), self.experiment.reduced):
            words += ["--data", shlex.quote(self.design.data[0])]
        return " ".join(words)

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

    def lines(self) -> list[terminal.Line | terminal.Block]:
        """Claim, set-up, table and verdict as a text."""
        return [
            f"claim: {self.experiment.claim}",
            *self.design.set_up,
            "",
            self.table.printed,
            f"\nverdict ({self.verdict.word}): {self.verdict.text}",
            "",
            self.verdict.details.printed,
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

    def save(self, folder: Path, **settings: Any) -> list[Path]:
        """Write all kinds of files into a folder; ``settings`` of ``content``.  Raises RunError."""
        paths = [folder / f"{self.experiment.name}{suffix}" for suffix in self.suffixes]
        for path in paths:
            write_atomically(path, self.content(path.suffix, **settings))
        return paths

    def to_dict(self) -> dict[str, Any]:
        """All figures and settings as plain values, for JSON."""
        experiment = self.experiment
        return {
            "experiment": experiment.name,
            "scale": self.scale,
            "claim": experiment.claim,
            "set_up": self.design.set_up,
            "data": self.design.data,
            "contents": self.contents,
            "holds": self.verdict.holds,
            "verdict": self.verdict.text,
            "findings": [finding.to_dict() for finding in self.verdict.findings],
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
    ``lacking()``: what a part of ``full`` needs and is not installed, in words, if anything;
    ``reduced``: ``full`` without that part.
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
    reduced: Design | None = None
    lacking: Callable[[], str] = str

    def to_dict(self) -> dict[str, Any]:
        """Name, claim and how many trials there are, for JSON."""
        trials = {"quick": len(self.quick.trials), "full": len(self.full.trials)}
        return {"name": self.name, "claim": self.claim, **trials}

    def design(self, scale: str, source: str | None = None) -> Design:
        """The design of a scale, quick or full; on its own data or on the set ``source``.

        Raises SpecError if the claim is tied to other data.
        """
        design = {"quick": self.quick, "full": self.full}[scale]
        return design if source is None or design.data == (source,) else design.on(source)

    def possible(self, design: Design) -> tuple[Design, str]:
        """A design as far as it can be measured here, and a line about what is left out, if any."""
        if self.reduced is None or design is not self.full or not (lacking := self.lacking()):
            return design, ""
        left = len(design.trials) - len(self.reduced.trials)
        return self.reduced, f"note: {left} of {len(design.trials)} trials left out: {lacking}"

    def with_data(self, scale: str, names: Sequence[str]) -> Design:
        """The design of a scale that has these data sets.  Raises SpecError if there is none."""
        own = self.design(scale)
        for design in (own, self.reduced):
            if design is not None and [*design.data] == [*names]:
                return design
        return own.on(*names)

    def trials(self, design: Design, folder: Path, force: bool = False) -> Trials:
        """The trials of a design, to be run and kept in a folder."""
        return Trials(self.name, design.trials, self.measure, folder, force)

    def result(
        self,
        scale: str,
        design: Design,
        records: Sequence[Record],
        seconds: float,
        contents: Mapping[str, str],
    ) -> Result:
        """Table and verdict of the records of all trials."""
        table = self.table(records)
        verdict = self.verdict(table)
        return Result(self, scale, design, tuple(records), table, verdict, seconds, dict(contents))

    def measured(self, scale: str, design: Design, done: Sequence[Done]) -> Result:
        """Table and verdict of all trials of a design."""
        done = sorted(done, key=lambda one: one.number)
        records, seconds = [one.record for one in done], sum(one.seconds for one in done)
        contents = {name: copy for one in done for name, copy in sorted(one.contents.items())}
        return self.result(scale, design, records, seconds, contents)


def run(experiment: Experiment, design: Design, folder: Path) -> Iterator[Done]:
    """Run the trials of a design in this process; see ``Trials.run``."""
    yield from experiment.trials(design, folder).run()
