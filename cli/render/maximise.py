"""``convlab render maximise``: images made to activate the units of a layer."""

from convlab_cli import drawing, options, runs


@options.command()
@runs.units
@options.whole("--steps", most=100_000, default=200)
@options.number(
    "--rate",
    (0, 10),
    min_open=True,
    default=0.02,
    help="A step's root mean square over what the unit sees, as a share of the span from black"
    " to white.",
)
@options.number(
    "--decay",
    (0, 1),
    max_open=True,
    default=0.04,
    help="Share of the input that is subtracted after each step (L2 decay).",
)
@options.number(
    "--blur",
    (0, 100),
    default=1.0,
    help="Standard deviation in pixels of the Gaussian that smooths each step.",
)
@options.whole(
    "--shift",
    least=0,
    most=1000,
    default=1,
    help="Most pixels that the image is moved by before a step; 0 in the last tenth.",
)
@options.seed("Of noise and shifts.")
@runs.about_run()
@drawing.draws("maximise.png")
def command(pictures, **settings):
    """The image that each unit of a layer responds to most, made from noise by gradient ascent.

    For a map its middle unit is maximised, and what that unit sees is drawn; for the last layer it
    is the logits of the classes, or minus their penalties (Erhan et al. 2009, Yosinski et al.
    2015, Olah et al. 2017).  In colour, a step in one channel spreads to the others as far as they
    are correlated in the test images.  Below are the activation that was reached, and the largest
    one that any image of the run's test set gives; if a ReLU cuts off even that one, the unit never
    fires.
    """
    return pictures.maximise(**settings)
