"""``convlab predict``: a trained network on your own images."""

from __future__ import annotations

import click
from convlab_cli import options
from convlab_cli.output import json_text


@click.command()
@options.run_argument
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@options.whole("--top", default=3, help="Classes to name.")
@options.data_dir
@options.device
@options.threads
@options.json_flag("One JSON object per line, with all classes.")
def command(run, images, top, data_dir, as_json):
    """What RUN says about each IMAGE: a file, "-" for standard input, or test:N of its test set.

    Images are converted to the size and colours of the training images.  Dark drawings on light
    paper are inverted if the training images are light on dark.
    """
    from convlab.names import shortened
    from convlab.pictures.sources import INVERTED

    run = options.load_run(run)
    # All are read before the first answer, so that one bad file of many is reported at once.
    read = [run.image(source, data_dir) for source in images]
    answers = run.predict(*(image.pixels for image in read))
    for source, image, answer in zip(images, read, answers, strict=True):
        if as_json:
            inverted = image.inverted
            click.echo(json_text({"image": source, "inverted": inverted, "probabilities": answer}))
            continue
        named = "  ".join(
            f"{shortened(name)} {100 * chance:.2f} %" for name, chance in [*answer.items()][:top]
        )
        note = f"  ({INVERTED})" if image.inverted else ""
        click.echo(f"{source}: {named}{note}")
