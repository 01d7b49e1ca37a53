"""``convlab render occlusion``: what covering a part of an image costs."""

from __future__ import annotations

import click
from convlab_cli import attribution, options


class Value(click.ParamType):
    """``background``, or a byte from 0 (black) to 255 (white)."""

    name = "background|0-255"

    def convert(self, value, parameter, context):
        byte = value.isdecimal() and len(value) < 4 and int(value) < 256
        if value != "background" and not byte:
            self.fail(f"expected background or a number from 0 to 255, got {value!r}", parameter)
        return value


@click.command()
@attribution.arguments
@click.option(
    "--patch",
    type=options.Lengths(),
    help="Its size in pixels, such as 4 or 3x5; by default a seventh of the image.",
)
@click.option(
    "--stride",
    type=options.Lengths(),
    help="Pixels from one patch to the next; by default half a patch.",
)
@click.option(
    "--value",
    type=Value(),
    default="background",
    show_default=True,
    help="What covers: the median colour of the image's border, or a byte.",
)
@options.threads
@options.picture("occlusion.png")
def command(subject, patch, stride, value, picture):
    """How much the probability of a class drops when a patch of IMAGE is covered.

    IMAGE is a file, "-", or test:N of the run's test set.  Each pixel shows the mean
    drop of the patches that cover it (Zeiler & Fergus 2014).
    """
    import numpy as np

    from convlab import data, insight
    from convlab.numerals import number
    from convlab.shapes import size_text

    size = subject.pixels.shape[1:]
    patch = patch or tuple(max(1, round(length / 7)) for length in size)
    stride = stride or tuple(max(1, length // 2) for length in patch)
    channels = subject.pixels.shape[0]
    if value == "background":
        edge = subject.pixels
        border = np.concatenate([edge[:, 0], edge[:, -1], edge[:, :, 0], edge[:, :, -1]], axis=1)
        cover = np.median(border, axis=1).round().astype(np.uint8)
    else:
        cover = np.full(channels, int(value), np.uint8)
    level = data.to_floats(cover.reshape(1, channels, 1, 1), subject.run.scaling).reshape(-1)

    def explain(network):
        found = insight.occlusion(network, subject.x, subject.target, patch, stride, level)
        return found.map, {"drops": found.drops, "tops": found.tops, "lefts": found.lefts}

    def facts(kept):
        drops = kept["drops"]
        if not drops.any():
            return [("largest", "no patch changes the probability")]
        row, column = np.unravel_index(np.abs(drops).argmax(), drops.shape)
        before, after = kept["probability"], kept["probability"] - drops[row, column]
        place = f"row {kept['tops'][row]}, column {kept['lefts'][column]}"
        return [
            (
                "largest",
                f"change from {number(float(before))} to {number(float(after))}, the patch from"
                f" {place}; a pixel shows the mean drop of its patches",
            )
        ]

    where = "of the background" if value == "background" else f"of byte {value}"
    subject.save(
        picture,
        explain,
        title=f"Occlusion of {subject.image_name} for class {subject.name}",
        what=(
            f"drop of the probability of {subject.name} by a patch of {size_text(*patch)} {where},"
            f" stride {size_text(*stride)}"
        ),
        parameters={"patch": patch, "stride": stride, "value": value, "cover": cover},
        facts=facts,
        signed=True,
        ends=subject.ends,
    )
