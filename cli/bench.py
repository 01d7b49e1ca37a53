"""``convlab bench``: how fast it is on this machine, beside PyTorch if that is installed."""

import contextlib

import click
from convlab_cli import bench_card, bench_ladder, bench_ranks, completion, options
from convlab_cli.bench_options import bench_options
from convlab_cli.values import Spelled

on_device = options.choice("--device", "cpu", "cuda", help="What is measured.")


def several(name: str, most: int, **settings):
    """An option for whole numbers from 1, with commas between them."""
    kind = Spelled("N,N", "numbers", example="1,32", within=(1, most), whole=True)
    return options.valued(name, type=kind, **settings)


classes_option = options.whole("--classes", help="Outputs of the network.")


def _network(model, classes: int | None, device: str = "cpu"):
    """The network to be measured; a usage error if PyTorch is to be measured but lacks it."""
    from convlab import bench

    network = bench.network(model, classes)
    if reason := bench.not_in_pytorch(network, device):
        raise click.UsageError(reason)
    return network


@options.group()
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
def kernels(names, layers, device, rounds, shown):
    """Convolutions of the usual sizes: forward, gradient of input, gradient of weight."""
    with contextlib.suppress(ImportError):
        # Before convlab, which tells OpenMP how long idle threads wait: PyTorch's threads must find
        # the same settings as for its users.
        import torch  # noqa: F401
    from convlab import bench

    every = {"usual": bench.LAYERS, "efficientnet": bench.EFFICIENTNET}[layers]
    chosen = bench.layers_named(*names, layers=every)
    if device == "cuda":
        shown.check_gpu()
        shown.show(bench.KernelsOnCudaReport(chosen, rounds))
    else:
        shown.show(bench.KernelsReport(chosen, rounds))


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
def train(model, classes, images, data_dir, shown, **settings):
    """A network: an epoch of training, and 10,000 answers, against PyTorch's usual loop.

    LeNet-5, or any other network whose layers PyTorch has.  On MNIST if it is found, else on
    digits repeated to as many images; on random bytes if the network takes other images.  Both
    sides are timed for a whole epoch: batches, losses and counting right answers.
    """
    from convlab import bench

    if settings["device"] == "cuda":
        shown.check_gpu()
    network = _network(model, classes, settings["device"])
    shown.show(bench.TrainingReport(network, images, data_dir, **settings))


@command.command()
@options.valued(
    "--model",
    "models",
    multiple=True,
    shell_complete=completion.models,
    help="A name or a .toml file; may be repeated.  [default: lenet5, fashion-cnn, four 3×3"
    " convolutions of 32×32 RGB images, and dense]",
)
@classes_option
@several("--batch", options.MOST, default="1,32", help="Images per batch.")
@several(
    *("--threads", options.MOST_THREADS), help="Threads of both sides.  [default: 1 and all cores]"
)
@bench_options(rounds=7, picture=False)
def answers(models, classes, batch, threads, rounds, shown):
    """The time of a batch of answers: forward without gradients, then the largest output.

    Both sides have the same weights and the same batches of random bytes, ready as floats.
    Before anything is timed, their logits are compared; "differ" is by how much, relative to the
    largest.  A ratio below 1 is faster than PyTorch.
    """
    from convlab import bench

    networks = [_network(model, classes) for model in models or bench.COMPARED]
    shown.show(bench.AnswersReport(networks, batch, threads or (), rounds))


@command.command()
@bench_options(rounds=5, picture=False)
def start(rounds, shown):
    """How long you wait for the help, and for the first training batch."""
    from convlab import bench

    shown.show(bench.StartReport(rounds))


@command.command()
@options.threads
@bench_options(rounds=5)
def scale(rounds, shown):
    """Time of a 3 × 3 convolution against batch, channels, image size and threads."""
    from convlab import bench

    shown.show(bench.ScalingReport(rounds))


command.add_command(bench_ladder.command, "ladder")
command.add_command(bench_ranks.command, "ranks")
