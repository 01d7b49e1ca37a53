"""``convlab bench card``: all that a machine with a GPU should show, in ten minutes."""

import dataclasses
import math
import sys
from pathlib import Path

import click
from convlab_cli import options

NAMES = (
    *("devices", "parity", "memcheck", "racecheck"),
    *("kernels", "efficientnet", "train", "mnist"),
)


@options.command("card")
@options.output(
    default="report",
    help="Folder of the report: index.html, report.json and what each step printed.",
    folder=True,
)
@click.option(
    "--step",
    "only",
    type=click.Choice(NAMES),
    multiple=True,
    help="Only this step; may be repeated.",
)
@options.number(
    "--limit",
    (0.1, 86_400),
    help="The most seconds that a step may take; each has its own limit.",
)
def command(output, only, limit):
    """Everything that needs an NVIDIA card, step by step, as one report.

    The tests of kernels and operations, compute-sanitizer over some of them, the speed of
    convolutions and of training beside PyTorch's, and MNIST to 99 %.  Each step has its own time
    limit, and a failure does not keep the others from running.  The tests are in the source tree:
    run the command there.
    """
    from convlab import bench
    from convlab.files import make_folder
    from convlab.kernels import cuda

    cuda.require()
    make_folder(output)
    report = bench.Report(dataclasses.asdict(bench.machine()))
    for outcome in report.run(
        bench.card_steps(output, Path("tests"), only, limit or math.inf), output
    ):
        click.echo(outcome.line())
    click.echo(f"report: {output / 'index.html'}")
    if report.failed:
        click.echo(f"card: did not pass: {', '.join(report.failed)}", err=True)
        sys.exit(1)
