"""``convlab bench``: how fast it is on this machine, beside PyTorch where that is installed."""

from __future__ import annotations

import contextlib
import dataclasses

import click
from convlab_cli import bench_card, bench_ladder, options
from convlab_cli.bench_options import begin, bench_options, gpu_name
from convlab_cli.output import json_text

on_device = click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="What is measured.",
)


class Several(click.ParamType):
    """Whole numbers from 1, with commas between them."""

    name = "N,N"

    def __init__(self, most: int):
        self.one = click.IntRange(1, most)

    def convert(self, value, parameter, context):
        if not isinstance(value, str):
            return value
        parts = value.split(",")
        if not all(part.strip().isdecimal() for part in parts):
            self.fail(f"expected whole numbers such as 1,32, got {value!r}", parameter, context)
        return tuple(self.one.convert(part, parameter, context) for part in parts)


classes_option = click.option(
    "--classes",
    type=click.IntRange(1, options.MOST),
    default=10,
    show_default=True,
    help="Outputs of the network.",
)


def _network(model, classes: int, device: str = "cpu"):
    """The network to be measured; misuse where PyTorch is to be measured and has no such one."""
    from convlab import bench
    from convlab.errors import SpecError

    network = bench.network(model, classes)
    if bench.compared(device):
        try:
            bench.pytorch_layers(network)
        except SpecError as error:
            raise click.UsageError(str(error)) from None
    return network


@click.group()
def command():
    """Measure how fast convlab is on this machine, and PyTorch beside it, in turn.

    Each command warms up, then measures A B A B and prints medians and their ratio.
    PyTorch is not needed: without it, "kernels" compares with NumPy.
    """


command.add_command(bench_card.command)


@command.command()
@click.option(
    "--layer",
    "names",
    multiple=True,
    metavar="NAME",
    help="Only layers whose name has NAME in it, such as LeNet; may be repeated.",
)
@click.option(
    "--layers",
    type=click.Choice(["usual", "efficientnet"]),
    default="usual",
    show_default=True,
    help="The usual sizes, or those of EfficientNet-B0 on 224x224.",
)
@options.threads
@on_device
@bench_options(rounds=7)
def kernels(names, layers, device, rounds, as_json, plot, size, theme):
    """Convolutions of the usual sizes: forward, gradient of input, gradient of weight."""
    with contextlib.suppress(ImportError):
        # Before convlab, which tells OpenMP how long idle threads wait: PyTorch's threads
        # must find what they find at its users.
        import torch  # noqa: F401
    from convlab import bench
    from convlab.errors import SpecError

    all_layers = bench.EFFICIENTNET if layers == "efficientnet" else bench.LAYERS
    layers = [
        layer for layer in all_layers if not names or any(name in layer.name for name in names)
    ]
    if not layers:
        known = ", ".join(layer.name for layer in all_layers)
        raise SpecError(f"layer: expected a part of one of {known}, got {' and '.join(names)}")
    if device == "cuda":
        _kernels_on_cuda(layers, rounds, as_json, plot)
        return
    machine, roof = begin(as_json), bench.roof()
    rows = []
    if not as_json:
        click.echo(
            f"peak of multiply-adds {roof.flops / 1e9:.0f} GF/s, memory"
            f" {roof.bandwidth / 1e9:.0f} GB/s\n\n"
            f"{'layer':22} {'':18} {'ms':>9} {'GF/s':>7} {'of peak':>8}   other"
        )
    for row in bench.measure_kernels(layers, rounds):
        rows.append(row)
        if not as_json:
            click.echo(_kernel_line(row, roof))
    ratios = [row.ratio for row in rows]
    mean, slowest = _geometric_mean(ratios), min(rows, key=lambda row: row.ratio)
    other = next(iter(rows[0].others))
    if as_json:
        result = {
            "machine": dataclasses.asdict(machine),
            "peak_flops": roof.flops,
            "bandwidth": roof.bandwidth,
            "other": other,
            "geometric_mean": mean,
            "rows": [_kernel_json(row, roof) for row in rows],
        }
        click.echo(json_text(result))
    else:
        click.echo(
            f"\nspeed over {other}: geometric mean {mean:.2f}, slowest {slowest.ratio:.2f}"
            f" ({slowest.layer.name}, {slowest.gradient})"
        )
    if plot:
        from convlab import viz

        points = [
            viz.KernelPoint(
                row.layer.name,
                row.gradient,
                row.layer.flops / row.layer.bytes,
                row.speed,
                row.speed / row.ratio,
            )
            for row in rows
        ]
        figure = viz.kernel_speed(
            points,
            roof.flops,
            bandwidth=roof.bandwidth,
            other=other,
            **bench.kernel_words(points, roof, other, machine.line()),
            size=size,
            theme=theme,
        )
        description = f"Speed of {len(rows)} convolutions: {mean:.2f} times that of {other}."
        options.save_figure(figure, plot, "Speed of convolutions", description, quiet=as_json)


def _kernels_on_cuda(layers, rounds, as_json, plot) -> None:
    from convlab import bench

    gpu = gpu_name(plot)
    if not as_json:
        click.echo(f"{gpu}\n\n{'layer':22} {'':18} {'batch':>5} {'ms':>9} {'GF/s':>7}   other")
    rows = []
    for row in bench.measure_kernels_on_cuda(layers, rounds):
        rows.append(row)
        if not as_json:
            others = _others(row)
            click.echo(
                f"{row.layer.name:22} {row.gradient:18} {row.layer.batch:5}"
                f" {row.ours.median * 1e3:9.3f} {row.speed / 1e9:7.0f}   {others}"
            )
    if as_json:
        click.echo(json_text({"gpu": gpu, "rows": [_kernel_json(row) for row in rows]}))
    elif rows[0].ratio is not None:
        mean, slowest = _geometric_mean([r.ratio for r in rows]), min(r.ratio for r in rows)
        other = next(iter(rows[0].others))
        click.echo(f"\nspeed over {other}: geometric mean {mean:.2f}, slowest {slowest:.2f}")


def _others(row) -> str:
    return "   ".join(
        f"{name} {timing.median * 1e3:.3f} ms, ratio {timing.median / row.ours.median:.2f}"
        for name, timing in row.others.items()
    )


def _kernel_line(row, roof) -> str:
    others = "   ".join(
        f"{name} {timing.median * 1e3:.2f} ms, ratio {timing.median / row.ours.median:.2f}"
        for name, timing in row.others.items()
    )
    return (
        f"{row.layer.name:22} {row.gradient:18} {row.ours.median * 1e3:9.2f}"
        f" {row.speed / 1e9:7.1f} {row.speed / roof.flops:8.0%}   {others}"
    )


def _kernel_json(row, roof=None) -> dict:
    share = {} if roof is None else {"share_of_peak": row.speed / roof.flops}
    return share | {
        "layer": row.layer.name,
        "pass": row.gradient,
        "batch": row.layer.batch,
        "flops": row.layer.flops,
        "bytes": row.layer.bytes,
        "seconds": row.ours._asdict(),
        "flops_per_second": row.speed,
        "others": {name: timing._asdict() for name, timing in row.others.items()},
        "ratio": row.ratio,
    }


def _geometric_mean(values) -> float:
    import math

    return math.exp(sum(map(math.log, values)) / len(values))


@command.command()
@click.option(
    "--model",
    default="lenet5",
    show_default=True,
    help='A name or a .toml file; see "convlab summary".',
)
@classes_option
@click.option(
    "--batch",
    "batches",
    type=click.IntRange(1, options.MOST),
    multiple=True,
    help="Images of a batch; may be repeated.  [default: 64 and 256; on a GPU 64 and 1024]",
)
@click.option(
    "--threads",
    "counts",
    type=click.IntRange(1, options.MOST_THREADS),
    multiple=True,
    help="Threads of both sides; may be repeated.  [default: 1 and all cores]",
)
@click.option(
    "--images",
    type=click.IntRange(1, options.MOST),
    default=60_000,
    show_default=True,
    help="Images of an epoch.",
)
@options.data_dir
@on_device
@bench_options(rounds=3)
def train(
    model, classes, batches, counts, images, data_dir, device, rounds, as_json, plot, size, theme
):
    """A network: an epoch of training, and 10,000 answers, against PyTorch's usual loop.

    LeNet-5, or any other in rows of layers that PyTorch has.  On MNIST where it is found, else
    on digits repeated to as many images; on random bytes where a network takes other images.
    The time of both sides is that of a whole epoch: batches, losses and right answers counted.
    """
    from convlab import bench

    gpu = gpu_name(plot) if device == "cuda" else None
    network = _network(model, classes, device)
    name, arrays = bench.images_for(network, images, data_dir)
    machine, rows = begin(as_json), []
    every = machine.threads
    counts = counts or ((every,) if gpu else (1, every) if every > 1 else (1,))
    batches = batches or ((64, 1024) if gpu else (64, 256))
    if not as_json:
        beside = (
            "seconds, and ours over PyTorch's"
            if bench.compared(device)
            else "seconds; with PyTorch installed, its own stand beside them"
        )
        on = f"on {gpu}; " if gpu else ""
        click.echo(f"{on}{network.name}, {images:,} images of {name}; {beside}\n")
    for threads in counts:
        for row in bench.measure_training(network, arrays, threads, batches, rounds, device):
            rows.append(row)
            if not as_json:
                click.echo(_training_line(row))
    if as_json:
        result = {
            "machine": dataclasses.asdict(machine),
            "gpu": gpu,
            "model": network.name,
            "data": name,
            "rows": [_training_json(row) for row in rows],
        }
        click.echo(json_text(result))
    if plot:
        from convlab import viz

        bars = [
            viz.TrainingBar(
                f"{row.what}, {row.threads} thread{'s' * (row.threads > 1)}",
                *row.ours,
                *(row.other or (None, None, None)),
            )
            for row in rows
        ]
        figure = viz.training_speed(
            bars,
            other=bench.other_name(),
            machine=f"{network.name}; {machine.line()}",
            title=bench.training_title(bars, bench.other_name()),
            size=size,
            theme=theme,
        )
        description = "; ".join(f"{bar.what}: {bar.seconds:.2f} s" for bar in bars)
        options.save_figure(figure, plot, "Speed of training", description, quiet=as_json)


def _training_line(row) -> str:
    line = (
        f"{row.what:18} {row.threads} thread{'s' * (row.threads > 1):1} {_spread(row.ours)}"
        f"   {row.flops / row.ours.median / 1e9:4.0f} GF/s"
    )
    if row.share is not None:
        line += f", {row.share:.0%} of peak"
    if row.other is not None:
        line += f"   PyTorch {_spread(row.other)}   ratio {row.ratio:.2f}"
    if None not in row.memory:
        line += "   memory " + ", ".join(f"{size / 1e6:.0f} MB" for size in row.memory)
    return line + "".join(f"   ({text})" for text in row.settings if text)


def _spread(timing) -> str:
    return f"{timing.median:6.3f} ({timing.low:.3f} to {timing.high:.3f})"


def _training_json(row) -> dict:
    return {
        "what": row.what,
        "threads": row.threads,
        "images": row.images,
        "flops": row.flops,
        "peak_flops": row.peak,
        "share_of_peak": row.share,
        "seconds": row.ours._asdict(),
        "pytorch_seconds": None if row.other is None else row.other._asdict(),
        "ratio": row.ratio,
        "settings": row.settings,
        "memory": row.memory,
    }


@command.command()
@click.option(
    "--model",
    "models",
    multiple=True,
    help="A name or a .toml file; may be repeated.  [default: lenet5, fashion-cnn, four 3×3"
    " convolutions of 32×32 RGB images, and dense]",
)
@classes_option
@click.option(
    "--batch",
    "batches",
    type=Several(options.MOST),
    default="1,32",
    show_default=True,
    help="Images of a batch.",
)
@click.option(
    "--threads",
    "counts",
    type=Several(options.MOST_THREADS),
    help="Threads of both sides.  [default: 1 and all cores]",
)
@bench_options(rounds=7, plot=False)
def answers(models, classes, batches, counts, rounds, as_json):
    """The time of a batch of answers: forward without gradients, and the largest output.

    Both sides have the same weights and the same batches of random bytes, ready as floats.
    Before anything is timed, their logits are compared; "differ" is by how much, of the
    largest.  A ratio below 1 is faster than PyTorch.
    """
    from convlab import bench

    networks = [_network(model, classes) for model in models or bench.COMPARED]
    machine, rows = begin(as_json), []
    if not as_json:
        other = f" {'PyTorch ms':28} {'ratio':>5} {'differ':>7}" if bench.compared() else ""
        head = f"{'network':16} {'threads':>7} {'batch':>5}  {'ms':28} {'images/s':>9} {other}"
        click.echo(f"batches of {bench.RANDOM}\n\n{head.rstrip()}")
    for network in networks:
        for threads in counts or sorted({1, machine.threads}):
            for row in bench.measure_answers(network, threads, batches, rounds):
                rows.append(row)
                if not as_json:
                    click.echo(_answers_line(row))
    if as_json:
        result = {
            "machine": dataclasses.asdict(machine),
            "data": bench.RANDOM,
            "rows": [_answers_json(row) for row in rows],
        }
        click.echo(json_text(result))


def _answers_line(row) -> str:
    line = (
        f"{row.network:16} {row.threads:7} {row.batch:5}  {_milliseconds(row.ours):28}"
        f" {row.speed:9,.0f}"
    )
    if row.other is not None:
        line += f"  {_milliseconds(row.other):28} {row.ratio:5.2f} {row.difference:7.0e}"
        line += f"   ({row.layouts[1]})"
    return line


def _milliseconds(timing) -> str:
    median, low, high = (f"{seconds * 1e3:.4g}" for seconds in timing)
    return f"{median} ({low} to {high})"


def _answers_json(row) -> dict:
    return {
        "model": row.network,
        "threads": row.threads,
        "batch": row.batch,
        "seconds": row.ours._asdict(),
        "images_per_second": row.speed,
        "pytorch_seconds": None if row.other is None else row.other._asdict(),
        "ratio": row.ratio,
        "largest_difference": row.difference,
        "layouts": row.layouts,
    }


@command.command()
@bench_options(rounds=5, plot=False)
def start(rounds, as_json):
    """How long one waits for the help, and for the first training batch."""
    from convlab import bench

    machine = begin(as_json)
    timings = bench.measure_start(rounds)
    if as_json:
        result = {
            "machine": dataclasses.asdict(machine),
            "seconds": {name: timing._asdict() for name, timing in timings.items()},
        }
        click.echo(json_text(result))
        return
    for name, timing in timings.items():
        click.echo(f"{name:32} {_spread(timing)} s")


@command.command()
@options.threads
@bench_options(rounds=5)
def scale(rounds, as_json, plot, size, theme):
    """Time of a 3 × 3 convolution against batch, channels, image size and threads."""
    from convlab import bench

    machine = begin(as_json)
    curves = []
    for curve in bench.measure_scaling(rounds):
        curves.append(curve)
        if as_json:
            continue
        click.echo(f"\n{curve.axis:>12} {'ms':>10} {'GF/s':>7}")
        for value, timing, speed in zip(curve.values, curve.timings, curve.speeds, strict=True):
            click.echo(f"{value:12} {timing.median * 1e3:10.3f} {speed / 1e9:7.1f}")
        for value in curve.cliffs():
            click.echo(f"a cliff: less than half of the speed is left at {curve.axis} {value}")
    if as_json:
        result = {
            "machine": dataclasses.asdict(machine),
            "curves": [
                {
                    "axis": curve.axis,
                    "values": curve.values,
                    "seconds": [timing._asdict() for timing in curve.timings],
                    "flops": curve.flops,
                    "cliffs": curve.cliffs(),
                }
                for curve in curves
            ],
        }
        click.echo(json_text(result))
    if plot:
        from convlab import viz

        shown = [
            viz.ScalingCurve(
                curve.axis, curve.values, tuple(t.median for t in curve.timings), curve.flops
            )
            for curve in curves
        ]
        title = bench.scaling_title(shown)
        figure = viz.scaling(shown, machine=machine.line(), title=title, size=size, theme=theme)
        description = "Speed of a 3 × 3 convolution against " + ", ".join(c.axis for c in curves)
        options.save_figure(figure, plot, "Speed against size", description, quiet=as_json)


command.add_command(bench_ladder.command, "ladder")
