"""``convlab render weights``: how the weights of each layer are distributed."""

from convlab_cli import drawing, options


@options.command()
@options.run_argument
@options.layer("One layer, large; all layers with weights by default.")
@options.flag(
    "--epochs",
    "by_epoch",
    help="How they developed, from the snapshots of the run: before training, then by epoch.",
)
@drawing.draws("weights.png")
def command(pictures, **settings):
    """Histograms of a network's weights, layer by layer, without biases.

    \b
    convlab render weights runs/lenet5-digits
    convlab train --snapshots, then convlab render weights RUN --epochs
    """
    return pictures.weights(**settings)
