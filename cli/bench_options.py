"""What the commands of ``convlab bench`` share: options, and how they show what they measure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click
from convlab_cli import drawing, options
from convlab_cli.output import command_line, write
from convlab_cli.terminal import say, wide

if TYPE_CHECKING:
    from convlab.bench.reports import Report


@dataclass(frozen=True)
class Shown:
    """Where what is measured goes: lines or JSON, and a picture if one is wanted."""

    record: options.Record
    path: Path | None
    look: dict[str, str]

    def show(self, report: Report) -> None:
        """Measure, and print each line as it comes.

        If other programs are using the measured machine, it says so first.
        """
        from convlab import bench

        if report.on_cpu and (busy := bench.busy_text()):
            say([f"warning: {busy}"], err=True)
        for line in report.lines():
            say([line])
        if self.record.wanted:
            self.record.put(report.to_dict())
        if self.path is not None:
            suffix = self.path.suffix.lower() or drawing.STILL[0]
            write(self.path, report.content(suffix, command=command_line(), **self.look))
            say([f"wrote {self.path}"])

    def check_gpu(self) -> None:
        """Raise DeviceError if no GPU can be measured, UsageError if it is to be drawn."""
        from convlab.kernels import cuda

        cuda.require()
        if self.path is not None:
            raise click.UsageError("-o draws the CPU's figures; for those of a GPU, use --json")


def bench_options(rounds: int, picture: bool = True):
    """``--rounds``, ``--json``, and for those with a picture ``-o``, ``--size``, ``--theme``.

    For all but the first a command gets one argument, ``shown``, which measures and shows.
    """
    every = options.whole(
        "--rounds", default=rounds, help="Measurements of each, in turn; their median counts."
    )
    shared = [every, wide, options.json_options()]
    if picture:
        still = drawing.listed(drawing.STILL)
        shared += [
            options.output(*drawing.STILL, help=f"Picture to write as well: {still}."),
            *drawing.appearance(),
        ]

    def decorate(function):
        @wraps(function)
        def command(*, record, output=None, size="slide", theme="light", **settings):
            shown = Shown(record, output, {"size": size, "theme": theme})
            return function(shown=shown, **settings)

        return options.together(shared)(drawing.dressed(command) if picture else command)

    return decorate
