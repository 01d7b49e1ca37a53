"""``convlab render saliency``: which pixels a class's score depends on."""

import click
from convlab_cli import drawing, options, runs


@options.command()
@options.choice("--method", "gradient", "gradient-x-input", "integrated-gradients", "smooth")
@options.whole(
    "--steps",
    most=10_000,
    help="Points from black to the image, for integrated-gradients.  [default: 128]",
)
@options.whole(
    "--samples", most=10_000, help="Noisy copies of the image, for smooth.  [default: 50]"
)
@options.number(
    "--noise",
    (0, 10),
    help="The noise's deviation as a share of the image's span, for smooth.  [default: 0.15]",
)
@options.seed("Of the noise, for smooth.  [default: 0]", default=None)
@runs.attributed
@drawing.draws("saliency.png")
def command(pictures, method, **settings):
    """Which pixels of IMAGE the score of a class depends on, by gradients.

    IMAGE is a file, "-", or test:N of the run's test set.  The score is the class's
    logit; for 1998's LeNet-5, whose outputs are penalties, minus the penalty.

    \b
    gradient              Simonyan et al. 2013: the magnitude of the gradient
    gradient-x-input      Shrikumar et al. 2016: times the input, with its sign
    integrated-gradients  Sundararajan et al. 2017: the mean gradient from black
    smooth                Smilkov et al. 2017: the mean gradient of noisy copies
    """
    from convlab import insight

    for name in ("steps", "samples", "noise", "seed"):
        if settings[name] is not None and name not in insight.SALIENCY_SETTINGS.get(method, {}):
            raise click.BadParameter(
                f"the method {method} has no such setting", param_hint=f"--{name}"
            )
    return pictures.saliency(method=method, **settings)
