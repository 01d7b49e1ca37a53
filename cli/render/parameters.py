"""``convlab render parameters``: what a dense layer costs as images grow."""

from __future__ import annotations

import click
from convlab_cli import options

SIDES = (8, 2000)


@click.command()
@click.option("--neurons", type=click.IntRange(1, 10**6), default=1000, show_default=True)
@click.option("--kernel", type=options.Lengths(), default="5", show_default=True)
@click.option("--filters", type=click.IntRange(1, 10**6), default=6, show_default=True)
@options.picture("parameters.png")
def command(neurons, kernel, filters, picture):
    """Parameters of dense layers and of a convolution as the image grows.

    Dense layers are counted by their weights, the convolution with its biases.
    """
    import numpy as np

    from convlab import viz
    from convlab.lessons import conv_layer, dense_layer, shape_text
    from convlab.shapes import size_text

    first, last = SIDES
    first = max(first, *kernel)
    if first > 32:
        raise click.BadParameter(
            f"expected at most 32 x 32, got {size_text(*kernel)}", param_hint="--kernel"
        )
    sides = np.unique(np.round(np.geomspace(first, last, 60)).astype(int))

    def dense(side: int, channels: int) -> int:
        return dense_layer((side * side * channels,), neurons).dense.value

    def convolution(side: int):
        return conv_layer((3, side, side), kernel, filters)

    def growth(name, detail, count, is_dense=True):
        counts = np.array([count(int(side)) for side in sides])
        return viz.Growth(name, detail, sides, counts, is_dense)

    each = f"{neurons:,} neuron{'s' * (neurons > 1)}"
    growths = [
        growth("dense", f"{each}, grey", lambda side: dense(side, 1)),
        growth("dense", f"{each}, RGB", lambda side: dense(side, 3)),
        growth("dense", "to the same outputs", lambda side: convolution(side).dense.value),
        growth(
            "convolution",
            f"{size_text(*kernel, 3)}, {filters:,} filter{'s' * (filters > 1)}",
            lambda side: convolution(side).parameters.value,
            False,
        ),
    ]
    small = convolution(32)
    outputs = f"32 × 32 × 3 to {shape_text(small.output_shape)}"
    examples = [
        viz.Example(side, count, (long, short, ""), is_dense)
        for side, count, long, short, is_dense in (
            (100, dense(100, 1), f"100 × 100 to {each}", "100 × 100", True),
            (1000, dense(1000, 3), f"one megapixel, RGB, to {each}", "1000 × 1000 × 3", True),
            (32, small.dense.value, outputs, "32 × 32 × 3", True),
            (32, small.parameters.value, "the same by convolution", "32 × 32 × 3", False),
        )
    ]
    title = "Parameters as the image grows"
    subtitle = f"dense layers: weights; convolution {size_text(*kernel)}: weights and biases"
    figure = viz.parameters(growths, examples, title=title, subtitle=subtitle, **picture.look)
    described = ", ".join(f"{e.texts[0]}: {e.count:,}" for e in examples)
    picture.save(
        figure,
        title,
        f"{subtitle}. {described}.",
        parameters={"neurons": neurons, "kernel": kernel, "filters": filters},
        inputs={"sides": sides},
        weights={},
        result={
            "lines": {f"{g.name}, {g.detail}": g.counts for g in growths},
            "examples": {e.texts[0]: e.count for e in examples},
        },
    )
