"""``convlab render grad-cam``: where a layer's maps speak for a class."""

from __future__ import annotations

import click
from convlab_cli import attribution, options


@click.command()
@attribution.arguments
@click.option(
    "--layer",
    help="A layer with feature maps; the last one with more than one unit a map by default.",
)
@options.threads
@options.picture("grad-cam.png")
def command(subject, layer, picture):
    """Where in IMAGE the feature maps of a layer speak for a class (Selvaraju et al. 2017).

    IMAGE is a file, "-", or test:N of the run's test set.  The maps are weighted with
    the mean gradient of the class's score by each, added up, cut off below 0 and
    stretched to the input (bilinear).  The score is the logit, or minus the penalty.
    """
    from convlab import insight
    from convlab.shapes import size_text

    found = insight.grad_cam(subject.run.network, subject.x, subject.target, layer)

    def explain(network):
        own = insight.grad_cam(network, subject.x, subject.target, layer)
        return own.map, {"coarse": own.coarse, "map weights": own.weights}

    def facts(kept):
        if not kept["coarse"].any():
            return [("note", "0 everywhere: no place of this layer speaks for the class")]
        return []

    maps = f"{found.weights.size} maps of {size_text(*found.coarse.shape)}"
    subject.save(
        picture,
        explain,
        title=f"Grad-CAM of {subject.image_name} for class {subject.name}: {found.layer}",
        what=(
            f"{maps}, each times the mean gradient of {subject.score} by it, added up, cut off"
            " below 0; stretched to the input (bilinear)"
        ),
        parameters={"layer": found.layer},
        facts=facts,
        signed=False,
        ends=("", subject.ends[1]),
        over=True,
    )
