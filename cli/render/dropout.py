"""``convlab render dropout``: what dropout sets to 0, and how the answer spreads."""

from convlab_cli import drawing, options, runs


@options.command()
@options.layer(
    "A layer of dropout, or any hidden one to put dropout behind.  [default: the first layer of"
    " dropout, or else the first dense one]"
)
@options.number(
    "--rate",
    (0, 1),
    min_open=True,
    max_open=True,
    help="The probability of 0.  [default: the network's, or else 0.5]",
)
@options.whole("--masks", most=1000, default=100, help="How many are drawn.")
@options.seed("Of the masks.")
@runs.about_run(runs.image_argument())
@drawing.draws("dropout.png")
def command(pictures, **settings):
    """What dropout sets to 0 in a layer of RUN, and how the answer for IMAGE spreads.

    IMAGE is a file, "-", or test:N of the run's test set.  Three masks are drawn, with the
    survivors as they go on; beside them, for each class, the probability with each mask, the mean
    of all, and the probability without dropout (Srivastava et al. 2014; Gal & Ghahramani 2016).
    """
    return pictures.dropout(**settings)
