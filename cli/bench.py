"""``convlab bench``: how fast it is on this machine, beside PyTorch if that is installed."""

from __future__ import annotations

import contextlib

import click
from convlab_cli import bench_card, bench_ladder, options
from convlab_cli.bench_options import bench_options, check_gpu, show

on_device = options.choice("--device", "cpu", "cuda", help="What is measured.")


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
        return tuple(self.one(part, parameter, context) for part in parts)


classes_option = options.whole("--classes", default=10, help="Outputs of the network.")


def _network(model, classes: int, device: str = "cpu"):
    """The network to be measured; a usage error if PyTorch is to be measured but lacks it."""
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
    """Measure how fast convlab is on this machine, in turn with PyTorch.

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
    help="Only layers whose name contains NAME, such as LeNet; may be repeated.",
)
@options.choice(
    "--layers",
    "usual",
    "efficientnet",
    help="The usual sizes, or those of EfficientNet-B0 on 224x224.",
)
@options.threads
@on_device
@bench_options(rounds=7)
def kernels(names, layers, device, rounds, as_json, plot, **look):
    """Convolutions of the usual sizes: forward, gradient of input, gradient of weight."""
    with contextlib.suppress(ImportError):
        # Before convlab, which tells OpenMP how long idle threads wait: PyTorch's threads must find
        # the same settings as for its users.
        import torch  # noqa: F401
    from convlab import bench

    every = {"usual": bench.LAYERS, "efficientnet": bench.EFFICIENTNET}[layers]
    chosen = bench.layers_named(*names, layers=every)
    if device == "cuda":
        check_gpu(plot)
        show(bench.KernelsOnCudaReport(chosen, rounds), as_json)
    else:
        show(bench.KernelsReport(chosen, rounds), as_json, plot, **look)


@command.command()
@options.model
@classes_option
@options.whole(
    "--batch",
    "batches",
    multiple=True,
    help="Images per batch; may be repeated.  [default: 64 and 256; on a GPU 64 and 1024]",
)
@options.whole(
    "--threads",
    most=options.MOST_THREADS,
    multiple=True,
    help="Threads of both sides; may be repeated.  [default: 1 and all cores]",
)
@options.whole("--images", default=60_000, help="Images per epoch.")
@options.data_dir
@on_device
@bench_options(rounds=3)
def train(model, classes, images, data_dir, as_json, plot, size, theme, **settings):
    """A network: an epoch of training, and 10,000 answers, against PyTorch's usual loop.

    LeNet-5, or any other sequence of layers that PyTorch has.  On MNIST if it is found, else on
    digits repeated to as many images; on random bytes if the network takes other images.  Both
    sides are timed for a whole epoch: batches, losses and counting right answers.
    """
    from convlab import bench

    if settings["device"] == "cuda":
        check_gpu(plot)
    network = _network(model, classes, settings["device"])
    report = bench.TrainingReport(network, images, data_dir, **settings)
    show(report, as_json, plot, size=size, theme=theme)


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
    help="Images per batch.",
)
@click.option(
    "--threads",
    type=Several(options.MOST_THREADS),
    help="Threads of both sides.  [default: 1 and all cores]",
)
@bench_options(rounds=7, plot=False)
def answers(models, classes, batches, threads, rounds, as_json):
    """The time of a batch of answers: forward without gradients, then the largest output.

    Both sides have the same weights and the same batches of random bytes, ready as floats.
    Before anything is timed, their logits are compared; "differ" is by how much, relative to the
    largest.  A ratio below 1 is faster than PyTorch.
    """
    from convlab import bench

    networks = [_network(model, classes) for model in models or bench.COMPARED]
    show(bench.AnswersReport(networks, batches, threads or (), rounds), as_json)


@command.command()
@bench_options(rounds=5, plot=False)
def start(rounds, as_json):
    """How long you wait for the help, and for the first training batch."""
    from convlab import bench

    show(bench.StartReport(rounds), as_json)


@command.command()
@options.threads
@bench_options(rounds=5)
def scale(rounds, as_json, plot, **look):
    """Time of a 3 × 3 convolution against batch, channels, image size and threads."""
    from convlab import bench

    show(bench.ScalingReport(rounds), as_json, plot, **look)


command.add_command(bench_ladder.command, "ladder")
