"""``convlab render saliency``: which pixels a class's score depends on."""

from __future__ import annotations

import click
from convlab_cli import attribution, options


@click.command()
@attribution.arguments
@click.option(
    "--method",
    type=click.Choice(["gradient", "gradient-x-input", "integrated-gradients", "smooth"]),
    default="gradient",
    show_default=True,
)
@click.option(
    "--steps",
    type=click.IntRange(1, 10_000),
    help="Points from black to the image, of integrated-gradients.  [default: 128]",
)
@click.option(
    "--samples",
    type=click.IntRange(1, 10_000),
    help="Noisy copies of the image, of smooth.  [default: 50]",
)
@click.option(
    "--noise",
    type=options.Number(0, 10),
    help="Its standard deviation as a share of the image's span, of smooth.  [default: 0.15]",
)
@click.option("--seed", type=options.SEED, help="Of the noise, of smooth.  [default: 0]")
@options.threads
@options.picture("saliency.png")
def command(subject, method, steps, samples, noise, seed, picture):
    """Which pixels of IMAGE the score of a class depends on, by gradients.

    IMAGE is a file, "-", or test:N of the run's test set.  The score is the class's
    logit; for 1998's LeNet-5, whose outputs are penalties, minus the penalty.

    \b
    gradient              Simonyan et al. 2013: the magnitude of the gradient
    gradient-x-input      Shrikumar et al. 2016: times the input, with its sign
    integrated-gradients  Sundararajan et al. 2017: the mean gradient from black
    smooth                Smilkov et al. 2017: the mean gradient of noisy copies
    """
    import numpy as np

    from convlab import data, insight
    from convlab.numerals import number

    given = {"steps": steps, "samples": samples, "noise": noise, "seed": seed}
    given = {name: value for name, value in given.items() if value is not None}
    usual = {
        "integrated-gradients": {"steps": 128},
        "smooth": {"samples": 50, "noise": 0.15, "seed": 0},
    }.get(method, {})
    for name in given:
        if name not in usual:
            raise click.BadParameter(
                f"the method {method} has no such setting", param_hint=f"--{name}"
            )
    settings = usual | given
    black = data.to_floats(np.zeros_like(subject.pixels[None]), subject.run.scaling)[0]

    chosen = {"smoothing": insight.Smoothing(**settings)} if method == "smooth" else settings

    def explain(network):
        found = insight.saliency(
            network, subject.x, subject.target, method, baseline=black, **chosen
        )
        kept = {"values": found.values, "score": found.score}
        if found.baseline_score is not None:
            kept["score of black"] = found.baseline_score
        return found.map, kept

    def facts(kept):
        if "score of black" not in kept:
            return [("score", f"{subject.score} is {number(kept['score'])}")]
        total = number(float(kept["map"].sum()))
        gain = number(kept["score"] - kept["score of black"])
        return [
            ("sum", f"{total} over all pixels; the score changes by {gain} from black to the image")
        ]

    colours = subject.pixels.shape[0] == 3
    words = {
        "gradient": f"magnitude of the gradient of {subject.score} by the input",
        "gradient-x-input": f"gradient of {subject.score} times the input",
        "integrated-gradients": (
            f"mean gradient of {subject.score} at {settings.get('steps')} points from black to"
            " the image, times their difference"
        ),
        "smooth": (
            f"magnitude of the mean gradient of {subject.score} by {settings.get('samples')} copies"
            f" with noise {settings.get('noise')}, seed {settings.get('seed')}"
        ),
    }
    signed = method in ("gradient-x-input", "integrated-gradients")
    reduced = ("summed over" if signed else "the largest of the") + " channels"
    names = {
        "gradient": "gradient",
        "gradient-x-input": "gradient × input",
        "integrated-gradients": "integrated gradients",
        "smooth": "SmoothGrad",
    }
    subject.save(
        picture,
        explain,
        title=f"Saliency of {subject.image_name} for class {subject.name}: {names[method]}",
        what=words[method] + (f", {reduced}" if colours else ""),
        parameters={"method": method, **settings},
        facts=facts,
        signed=signed,
        ends=subject.ends if signed else ("", ""),
    )
