"""What the commands of ``convlab bench`` share: options, and how they show what they measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from convlab_cli import options
from convlab_cli.output import json_text

if TYPE_CHECKING:
    from convlab.bench.reports import Report


def bench_options(rounds: int, plot: bool = True):
    """``--rounds``, ``--json``, and for those with a picture ``--plot``, ``--size``, ``--theme``.

    For all but the first a command gets one argument, ``show``, which measures and shows.
    """
    shared = [
        options.whole(
            "--rounds", default=rounds, help="Measurements of each, in turn; their median counts."
        ),
        options.json_flag(),
    ]
    if plot:
        shared += [
            click.option(
                "--plot",
                type=options.WRITTEN,
                callback=lambda context, parameter, path: path and options.check_suffix(path),
                help="Picture to write as well: .png, .svg or .pdf.",
            ),
            *options.appearance(),
        ]
    return options.together(shared)


def show(
    report: Report,
    as_json: bool,
    plot: Path | None = None,
    *,
    ensure_ascii: bool = True,
    **look: str,
) -> None:
    """Measure, and print each line as it comes or all as JSON; write a picture where one is wanted.

    If other programs are using the measured machine, it says so first.
    """
    from convlab import bench

    if report.on_cpu and (busy := bench.busy_text()):
        click.echo(f"warning: {busy}", err=True)
    for line in report.lines():
        if not as_json:
            click.echo(line)
    if as_json:
        click.echo(json_text(report.to_dict(), ensure_ascii=ensure_ascii))
    if plot:
        figure = report.figure(**look)
        options.save_figure(figure, plot, report.title, report.description, quiet=as_json)


def check_gpu(plot: Path | None) -> None:
    """Raise DeviceError if no GPU can be measured, UsageError if it is to be drawn."""
    from convlab.kernels import cuda

    cuda.require()
    if plot:
        raise click.UsageError("--plot draws the CPU's figures; for those of a GPU, use --json")
