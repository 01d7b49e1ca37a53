"""``convlab``: the group of all commands."""

import logging
import os
import sys

import click
from convlab_cli.command import config_option, store_config
from convlab_cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    package="convlab_cli",
    lazy={
        "train": "Train a network; LeNet-5 on digits by default.",
        "evaluate": "Accuracy, confusion matrix, worst mistakes.",
        "import": "A network from a file, ONNX or weights, as a run.",
        "export": "A run's network for other programs.",
        "predict": "What a trained network says about your own images.",
        "explain": "The whole sum behind one value.",
        "page": "A trained network to draw on, in one page.",
        "summary": "What each layer costs and sees.",
        "receptive-field": "What units see, and how that follows.",
        "equivariance": "Which layers follow a shift, and how far.",
        "invariance": "What shifted images cost in accuracy.",
        "shape": "Sizes, parameters, connections, worked out.",
        "compare-conventions": "Where PyTorch, TensorFlow and Caffe differ.",
        "render": "Every idea of a CNN course as a picture.",
        "experiment": "Claims of CNN lectures, measured by training.",
        "sweep": "Every combination of some settings, trained.",
        "apply": "Classic kernels on an image.",
        "detect": "Digits of several sizes in one picture.",
        "segment": "Which pixel belongs to which digit.",
        "stylize": "One picture in the style of another.",
        "quiz": "Exercises with a computed answer key.",
        "lecture": "Sizes and counts in your notes, computed again.",
        "gallery": "All pictures of the catalogue, on a page.",
        "bench": "How fast it is on this machine, beside PyTorch.",
        "devices": "The CPU and the GPUs that the loops can use.",
        "cache": "The compiled loops: list, delete or make them.",
    },
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[
        config_option(
            metavar="FILE.toml",
            callback=store_config,
            help="Settings of your own for the options of all commands (also: CONVLAB_CONFIG).",
        )
    ],
)
@click.version_option(package_name="convlab")
def convlab():
    """A laboratory for convolutional networks.

    Train one with "convlab train", then look inside it with "convlab render".
    """


def main() -> None:
    """Run the command; an error that a user can meet is one line and exit status 1."""
    from convlab_cli import output, progress

    output.prepare()
    # Some libraries fail if it is not a number; nothing written here has a date.
    os.environ.pop("SOURCE_DATE_EPOCH", None)
    # About a home in which it cannot keep its list of fonts; it works without one as well.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        with progress.downloads():
            convlab(prog_name="convlab")
    except Exception as error:
        reason = _reason(error)
        if reason:
            click.echo(f"Error: {reason}", err=True)
        sys.exit(1)


def _reason(error: Exception) -> str | None:
    """An error in one line, None if no one is left to read it.  Re-raises it if it is a bug."""
    from convlab_cli import output

    if isinstance(error, output.OutputError):
        return error.reason and f"standard output cannot be written: {error.reason}"
    if isinstance(error, OSError):
        # A name that is too long, a folder without permission: the system's own words.
        name = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return f"{name}{error.strerror or error}"
    if isinstance(error, MemoryError):
        return f"not enough memory: {error or 'it is used up'}"
    from convlab.errors import ConvlabError

    if not isinstance(error, ConvlabError):
        raise error
    return str(error)


if __name__ == "__main__":
    main()
