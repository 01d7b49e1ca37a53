"""A sweep: one network trained with every combination of some settings, each with several seeds."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import convlab
from convlab import models, terminal
from convlab.data import located, short_name
from convlab.errors import DivergedError, SpecError
from convlab.experiments.decision import interval_of
from convlab.experiments.framework import Column, Table, grouped
from convlab.experiments.learning import train_and_test
from convlab.experiments.trials import Done, Record, Trial, Trials
from convlab.files import write_atomically
from convlab.json_files import record_bytes
from convlab.names import meant
from convlab.spread import Spread
from convlab.training import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SEEDS = 1000
MOST_TRIALS = 100_000
DRAWN_ROWS = 16  # of a picture with a row for each combination
_OWN = {"lr": "rate"}  # settings that an option calls otherwise
_CHOSEN_BY = {"model", "data", "seed", "start_from", "new_head", "skip_damaged"}
_LABEL = "validation accuracy"


def measure(trial: Trial) -> dict[str, Any]:
    """A training's figures; where the loss overflows, that it did."""
    try:
        return train_and_test(trial)
    except DivergedError as error:
        return {"diverged": str(error)}


def parse_grid(texts: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """The values of each setting from texts as ``lr=0.01,0.02``, by the names of ``Settings``.

    Where the values themselves have commas, as those of augment, semicolons are between them.
    Raises SpecError for a setting that there is not, or that is given twice, and for values of
    another kind.
    """
    found: dict[str, tuple[Any, ...]] = {}
    kinds = {n: k for n, k in get_type_hints(Settings).items() if n not in _CHOSEN_BY}
    spelled = {{v: k for k, v in _OWN.items()}.get(n, n).replace("_", "-"): n for n in kinds}
    for text in texts:
        word, equals, values = text.partition("=")
        if not equals or word not in spelled:
            known = ", ".join(sorted(spelled))
            raise SpecError(
                f"set: expected NAME=VALUE,VALUE with a name among {known}, got {text!r:.60}"
                f"{meant(word, spelled)}"
            )
        name = spelled[word]
        parts = values.split(";" if ";" in values or word == "augment" else ",")
        read = tuple(_value(word, part.strip(), kinds[name]) for part in parts)
        if name in found or len(set(read)) < len(read):
            raise SpecError(f"set: expected each value of {word} once, got {text!r:.60}")
        found[name] = read
    return found


def _value(word: str, text: str, kind: Any) -> Any:
    kinds = get_args(kind) or (kind,)
    for one in (int, float):
        if one in kinds:
            try:
                return one(text)
            except ValueError:
                wanted = "a whole number" if one is int else "a number"
                raise SpecError(f"{word}: expected {wanted}, got {text!r:.40}") from None
    if not text:
        raise SpecError(f"{word}: expected a value, got ''")
    return text


@dataclass(frozen=True)
class Sweep:
    """What is trained: a model on some data, the values of each setting, and how many seeds.

    ``halving``: begin with few epochs, and give twice as many to the better half until the last
    ones have them all (successive halving, Jamieson & Talwalkar 2016).  Raises SpecError for
    settings that do not fit.
    """

    model: str = "lenet5"
    data: str = "digits"
    grid: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    seeds: int = 5
    halving: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", located(self.data))
        if not 1 <= self.seeds <= MOST_SEEDS:
            raise SpecError(f"seeds: expected 1 to {MOST_SEEDS}, got {self.seeds}")
        count = math.prod(map(len, self.grid.values())) * self.seeds
        if count > MOST_TRIALS:
            raise SpecError(f"sweep: expected at most {MOST_TRIALS:,} trainings, got {count:,}")
        if self.halving and len(self.grid.get("epochs", ())) > 1:
            raise SpecError("halving: expected one number of epochs, which it divides, got several")
        models.input_shape(models.read_spec(self.model))
        for combination in self.combinations:
            Settings(data=self.data, **combination)

    @property
    def combinations(self) -> list[dict[str, Any]]:
        """The settings of each combination, the last one changing first."""
        return [
            dict(zip(self.grid, values, strict=True))
            for values in itertools.product(*self.grid.values())
        ]

    @property
    def varied(self) -> list[str]:
        """The settings with several values."""
        return [name for name, values in self.grid.items() if len(values) > 1]

    def trials(
        self,
        folder: Path,
        epochs: int,
        combinations: Sequence[Mapping[str, Any]] | None = None,
        force: bool = False,
    ) -> Trials:
        """A round: a trial for each combination, by default all of them, and each seed.

        ``epochs``: of each training, unless several numbers of them are tried.
        """
        spec = models.read_spec(self.model)
        own = {} if self.model in models.model_names() else {"spec": spec.text}
        usual = {"augment": self._usual.augment, "epochs": epochs}
        base = {"model": spec.name, "data": self.data, **own, **usual}
        trials = [
            {**base, **self.of_a_round(combination), "seed": seed}
            for combination in (self.combinations if combinations is None else combinations)
            for seed in range(self.seeds)
        ]
        return Trials("sweep", trials, measure, folder, force)

    @property
    def _usual(self) -> Settings:
        return Settings(data=self.data)

    @property
    def epochs(self) -> list[int]:
        """The epochs of each round, without halving of the only one."""
        whole = self.grid.get("epochs", (self._usual.epochs,))[0]
        if not self.halving:
            return [whole]
        rounds = max(1, math.ceil(math.log2(max(2, len(self.combinations)))))
        return sorted({max(1, whole >> at) for at in range(rounds)})

    def better_half(self, done: Sequence[Done]) -> list[dict[str, Any]]:
        """The combinations of a round with the highest mean validation accuracies, half of them."""
        records = [one.record for one in sorted(done, key=lambda one: one.number)]
        ranked = sorted(self._scores(records), key=lambda each: -each[1])
        kept = [one for one, _ in ranked[: max(1, -(-len(ranked) // 2))]]
        return [each for each in self.combinations if self.of_a_round(each) in kept]

    def _scores(self, records: Sequence[Record]) -> list[tuple[dict[str, Any], float]]:
        """Each combination and its mean validation accuracy; -1 where a training diverged."""
        keys = list(self.of_a_round(self.grid))
        return [
            (dict(zip(keys, key, strict=True)), _score(own)) for key, own in grouped(records, *keys)
        ]

    def of_a_round(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Settings of the grid, which says nothing of the epochs if a round does."""
        return {k: v for k, v in settings.items() if not (self.halving and k == "epochs")}

    def result(self, done: Sequence[Done]) -> Swept:
        """What came of all rounds; ``done`` in their order."""
        seconds = sum(one.seconds for one in done)
        return Swept(self, tuple(one.record for one in done), seconds)


def word(name: str) -> str:
    """A setting as its option is called."""
    return {v: k for k, v in _OWN.items()}.get(name, name).replace("_", "-")


def _score(records: Sequence[Record]) -> float:
    if any("diverged" in record for record in records):
        return -1.0
    return Spread.of(records, "validation_accuracy").mean


@dataclass(frozen=True)
class Swept:
    """The records of a sweep, and what follows from them."""

    sweep: Sweep
    records: tuple[Record, ...]
    seconds: float

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row for each combination, from its last round; its accuracies are Spreads.

        ``low`` and ``high`` are the ends of the test accuracy's 95 % interval (Student's t).
        """
        keys = list(self.sweep.of_a_round(self.sweep.grid))
        rows = []
        for key, own in grouped(self.records, *keys):
            last = max(record["epochs"] for record in own)
            records = [record for record in own if record["epochs"] == last]
            good = [record for record in records if "diverged" not in record]
            test = Spread.of(good, "test_accuracy")
            low, high = interval_of(test.values) if good else (-math.inf, math.inf)
            rows.append(
                {
                    **dict(zip(keys, key, strict=True)),
                    "epochs": last,
                    "validation": Spread.of(good, "validation_accuracy"),
                    "test": test,
                    "low": low,
                    "high": high,
                    "diverged": len(records) - len(good),
                }
            )
        return rows

    @property
    def best(self) -> dict[str, Any] | None:
        """The row with the highest mean validation accuracy among those with the most epochs.

        None if all have diverged.  The test images have no part in the choice.
        """
        rows = self.rows
        most = max(row["epochs"] for row in rows) if self.sweep.halving else 0
        good = [row for row in rows if not row["diverged"] and row["epochs"] >= most]
        return max(good, key=lambda row: row["validation"].mean, default=None)

    @property
    def table(self) -> Table:
        """The rows as text."""
        names = [*self.sweep.varied, *(["epochs"] if self.sweep.halving else [])]
        names = list(dict.fromkeys(names)) or [*self.sweep.grid][:1] or ["epochs"]
        columns = [
            Column(name, word(name), "text" if isinstance(self.rows[0][name], str) else "number")
            for name in names
        ]
        rows = tuple(self._written(row) for row in self.rows)
        columns = [dataclasses.replace(column, unit="text") for column in columns]
        columns += [
            Column("validation", _LABEL, "%"),
            Column("test", "test accuracy", "%"),
            Column("interval", "95 % interval"),
        ]
        columns += [Column("diverged", "diverged", "count")] * any(r["diverged"] for r in rows)
        return Table(tuple(columns), rows)

    def _written(self, row: dict[str, Any]) -> dict[str, Any]:
        low, high = row["low"], row["high"]
        finite = math.isfinite(low) and math.isfinite(high)
        ends = max(0.0, 100 * low), min(100.0, 100 * high)
        text = f"{ends[0]:.1f} to {ends[1]:.1f} %" if finite else "–"
        settings = {name: str(value) for name, value in row.items() if name not in _MEASURED}
        spreads = {
            name: row[name] if row["test"].values else None for name in ("validation", "test")
        }
        return {**settings, **spreads, "interval": text, "diverged": row["diverged"]}

    @property
    def title(self) -> str:
        """What was trained."""
        name = models.read_spec(self.sweep.model).name
        return f"{name} on {short_name(self.sweep.data)}, by {self._names}"

    @property
    def _names(self) -> str:
        words = [word(name) for name in self.sweep.varied] or ["seed"]
        return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))

    @property
    def verdict(self) -> str:
        """The best combination, in one sentence."""
        best = self.best
        if best is None:
            return "All trainings diverged: try smaller learning rates."
        shown = self.sweep.varied or ["epochs"]
        settings = ", ".join(f"{word(name)} {best[name]}" for name in shown)
        return (
            f"Best on the validation images: {settings}, with {best['validation'].text('%')};"
            f" on the test images it has {best['test'].text('%')}."
        )

    @property
    def note(self) -> str:
        """The set-up, in one sentence."""
        count, sweep = len(self.sweep.combinations), self.sweep
        fixed = [f"{word(n)} {v[0]}" for n, v in sweep.grid.items() if len(v) == 1]
        epochs = " → ".join(map(str, sweep.epochs))
        if "epochs" not in sweep.grid or sweep.halving:
            fixed = [f"{epochs} epochs", *(text for text in fixed if not text.startswith("epochs"))]
        seeds = f"{sweep.seeds} seeds" if sweep.seeds > 1 else "one seed"
        return f"{count} settings, {seeds}, {', '.join(fixed)}; mean ± standard deviation."

    def lines(self) -> list[terminal.Line | terminal.Block]:
        """Set-up, table and the best as a text."""
        return [self.title, self.note, "", self.table.printed, f"\n{self.verdict}"]

    def to_dict(self) -> dict[str, Any]:
        """All figures and settings as plain values, for JSON."""
        best = self.best
        return {
            "model": self.sweep.model,
            "data": self.sweep.data,
            "settings": {word(name): list(values) for name, values in self.sweep.grid.items()},
            "seeds": self.sweep.seeds,
            "epochs": self.sweep.epochs,
            "best": None if best is None else self._plain(best),
            "rows": [self._plain(row) for row in self.rows],
            "records": list(self.records),
            "seconds": self.seconds,
            "convlab": convlab.__version__,
        }

    def _plain(self, row: dict[str, Any]) -> dict[str, Any]:
        found = {word(name): value for name, value in row.items() if name not in _MEASURED}
        for name in ("validation", "test"):
            spread = row[name]
            known = bool(spread.values)
            found[f"{name}_accuracy"] = spread.mean if known else None
            found[f"{name}_deviation"] = spread.deviation if known else None
        for end in ("low", "high"):
            found[f"test_{end}"] = row[end] if math.isfinite(row[end]) else None
        return found | {"diverged": row["diverged"]}

    def csv(self) -> bytes:
        """The rows as a table of comma-separated values, accuracies as shares of 1."""
        text, rows = io.StringIO(), [self._plain(row) for row in self.rows]
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()

    def save(self, folder: Path, *, command: str | None = None, **look: str) -> list[Path]:
        """Write sweep.png, sweep.csv and sweep.json into a folder.  Raises RunError."""
        from convlab import viz

        figure = self.figure(**look)
        words = {"title": self.title, "description": f"{self.title}. {self.verdict} {self.note}"}
        contents = {
            "sweep.png": viz.figure_bytes(figure, ".png", **words, command=command),
            "sweep.csv": self.csv(),
            "sweep.json": record_bytes({"command": command, **self.to_dict()}),
        }
        for name, content in contents.items():
            write_atomically(folder / name, content)
        return [folder / name for name in contents]

    def figure(self, *, theme: str = "light", size: str = "slide") -> Figure:
        """Lines along one setting that is a number, a heat map of two, else a row for each."""
        from convlab import viz

        claim = {"title": self.title, "verdict": self.verdict, "note": self.note}
        claim |= {"theme": theme, "size": size}
        varied = self.sweep.varied
        if len(varied) == 2 and not self.sweep.halving:
            counts = [len(self.sweep.grid[name]) for name in varied]
            if max(counts) <= viz.MOST_CELLS:
                return self._cells(claim)
        numbers = len(varied) == 1 and not isinstance(self.sweep.grid[varied[0]][0], str)
        return self._lines(claim) if numbers and not self.sweep.halving else self._bars(claim)

    def _lines(self, claim: dict[str, Any]) -> Figure:
        from convlab import viz

        name = self.sweep.varied[0]
        places = [row[name] for row in self.rows]
        lines = [
            viz.MeasuredLine(
                text, places, [row[key].values or (math.nan,) for row in self.rows], role
            )
            for text, key, role in (
                ("validation", "validation", "output"),
                ("test", "test", "input"),
            )
        ]
        wide = min(places) > 0 and max(places) >= 8 * min(places)
        return viz.measured_lines(
            lines, x_label=word(name), y_label="accuracy", logarithmic=wide, **claim
        )

    def _cells(self, claim: dict[str, Any]) -> Figure:
        from convlab import viz

        down, along = self.sweep.varied
        heads = [(word(n), [str(v) for v in self.sweep.grid[n]]) for n in (down, along)]
        rows, best = self.rows, self.best
        shape = len(heads[0][1]), len(heads[1][1])
        values = [row["validation"].mean if row["validation"].values else math.nan for row in rows]
        texts = ["diverged" if math.isnan(v) else f"{100 * v:.1f}" for v in values]
        at = None if best is None else divmod(rows.index(best), shape[1])
        grid = [values[i * shape[1] : (i + 1) * shape[1]] for i in range(shape[0])]
        return viz.measured_cells(
            grid, texts, rows=heads[0], columns=heads[1], label=f"{_LABEL}, %", best=at, **claim
        )

    def _bars(self, claim: dict[str, Any]) -> Figure:
        from convlab import viz

        best = self.best
        rows = [row for row in self.rows if row["test"].values]
        rows.sort(key=lambda row: (-row["epochs"], -row["validation"].mean))
        shown = [
            viz.MeasuredRow(
                ", ".join(f"{word(name)} {row[name]}" for name in self.sweep.varied) or "seeds",
                row["validation"].values,
                [str(row["epochs"])],
                role="output" if row == best else "input",
            )
            for row in rows[:DRAWN_ROWS]
        ]
        if not shown:
            raise SpecError("sweep: expected a training that did not diverge, got none")
        return viz.measured_rows(shown, label=_LABEL, headings=["epochs"], **claim)


_MEASURED = ("validation", "test", "low", "high", "diverged")
