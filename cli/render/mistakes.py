"""``convlab render mistakes``: the test images that a network gets wrong."""

from convlab_cli import drawing, options, runs


@options.command()
@options.whole("--most", most=40, default=40, help="The most images shown, the worst first.")
@runs.about_run()
@drawing.draws("mistakes.png")
def command(pictures, **settings):
    """The test images that RUN gets wrong, those with the most confident answers first.

    Below each are its true class, the answer and the answer's probability.
    """
    return pictures.mistakes(**settings)
