"""``convlab bench ladder``: one convolution as a series of loops, one more idea on each rung."""

from __future__ import annotations

import click
from convlab_cli import options
from convlab_cli.bench_options import bench_options, check_gpu, show

SHOWN = (*map(str, range(1, 10)), "all")


@click.command()
@click.option(
    "--input",
    "shape",
    metavar="ROWSxCOLUMNSxCHANNELS",
    type=options.Lengths((3,), "14x14x6"),
    default="14x14x6",
    show_default=True,
)
@options.whole("--kernel", default=5)
@options.whole("--filters", default=16)
@options.whole("--padding", least=0, default=0)
@options.whole("--batch", default=64)
@click.option(
    "--show",
    "rung",
    type=click.Choice(SHOWN),
    help="Measure nothing; print a rung and how it differs from the one before, or a page of all.",
)
@click.option("--cuda", is_flag=True, help="The four rungs of a GPU instead, by its own clock.")
@options.threads
@bench_options(rounds=7)
def command(rung, cuda, rounds, as_json, plot, size, theme, **sizes):
    """One convolution from plain Python to the engine's loop, one more idea on each rung.

    By default LeNet's C3.  A deeper layer: --input 14x14x64 --kernel 3 --filters 128
    --padding 1 --batch 32.  Zeros around the input and the order of arrays are made before the
    clock starts.  The rungs are compared with a matrix product (im2col), FFT and Winograd's method,
    with the memory that they need besides input, weights and output.
    """
    from convlab import bench
    from convlab.errors import ConvlabError

    if rung is not None:
        click.echo(bench.ladder_page() if rung == "all" else bench.ladder_rung(int(rung)), nl=False)
        return
    try:
        layer = bench.ladder_layer(**sizes)
        bench.check_ladder(layer)
    except ConvlabError as error:
        raise click.UsageError(str(error)) from None
    if cuda:
        check_gpu(plot)
        show(bench.LadderOnCudaReport(layer, rounds), as_json)
        return
    report = bench.LadderReport(layer, rounds)
    show(report, as_json, plot, ensure_ascii=False, size=size, theme=theme)
