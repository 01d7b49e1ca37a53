"""``convlab bench ladder``: one convolution as a series of loops, one idea more on each rung."""

from __future__ import annotations

import dataclasses

import click
from convlab_cli import options
from convlab_cli.bench_options import begin, bench_options, gpu_name
from convlab_cli.output import json_text

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
@click.option("--kernel", type=click.IntRange(1, options.MOST), default=5, show_default=True)
@click.option("--filters", type=click.IntRange(1, options.MOST), default=16, show_default=True)
@click.option("--padding", type=click.IntRange(0, options.MOST), default=0, show_default=True)
@click.option("--batch", type=click.IntRange(1, options.MOST), default=64, show_default=True)
@click.option(
    "--show",
    type=click.Choice(SHOWN),
    help="Measure nothing; print a rung and how it differs from the one before, or a page of all.",
)
@click.option("--cuda", is_flag=True, help="The four rungs of a GPU instead, by its own clock.")
@options.threads
@bench_options(rounds=7)
def command(show, cuda, rounds, as_json, plot, size, theme, **sizes):
    """One convolution from plain Python to the engine's loop, one idea more on each rung.

    By default LeNet's C3.  A deeper layer: --input 14x14x64 --kernel 3 --filters 128
    --padding 1 --batch 32.  Zeros around the input and the order of arrays are made before
    the clock runs.  Beside the rungs stand a matrix product (im2col), FFT and Winograd's way,
    with the memory that they need beside input, weights and output.
    """
    from convlab import bench
    from convlab.errors import ConvlabError

    if show is not None:
        click.echo(bench.ladder_page() if show == "all" else bench.ladder_rung(int(show)), nl=False)
        return
    layer = _layer(**sizes)
    try:
        bench.check_ladder(layer)
    except ConvlabError as error:
        raise click.UsageError(str(error)) from None
    if cuda:
        _on_cuda(layer, rounds, as_json, plot)
        return
    machine = begin(as_json)
    if not as_json:
        click.echo(f"{layer.name}: {layer.flops / 1e6:,.1f} MFLOP")
    ladder = bench.measure_ladder(layer, rounds)
    record = _json(machine, layer, *ladder)
    if as_json:
        click.echo(json_text(record, ensure_ascii=False))
    else:
        _print(*ladder)
    if plot:
        from convlab import viz
        from convlab.pictures._ladder import TITLE, ladder_content, ladder_text

        figure = viz.ladder(**ladder_content(record), size=size, theme=theme)
        options.save_figure(figure, plot, TITLE, ladder_text(record), quiet=as_json)


def _layer(shape, kernel, filters, padding, batch):
    from convlab import bench

    rows, columns, channels = shape
    name = (
        f"{rows} × {columns} × {channels} to {filters} maps, {kernel} × {kernel},"
        f" padding {padding}, batch {batch}"
    )
    size = rows, columns
    return bench.Layer(name, channels, filters, size, kernel, padding, batch=batch)


def _on_cuda(layer, rounds, as_json, plot) -> None:
    from convlab import bench

    name = gpu_name(plot)
    rungs = bench.measure_ladder_on_cuda(layer, rounds)
    gains = _gains(rungs)
    if as_json:
        rows = [
            {"rung": number, **_numbers(row), "gain": gain}
            for number, (row, gain) in enumerate(zip(rungs, gains, strict=True), 1)
        ]
        click.echo(json_text({"gpu": name, "flops": layer.flops, "rungs": rows}))
        return
    click.echo(f"{name}\n{layer.name}: {layer.flops / 1e6:,.1f} MFLOP\n")
    click.echo(f"{'rung':28} {'ms':>10} {'GF/s':>8} {'gain':>9} {'error':>9}")
    for number, (row, gain) in enumerate(zip(rungs, gains, strict=True), 1):
        times = "" if gain is None else f"×{gain:.2f}"
        click.echo(
            f"{number} {row.idea:26} {row.seconds.median * 1e3:10.4f} {row.speed / 1e9:8.0f}"
            f" {times:>9} {row.error:9.1e}"
        )


def _gains(rungs) -> list:
    """How many times as fast as the rung before each is; None for the first."""
    pairs = zip(rungs, rungs[1:], strict=False)
    return [None, *(after.speed / before.speed for before, after in pairs)]


def _print(rungs, others, roof) -> None:
    from convlab.bench.ladder import part_text
    from convlab.numerals import TIMES, measured

    def line(number, row, gain, memory=None):
        if row.seconds is None:
            return f"{number:1} {row.idea:26} {row.note:>10}"
        error = "" if row.error is None else f"{row.error:.1e}"
        more = "" if memory is None else f"{memory / 1e6:,.2f} MB"
        return (
            f"{number:1} {row.idea:26} {measured(row.seconds.median * 1e3):>10}"
            f" {measured(row.speed / 1e9):>8} {gain:>9} {row.speed / roof.flops:8.2%}"
            f" {error:>9} {more:>12}"
        ).rstrip()

    click.echo(
        f"peak of multiply-adds {roof.flops / 1e9:.0f} GF/s, memory"
        f" {roof.bandwidth / 1e9:.0f} GB/s\n"
    )
    head = f"{'ms':>10} {'GF/s':>8} {{:>9}} {'of peak':>8} {'error':>9}"
    click.echo(f"{'rung':28} {head.format('gain')}")
    for number, (row, gain) in enumerate(zip(rungs, _gains(rungs), strict=True), 1):
        click.echo(line(number, row, "" if gain is None else f"{TIMES}{measured(gain)}"))
    click.echo(f"\n{'other ways':28} {head.format('of rung 9')} {'extra memory':>12}")
    for row in others:
        share = "" if row.speed is None else f"{row.speed / rungs[-1].speed:.0%}"
        click.echo(line("", row, share, row.memory))
    click.echo(
        "\ngain: over the rung before; error: the largest difference to float64, of the largest"
        " output"
    )
    if part := part_text(rungs[0].share):
        click.echo(f"rung 1: {part} and scaled up")


def _numbers(row) -> dict:
    return {
        "idea": row.idea,
        "seconds": None if row.seconds is None else row.seconds._asdict(),
        "flops_per_second": row.speed,
        "error": row.error,
    }


def _json(machine, layer, rungs, others, roof) -> dict:
    def numbers(row) -> dict:
        share = None if row.speed is None else row.speed / roof.flops
        return {**_numbers(row), "share_of_peak": share}

    gains = _gains(rungs)
    return {
        "machine": dataclasses.asdict(machine),
        "peak_flops": roof.flops,
        "bandwidth": roof.bandwidth,
        "layer": dataclasses.asdict(layer),
        "flops": layer.flops,
        "bytes": layer.bytes,
        "rungs": [
            {"rung": number, **numbers(row), "share_timed": row.share, "gain": gain}
            for number, (row, gain) in enumerate(zip(rungs, gains, strict=True), 1)
        ],
        "others": [
            {**numbers(row), "extra_memory": row.memory, "note": row.note} for row in others
        ],
    }
