"""``convlab bench ladder``: one convolution as a series of loops, one more idea on each rung."""

import click
from convlab_cli import options
from convlab_cli.bench_options import bench_options

SHOWN = (*map(str, range(1, 10)), "all")


@options.command()
@options.lengths(
    "--input",
    "shape",
    counts=(3,),
    example="14x14x6",
    default="14x14x6",
    metavar="ROWSxCOLUMNSxCHANNELS",
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
@options.flag("--cuda", help="The four rungs of a GPU instead, by its own clock.")
@options.threads
@bench_options(rounds=7)
def command(rung, cuda, rounds, shown, **sizes):
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
        shown.check_gpu()
    report = bench.LadderOnCudaReport if cuda else bench.LadderReport
    shown.show(report(layer, rounds))
