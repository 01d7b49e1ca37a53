"""``convlab bench card``: all that a machine with a GPU is to show, in ten minutes."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import click
from convlab_cli import options

NAMES = (
    "devices",
    "parity",
    "memcheck",
    "racecheck",
    "kernels",
    "efficientnet",
    "train",
    "mnist",
)


@click.command("card")
@click.option(
    "-o",
    "--out",
    "folder",
    type=options.Written(file_okay=False, path_type=Path),
    default=Path("report"),
    show_default=True,
    help="Folder of the report: index.html, report.json and what each step printed.",
)
@click.option(
    "--step",
    "chosen",
    type=click.Choice(NAMES),
    multiple=True,
    help="Only this step; may be repeated.",
)
@click.option(
    "--limit",
    type=options.Number(0.1, 86_400),
    help="Seconds that a step may take at most; each has a limit of its own.",
)
def command(folder, chosen, limit):
    """Everything that needs an NVIDIA card, one step after the other, as one report.

    The tests of kernels and operations, compute-sanitizer over some of them, the speed of
    convolutions and of a training beside PyTorch's, and MNIST to 99 %.  Each step has its own
    limit of time, and what fails keeps none of the others from running.  The tests are those of
    the sources: run it where they are.
    """
    from convlab import bench
    from convlab.files import make_folder
    from convlab.kernels import cuda

    cuda.require()
    make_folder(folder)
    report = bench.Report(dataclasses.asdict(bench.machine()))
    steps = [
        dataclasses.replace(step, limit=min(step.limit, limit or step.limit))
        for step in bench.card_steps(folder.resolve(), Path("tests").resolve())
        if not chosen or step.name in chosen
    ]
    for outcome in bench.run_steps(steps, folder):
        report.outcomes.append(outcome)
        report.write(folder)
        name, seconds = outcome.step.name, f"{outcome.seconds:.1f} s"
        click.echo(f"{name:14}{outcome.status:10}{seconds:>9}  {outcome.step.what}")
    click.echo(f"report: {folder / 'index.html'}")
    if report.failed:
        click.echo(f"card: did not pass: {', '.join(report.failed)}", err=True)
        sys.exit(1)
