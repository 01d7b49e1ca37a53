"""``convlab devices``: what the loops can run on here."""

from __future__ import annotations

import click
from convlab_cli import options
from convlab_cli.output import json_text


@click.command()
@click.option(
    "--compile",
    "compile_",
    is_flag=True,
    help="Also compile and assemble every CUDA kernel, without a GPU.",
)
@options.json_flag()
def command(compile_, as_json):
    """The CPU and the NVIDIA GPUs of this machine, or why CUDA cannot be used.

    --compile shows what each CUDA kernel needs of a GPU: registers of a thread, and
    bytes that did not fit into them.  It needs the packages of convlab[cuda-compile].
    """
    from convlab import bench, training
    from convlab.errors import DeviceError
    from convlab.kernels import cuda

    cpu, found, reason = bench.machine().line(), cuda.devices(), cuda.why_not()
    try:
        kernels = training.compile_cuda() if compile_ else []
    except ImportError as error:
        raise DeviceError(
            f"devices --compile: expected the packages of pip install 'convlab[cuda-compile]',"
            f" got none called {error.name}"
        ) from None
    if as_json:
        gpus = [gpu._asdict() for gpu in found]
        compiled = {"kernels": [kernel._asdict() for kernel in kernels]} if compile_ else {}
        click.echo(json_text({"cpu": cpu, "cuda": gpus, "why_not_cuda": reason, **compiled}))
        return
    click.echo(f"cpu   {cpu}")
    for gpu in found:
        click.echo(f"cuda  {gpu.line()}")
    if reason is not None:
        click.echo(f"cuda  cannot be used: {reason}\n      {cuda.INSTALL}")
    if kernels:
        click.echo()
    for line in training.compiled_lines(kernels) if kernels else ():
        click.echo(line)
