"""``convlab predict``: a trained network on your own images."""

from __future__ import annotations

import click
from convlab_cli import options
from convlab_cli.output import json_text


@click.command()
@options.run_argument
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--top",
    type=click.IntRange(1, options.MOST),
    default=3,
    show_default=True,
    help="Classes to name.",
)
@options.data_dir
@options.device
@options.threads
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with all classes.")
def command(run, images, top, data_dir, as_json):
    """What RUN says of each IMAGE: a file, "-" for standard input, or test:N of its test set.

    Images are brought to the size and colours of the training images.  Dark
    drawings on light paper are inverted where the training images are light on dark.
    """
    import numpy as np

    from convlab import Tensor, no_grad
    from convlab.names import shortened

    run = options.load_run(run)
    # All are read before the first answer: one bad file of many is known at once.
    pictures = [options.read_image(run, source, data_dir) for source in images]
    x = np.stack([run.network_input(image) for image, _ in pictures])
    with no_grad():
        probabilities = run.network.probabilities(run.network(Tensor(x)).numpy())
    for source, (_, inverted), chances in zip(images, pictures, probabilities, strict=True):
        order = np.argsort(-chances, kind="stable")
        if as_json:
            answer = {run.classes[k]: float(chances[k]) for k in order}
            click.echo(json_text({"image": source, "inverted": inverted, "probabilities": answer}))
            continue
        named = "  ".join(
            f"{shortened(run.classes[k])} {100 * chances[k]:.2f} %" for k in order[:top]
        )
        note = f"  ({options.INVERTED})" if inverted else ""
        click.echo(f"{source}: {named}{note}")
