"""``convlab render grad-cam``: where a layer's maps support a class."""

from convlab_cli import drawing, options, runs


@options.command()
@options.layer(
    "A layer with feature maps; by default the last one with more than one unit per map."
)
@runs.attributed
@drawing.draws("grad-cam.png")
def command(pictures, **settings):
    """Where in IMAGE the feature maps of a layer support a class (Selvaraju et al. 2017).

    IMAGE is a file, "-", or test:N of the run's test set.  The maps are weighted by
    the mean gradient of the class's score with respect to each, added up, cut off
    below 0 and stretched to the input (bilinear).  The score is the logit, or minus
    the penalty.
    """
    return pictures.grad_cam(**settings)
