"""``convlab predict``: a trained network on your own images."""

import click
from convlab_cli import completion, options


@options.command()
@options.run_argument
@click.argument(
    "images", metavar="IMAGE...", nargs=-1, required=True, shell_complete=completion.images
)
@options.whole("--top", default=3, help="Classes to name.")
@options.as_is
@options.data_dir
@options.device
@options.threads
@options.json_options("One JSON object per line, with all classes.")
def command(run, images, top, data_dir, record):
    """What RUN says about each IMAGE: a file, a folder, "-" for standard input, or test:N.

    test:N is an image of its test set.  Pictures are converted to the size and colours of the
    training images; dark drawings on light paper are inverted if the training images are light on
    dark.  For a network of digits or mnist the digit is found on the picture and brought to the
    form of these data, and where there is none, the answer says so.
    """
    for answer in options.load_run(run).answers(images, data_dir):
        record.show([answer.record()], [answer.line(top)])
