"""What the commands of ``convlab bench`` share: their options, and how they begin."""

from __future__ import annotations

import click
from convlab_cli import options


def bench_options(rounds: int, plot: bool = True):
    """``--rounds``, ``--json``, and of those with a picture ``--plot``, ``--size``, ``--theme``."""

    def decorate(command):
        shared = [
            click.option(
                "--rounds",
                type=click.IntRange(1, options.MOST),
                default=rounds,
                show_default=True,
                help="Measurements of each, in turn; their median counts.",
            ),
            click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
        ]
        if plot:
            shared += [
                click.option(
                    "--plot",
                    type=options.WRITTEN,
                    callback=_check_plot,
                    help="Picture to write as well: .png, .svg or .pdf.",
                ),
                *options.appearance(),
            ]
        for option in reversed(shared):
            command = option(command)
        return command

    return decorate


def _check_plot(context, parameter, path):
    return None if path is None else options.check_suffix(path)


def begin(quiet: bool):
    """The machine, after a warning if it has other things to do."""
    from convlab import bench

    busy = bench.busy_share()
    if busy > bench.BUSY:
        click.echo(
            f"warning: other programs use {busy:.0%} of this machine: the times will be"
            " larger and less sure",
            err=True,
        )
    machine = bench.machine()
    if not quiet:
        versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
        click.echo(f"{machine.line()}\n{machine.system}, {versions}")
    return machine


def gpu_name(plot) -> str:
    """The GPU that is measured, in words.  Raises DeviceError where there is none."""
    from convlab.kernels import cuda

    cuda.require()
    if plot:
        raise click.UsageError("--plot draws the CPU's figures; for those of a GPU, use --json")
    gpu = cuda.devices()[0]
    capability = ".".join(map(str, gpu.compute_capability))
    return f"{gpu.name}, compute capability {capability}, driver for CUDA {gpu.driver}"
