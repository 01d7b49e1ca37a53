"""``convlab render confusion``: which classes are mistaken for which."""

from convlab_cli import drawing, options, runs


@options.command()
@runs.about_run()
@drawing.draws("confusion.png")
def command(pictures, **settings):
    """Which classes are mistaken for which, on the run's test images."""
    return pictures.confusion(**settings)
