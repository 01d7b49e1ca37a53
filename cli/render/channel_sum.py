"""``convlab render channel-sum``: one map of a convolution as a sum over the channels."""

from convlab_cli import drawing, options, runs


@options.command()
@options.layer("A convolution; the second by default.")
@options.whole("--filter", least=0, default=0, help="The map, from 0.")
@options.at("The unit that is worked out; by default the strongest.")
@runs.about_run(runs.image_argument())
@drawing.draws("channel-sum.png", parts=True)
def command(pictures, **settings):
    """What a filter makes of each channel, and how that adds up, with the bias, to one map.

    IMAGE is a file, "-", or test:N of the run's test set.
    """
    return pictures.channel_sum(**settings)
