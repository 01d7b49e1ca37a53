"""Reports on the ladder: its table, its record for JSON, and the data for a figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from convlab.bench.convolutions import Layer
from convlab.bench.ladder import (
    ONLY_3,
    WAYS,
    Ladder,
    RungRow,
    check_ladder,
    ladder_layer,
    measure_ladder,
    measure_ladder_on_cuda,
    part_text,
)
from convlab.bench.machine import Machine, gpu_name
from convlab.bench.reports import Report
from convlab.bench.titles import ladder_words
from convlab.ladder import RUNGS
from convlab.numerals import TIMES, measured
from convlab.terminal import Block, Line, Table
from convlab.words import joined

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LADDER_TITLE = "What each idea buys"


def gains(rungs: Sequence[RungRow]) -> list[float | None]:
    """How many times as fast each is as the rung before; None for the first."""
    pairs = zip(rungs, rungs[1:], strict=False)
    return [None, *(after.speed / before.speed for before, after in pairs)]


class LadderReport(Report):
    """Every rung and every other way, see ``measure_ladder``, which raises the same errors."""

    title = LADDER_TITLE

    def __init__(self, layer: Layer, rounds: int = 7):
        check_ladder(layer)
        self.layer, self.rounds = layer, rounds
        self.ladder: Ladder

    def lines(self) -> Iterator[Line | Block]:
        yield from self._begin()
        yield _what(self.layer)
        self.ladder = measure_ladder(self.layer, self.rounds)
        yield from self._tables(*self.ladder)

    def _tables(self, rungs, others, roof) -> Iterator[Line | Block]:
        def cells(number, row, gain, memory=None):
            if row.seconds is None:
                return [f"{number:1} {row.idea}", row.note, "", "", "", "", ""]
            error = "" if row.error is None else f"{row.error:.1e}"
            more = "" if memory is None else _megabytes(memory)
            speeds = measured(row.seconds.median * 1e3), measured(row.speed / 1e9)
            share = f"{row.speed / roof.flops:.2%}"
            return [f"{number:1} {row.idea}", *speeds, gain, share, error, more]

        yield f"{roof.line()}\n"
        table = partial(Table, right=range(1, 7), spare=(6, 5, 4, 2))
        climbed = [["rung", "ms", "GF/s", "gain", "of peak", "error", ""]]
        for number, (row, gain) in enumerate(zip(rungs, gains(rungs), strict=True), 1):
            climbed.append(cells(number, row, "" if gain is None else f"{TIMES}{measured(gain)}"))
        yield table(climbed)
        yield ""
        ways = [["other ways", "ms", "GF/s", "of rung 9", "of peak", "error", "extra memory"]]
        for row in others:
            share = "" if row.speed is None else f"{row.speed / rungs[-1].speed:.0%}"
            ways.append(cells("", row, share, row.memory))
        yield table(ways)
        yield (
            "\ngain: over the rung before; error: the largest difference to float64, of the"
            " largest output"
        )
        if part := part_text(rungs[0].share):
            yield f"rung 1: {part} and scaled up"

    def to_dict(self) -> dict[str, Any]:
        rungs, others, roof = self.ladder

        def numbers(row) -> dict:
            share = None if row.speed is None else row.speed / roof.flops
            return {**row.to_dict(), "share_of_peak": share}

        return {
            "machine": asdict(self.machine),
            "peak_flops": roof.flops,
            "bandwidth": roof.bandwidth,
            "layer": asdict(self.layer),
            "flops": self.layer.flops,
            "bytes": self.layer.bytes,
            "rungs": [
                {"rung": number, **numbers(row), "share_timed": row.share, "gain": gain}
                for number, (row, gain) in enumerate(zip(rungs, gains(rungs), strict=True), 1)
            ],
            "others": [
                {**numbers(row), "extra_memory": row.memory, "note": row.note} for row in others
            ],
        }

    @property
    def description(self) -> str:
        return ladder_text(self.to_dict())

    def figure(self, *, theme: str = "light", size: str = "slide") -> Figure:
        from convlab import viz

        return viz.ladder(**ladder_content(self.to_dict()), size=size, theme=theme)


class LadderOnCudaReport(Report):
    """The rungs of a GPU, see ``measure_ladder_on_cuda``; no figure."""

    on_cpu = False

    def __init__(self, layer: Layer, rounds: int = 7):
        check_ladder(layer)
        self.layer, self.rounds, self.gpu = layer, rounds, gpu_name()
        self.rungs: list[RungRow] = []

    def lines(self) -> Iterator[str]:
        self.rungs = measure_ladder_on_cuda(self.layer, self.rounds)
        yield f"{self.gpu}\n{_what(self.layer)}\n"
        yield f"{'rung':28} {'ms':>10} {'GF/s':>8} {'gain':>9} {'error':>9}"
        for number, (row, gain) in enumerate(zip(self.rungs, gains(self.rungs), strict=True), 1):
            times = "" if gain is None else f"×{gain:.2f}"
            yield (
                f"{number} {row.idea:26} {row.seconds.median * 1e3:10.4f}"
                f" {row.speed / 1e9:8.0f} {times:>9} {row.error:9.1e}"
            )

    def to_dict(self) -> dict[str, Any]:
        rows = [
            {"rung": number, **row.to_dict(), "gain": gain}
            for number, (row, gain) in enumerate(zip(self.rungs, gains(self.rungs), strict=True), 1)
        ]
        return {"gpu": self.gpu, "flops": self.layer.flops, "rungs": rows}


def _what(layer: Layer) -> str:
    return f"{layer.name}: {layer.flops / 1e6:,.1f} MFLOP"


def ladder_content(record: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``viz.ladder`` from what ``bench ladder --json`` writes.

    Raises KeyError, TypeError, ValueError, ArithmeticError or AttributeError for anything else.
    """
    from convlab import viz

    layer = record["layer"]["name"]
    names = [layer, *(row["idea"] for row in record["rungs"] + record["others"])]
    if len(names) > 14 or not all(isinstance(name, str) and len(name) <= 100 for name in names):
        raise ValueError("no picture has room for that")
    # What is known by its English words is shown in the language of the figure.
    known: dict[str, str] = {text: text for text in (*(rung.idea for rung in RUNGS), *WAYS, ONLY_3)}
    setting = record["layer"]
    if setting["stride"] == setting["dilation"] == setting["groups"] == 1:
        shape, filters = (*setting["size"], setting["channels"]), setting["outputs"]
        more = setting["kernel"], filters, setting["padding"], setting["batch"]
        named = ladder_layer(shape, *more).name
        known[named] = named
    layer = known.get(layer, layer)
    steps = [
        viz.LadderStep(
            known.get(row["idea"], row["idea"]),
            row["flops_per_second"],
            part_text(row["share_timed"]),
        )
        for row in record["rungs"]
    ]
    beside = [
        viz.LadderStep(
            known.get(row["idea"], row["idea"]),
            row["flops_per_second"],
            known.get(row["note"], row["note"]) or _megabytes(row["extra_memory"]),
        )
        for row in record["others"]
    ]
    roofs = record["peak_flops"], record["bandwidth"] * record["flops"] / record["bytes"]
    words = ladder_words(steps, layer, Machine(**record["machine"]).line())
    return {"rungs": steps, "others": beside, "roofs": roofs, **words}


def _megabytes(count: float) -> str:
    return joined([f"{count / 1e6:,.2f}", "MB"], " ")


def ladder_text(record: dict[str, Any]) -> str:
    """What the picture shows, in words."""
    return "; ".join(
        f"{row['idea']}: {row['flops_per_second'] / 1e9:.3g} GF/s" for row in record["rungs"]
    )
