"""``convlab``: the group of all commands."""

from __future__ import annotations

import logging
import os
import sys

import click
from convlab_cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    lazy={
        "train": ("convlab_cli.train", "Train a network; LeNet-5 on digits by default."),
        "evaluate": (
            "convlab_cli.evaluate",
            "Accuracy, confusion matrix, worst mistakes.",
        ),
        "predict": ("convlab_cli.predict", "What a trained network says of your own images."),
        "explain": (
            "convlab_cli.explain",
            "The whole sum behind one value.",
        ),
        "page": ("convlab_cli.page", "A trained network to draw on, in one page."),
        "summary": (
            "convlab_cli.summary",
            "What each layer costs and sees.",
        ),
        "receptive-field": (
            "convlab_cli.receptive_field",
            "What units see, and how that follows.",
        ),
        "equivariance": (
            "convlab_cli.equivariance",
            "Which layers follow a shift, and how far.",
        ),
        "invariance": ("convlab_cli.invariance", "What shifted images cost in accuracy."),
        "shape": (
            "convlab_cli.shape",
            "Sizes, parameters, connections, worked out.",
        ),
        "compare-conventions": (
            "convlab_cli.compare_conventions",
            "Where PyTorch, TensorFlow and Caffe part.",
        ),
        "render": (
            "convlab_cli.render",
            "Every idea of a CNN course as a picture.",
        ),
        "experiment": (
            "convlab_cli.experiment",
            "Claims of CNN lectures, measured by training.",
        ),
        "apply": ("convlab_cli.apply", "Classic kernels on an image."),
        "detect": ("convlab_cli.detect", "Digits of several sizes in one picture."),
        "segment": ("convlab_cli.segment", "Which pixel belongs to which digit."),
        "stylize": ("convlab_cli.stylize", "One picture in the style of another."),
        "quiz": ("convlab_cli.quiz", "Exercises, their key computed by the engine."),
        "gallery": ("convlab_cli.gallery", "All pictures of the catalogue, on a page."),
        "bench": ("convlab_cli.bench", "How fast it is on this machine, beside PyTorch."),
        "devices": ("convlab_cli.devices", "The CPU and the GPUs that the loops can use."),
        "cache": ("convlab_cli.cache", "The compiled loops: list, delete or make them."),
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="convlab")
def convlab():
    """A laboratory for convolutional networks.

    Train one with "convlab train", then look inside it with "convlab render".
    """


def main() -> None:
    """Run the command; an error that a user can meet is one line and exit status 1."""
    from convlab_cli import output

    output.prepare()
    # Some libraries fail on one that is no number; nothing that is written here has a date.
    os.environ.pop("SOURCE_DATE_EPOCH", None)
    # Of a home in which it cannot keep its list of fonts: it makes one without a word as well.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        convlab(prog_name="convlab")
    except output.OutputError as error:
        if error.reason:
            click.echo(f"Error: standard output cannot be written: {error.reason}", err=True)
        sys.exit(1)
    except OSError as error:
        # A name that is too long, a folder that may not be entered: the system's own words.
        name = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        click.echo(f"Error: {name}{error.strerror or error}", err=True)
        sys.exit(1)
    except MemoryError as error:
        click.echo(f"Error: not enough memory: {error or 'it is used up'}", err=True)
        sys.exit(1)
    except Exception as error:
        from convlab.errors import ConvlabError

        if not isinstance(error, ConvlabError):
            raise
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
