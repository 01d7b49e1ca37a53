"""``convlab detect``: digits of several sizes in one picture."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
from convlab_cli import options

LARGEST = 512  # pixels of a picture's longer side; larger pictures are reduced


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
    from convlab import insight
    from convlab.data.scenes import BACKGROUND, BOX

    run = options.load_run(run)
    network = insight.fully_convolutional(run.network)
    _require_drawings(run)
    if BACKGROUND not in run.classes:
        click.echo(
            f"note: {run.folder} knows no class {BACKGROUND!r}, so it finds digits everywhere; one"
            " that does: convlab train --data scenes",
            err=True,
        )
    # The images may stand in a larger input; the box is a share of the image.
    box = BOX * run.image_shape[1] / network.input_shape[1]
    settings = {"threshold": threshold, "overlap": overlap, "box": box}
    if scenes is not None:
        _measure(run, network, scenes, seed, clutter, scales, settings, data_dir, picture)
    else:
        _show(run, network, image, seed, clutter, scales, settings, data_dir, picture)


def _require_drawings(run) -> None:
    from convlab.errors import RunError

    if run.image_shape[0] != 1 or not run.dark_background:
        raise RunError(
            f"{run.folder}: expected a run on bright drawings on black, such as digits, mnist or"
            f" scenes, got one on {run.settings.data}"
        )


def _digits(run, data_dir):
    """The test images that scenes are made of."""
    from convlab import data

    source = "mnist" if run.settings.data == "scenes" else run.settings.data
    return data.load(source, data_dir=data_dir)[1]


def _measure(run, network, count, seed, clutter, scales, settings, data_dir, picture) -> None:
    import time

    import numpy as np

    from convlab import data, insight, tasks

    digits = _digits(run, data_dir)
    begin = time.perf_counter()
    found, truth = [], []
    for first in range(0, count, 50):
        numbers = range(first, min(first + 50, count))
        shown = [data.scene(digits, n, seed=seed, clutter=clutter) for n in numbers]
        images = np.stack([one.image for one in shown])
        size = images.shape[2:]
        used = scales or insight.usual_scales(network, size)
        levels = [insight.scan(network, images, run.scaling, scale) for scale in used]
        found += [
            tasks.detect(one, run.classes, size, **settings) for one in zip(*levels, strict=True)
        ]
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
            f"Detection by {run.folder.name}",
            f"{summary}.",
            parameters={
                "run": run.folder,
                "scenes": count,
                "seed": seed,
                "clutter": clutter,
                "scales": used,
                **settings,
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


def _show(run, network, image, seed, clutter, scales, settings, data_dir, picture) -> None:
    from convlab import data, insight, tasks, viz
    from convlab.shapes import size_text

    pixels, truth, note = _read(run, image, seed, clutter, data_dir)
    size = pixels.shape[1:]
    used = scales or insight.usual_scales(network, size)
    levels = [insight.scan(network, pixels[None], run.scaling, scale)[0] for scale in used]
    found = tasks.detect(levels, run.classes, size, **settings)
    maps = tasks.score_maps(levels, size)
    boxes, labels, kinds = list(found.boxes), [], []
    for label, chance in zip(found.labels, found.probabilities, strict=True):
        labels.append(f"{run.classes[label]} {chance:.2f}")
        kinds.append("found")
    facts = [("found", _listed([run.classes[label] for label in found.labels]))]
    hits = missed = None
    if truth is not None:
        hits, missed = tasks.compared(found, *truth)
        kinds = ["found" if hit else "wrong" for hit in hits]
        names = [run.classes[label] for label in truth[1]]
        for number in missed:
            boxes.append(truth[0][number])
            labels.append(f"{names[number]} missed")
            kinds.append("missed")
        facts = [
            (
                "found",
                f"{int(hits.sum())} of {len(names)} digits, {_boxes(int((~hits).sum()))}"
                " (right: the class, and an intersection over union above 0.5)",
            )
        ]
    windows = sum(level.probabilities[0].size for level in levels)
    stride = insight.scan_stride(network)
    facts.append(
        (
            "scan",
            f"{windows:,} windows of {size_text(*network.input_shape[1:])}, stride"
            f" {size_text(*stride)}, at {len(used)} sizes of the picture from {max(used):.2g} to"
            f" {min(used):.2g}; a map shows the highest probability of all sizes",
        )
    )
    name = "standard input" if image == "-" else Path(image).name
    title = f"Detection in {name}"
    subtitle = (
        f"{options.title_of(run)}; {size_text(*size)}{note}; probability at least"
        f" {settings['threshold']:g}"
    )
    figure = viz.detections(
        pixels,
        boxes,
        labels,
        kinds,
        [
            (name, map_)
            for name, map_ in zip(run.classes, maps, strict=True)
            if name != data.BACKGROUND  # of all sizes together, background is everywhere
        ],
        facts=facts,
        title=title,
        subtitle=subtitle,
        **picture.look,
    )
    if not picture.alt:
        for text, (top, left, bottom, right), kind in zip(labels, boxes, kinds, strict=True):
            place = f"rows {top:.0f} to {bottom:.0f}, columns {left:.0f} to {right:.0f}"
            click.echo(f"{text}  {place}{'  wrong' if kind == 'wrong' else ''}")
        click.echo("; ".join(text for label, text in facts[:1]))
    shown = dataclasses.replace(picture, path=picture.path or Path("detected.png"))
    shown.save(
        figure,
        title,
        f"{title}; {subtitle}; {'; '.join(f'{label}: {text}' for label, text in facts)}.",
        parameters={
            "run": run.folder,
            "image": image,
            "seed": seed,
            "clutter": clutter,
            "scales": used,
            **settings,
        },
        inputs={"image": pixels},
        weights={},
        result={
            "boxes": found.boxes,
            "classes": [run.classes[label] for label in found.labels],
            "probabilities": found.probabilities,
            "support": found.support,
            **({} if truth is None else {"right": hits, "true boxes": truth[0], "truth": names}),
        },
    )


def _boxes(wrong: int) -> str:
    return f"{wrong} wrong box" + ("" if wrong == 1 else "es")


def _listed(names: list[str]) -> str:
    return f"{len(names)} ({', '.join(names)})" if names else "nothing"


def _read(run, image: str, seed: int, clutter: int, data_dir):
    """(bytes (1, H, W) bright on black, (boxes, labels) where known, what to say of it)."""
    from convlab import data, tasks
    from convlab.data.pictures import picture_header
    from convlab.errors import DataError
    from convlab.reading import read_standard_input

    if image.startswith("scene:"):
        number = image.removeprefix("scene:")
        if not number.isdecimal() or len(number) > 9:
            raise DataError(f"image {image}: expected scene:N with a number from 0")
        shown = data.scene(_digits(run, data_dir), int(number), seed=seed, clutter=clutter)
        return shown.image, (shown.boxes, shown.labels), f", seed {seed}"
    source = read_standard_input() if image == "-" else Path(image)
    (rows, columns), _ = picture_header(source)
    factor = min(1.0, LARGEST / max(rows, columns))
    size = max(1, round(rows * factor)), max(1, round(columns * factor))
    pixels = data.read_picture(source, size=size, channels=1)
    pixels, inverted = data.as_dark_background(pixels)
    return tasks.as_ink(pixels), None, "; image inverted" if inverted else ""
