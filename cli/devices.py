"""``convlab devices``: what the loops can run on here."""

from __future__ import annotations

import click
from convlab_cli.output import json_text


@click.command()
@click.option(
    "--compile",
    "compile_",
    is_flag=True,
    help="Also compile and assemble every CUDA kernel, without a GPU.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(compile_, as_json):
    """The CPU and the NVIDIA GPUs of this machine, or why CUDA cannot be used.

    --compile shows what each CUDA kernel needs of a GPU: registers of a thread, and
    bytes that did not fit into them.  It needs the packages of convlab[cuda-compile].
    """
    from convlab import bench
    from convlab.kernels import cuda

    machine = bench.machine()
    found = cuda.devices()
    reason = cuda.why_not()
    kernels = _compiled() if compile_ else None
    if as_json:
        gpus = [gpu._asdict() for gpu in found]
        answer = {"cpu": machine.line(), "cuda": gpus, "why_not_cuda": reason}
        if kernels is not None:
            answer["kernels"] = [kernel._asdict() for kernel in kernels]
        click.echo(json_text(answer))
        return
    click.echo(f"cpu   {machine.line()}")
    for gpu in found:
        capability = ".".join(map(str, gpu.compute_capability))
        click.echo(
            f"cuda  {gpu.name}, compute capability {capability}, {gpu.memory / 2**30:.1f} GiB,"
            f" {gpu.free / 2**30:.1f} free, driver for CUDA {gpu.driver}"
        )
    if reason is not None:
        click.echo(f"cuda  cannot be used: {reason}\n      {cuda.INSTALL}")
    if kernels is not None:
        _print(kernels)


def _compiled():
    from convlab.errors import DeviceError
    from convlab.training import compile_cuda

    try:
        return compile_cuda()
    except ImportError as error:
        raise DeviceError(
            f"devices --compile: expected the packages of pip install 'convlab[cuda-compile]',"
            f" got none called {error.name}"
        ) from None


def _print(kernels) -> None:
    capabilities = sorted({kernel.compute_capability for kernel in kernels})
    columns = "".join(f"  {f'sm_{major}{minor}':>9}" for major, minor in capabilities)
    width = max(len(kernel.name) for kernel in kernels)
    click.echo(f"\n{'registers of a thread + bytes outside':<{width}}{columns}")
    rows: dict = {}
    for kernel in kernels:
        rows.setdefault((kernel.name, kernel.kinds), {})[kernel.compute_capability] = kernel
    for (name, _), by_capability in sorted(rows.items()):
        cells = "".join(
            f"  {f'{k.registers} + {k.spilled + k.stack}':>9}"
            for k in (by_capability[c] for c in capabilities)
        )
        click.echo(f"{name:<{width}}{cells}")
    worst = [k for k in kernels if k.spilled or k.stack]
    click.echo(
        f"{len(rows)} kernels, {len(kernels)} compiled and assembled;"
        f" {len(worst)} of them keep numbers of a thread outside its registers"
    )
