"""``convlab detect``: digits of several sizes in one picture."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
from convlab_cli import options


class Scales(click.ParamType):
    """Enlargements of a picture, such as 1.4,1,0.7."""

    name = "S,S,..."

    def convert(self, value, parameter, context):
        if not isinstance(value, str):
            return value
        try:
            scales = [float(part) for part in value.split(",")]
        except ValueError:
            scales = []
        if not scales or not all(0.01 <= scale <= 8 for scale in scales):
            self.fail(f"expected numbers from 0.01 to 8 such as 1.4,1,0.7, got {value!r}")
        return scales


@click.command()
@options.run_argument
@click.argument("image", metavar="[IMAGE]", required=False)
@click.option(
    "--scenes",
    type=click.IntRange(1, 10_000),
    help="Measure the mean average precision on so many generated scenes.",
)
@click.option("--seed", type=options.SEED, default=0, show_default=True, help="Of the scenes.")
@click.option(
    "--clutter",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="Fragments of other digits in each scene.",
)
@click.option(
    "--threshold",
    type=options.Number(0, 1),
    default=0.5,
    show_default=True,
    help="Least probability of a box.",
)
@click.option(
    "--overlap",
    type=options.Number(0, 1),
    default=0.1,
    show_default=True,
    help="Most intersection over union of two boxes.",
)
@click.option(
    "--scales",
    type=Scales(),
    help="How far the picture is enlarged for each scan; by default a quarter octave apart.",
)
@options.data_dir
@options.device
@options.threads
@options.picture(None)
def command(run, image, scenes, seed, clutter, threshold, overlap, scales, data_dir, picture):
    """Find digits of several sizes in one picture: the network, moved over all of it.

    IMAGE is a file, "-", or scene:N, a generated scene of the test set's digits whose
    boxes are known.  The dense layers become convolutions with the same weights
    (LeCun et al. 1998, section VII); the picture is read at several sizes.

    A classifier of digits alone takes every spot for a digit.  Train one that also
    knows background, and measure it:

    \b
    convlab train --data scenes
    convlab detect runs/lenet5-scenes scene:3
    convlab detect runs/lenet5-scenes --scenes 500
    """
    if (image is None) == (scenes is None):
        raise click.UsageError("expected either IMAGE or --scenes")
    if scenes is not None and picture.path is not None:
        raise click.UsageError("-o: expected IMAGE with it; --scenes has numbers alone")
    from convlab import pictures, tasks
    from convlab.data import BACKGROUND

    run = options.load_run(run)
    detector = tasks.detector(run, threshold, overlap)
    if BACKGROUND not in run.classes:
        click.echo(
            f"note: {run.folder} knows no class {BACKGROUND!r}, so it finds digits everywhere; one"
            " that does: convlab train --data scenes",
            err=True,
        )
    if scenes is not None:
        _measure(detector, scenes, seed, clutter, scales, data_dir, picture)
        return
    made = pictures.detect(
        run,
        image,
        seed=seed,
        clutter=clutter,
        threshold=threshold,
        overlap=overlap,
        scales=scales,
        data_dir=data_dir,
    )

    def before() -> None:
        if not picture.alt:
            click.echo("\n".join(filter(None, [made.facts["boxes"], made.facts["found"]])))

    picture = dataclasses.replace(picture, path=picture.path or Path("detected.png"))
    picture.finish(made, before)


def _measure(detector, count, seed, clutter, scales, data_dir, picture) -> None:
    """Print the average precision of each class on generated scenes."""
    import time

    import numpy as np

    from convlab import data, tasks

    digits = detector.digits(data_dir)
    begin = time.perf_counter()
    found, truth = [], []
    for first in range(0, count, 50):
        numbers = range(first, min(first + 50, count))
        shown = [data.scene(digits, n, seed=seed, clutter=clutter) for n in numbers]
        images = np.stack([one.image for one in shown])
        size = images.shape[2:]
        used = scales or detector.scales(size)
        found += [detector.found(one, size) for one in detector.scan(images, used)]
        truth += [(one.boxes, one.labels) for one in shown]
    values = tasks.average_precisions(found, truth, len(digits.classes))
    seconds = time.perf_counter() - begin
    counts = np.bincount(np.concatenate([labels for _, labels in truth]), minlength=len(values))
    mean = float(np.nanmean(values))
    names = digits.classes
    lines = [
        f"{name}: average precision {value:.3f} of {number} boxes"
        for name, value, number in zip(names, values, counts, strict=True)
    ]
    total = sum(map(len, found))
    summary = (
        f"mean average precision {mean:.3f} at IoU 0.5 on {count} scenes of {digits.name} (test),"
        f" {counts.sum()} digits, {total} boxes found; {1000 * seconds / count:.0f} ms a scene"
    )
    if not picture.alt:
        for line in [*lines, summary]:
            click.echo(line)
    if picture.json is not None or picture.alt:
        picture.write(
            b"",
            f"Detection by {detector.run.folder.name}",
            f"{summary}.",
            parameters={
                "run": detector.run.folder,
                "scenes": count,
                "seed": seed,
                "clutter": clutter,
                "scales": used,
                **detector.settings,
            },
            inputs={"data": digits.name, "digits": counts},
            weights={},
            result={
                "mean average precision": mean,
                "average precision": dict(
                    zip(names, [None if v != v else v for v in values.tolist()], strict=True)
                ),
                "boxes found": total,
                "seconds": seconds,
            },
        )
