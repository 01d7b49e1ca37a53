"""``convlab evaluate``: how good a run is, and where it is wrong."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import click
from convlab_cli import options
from convlab_cli.output import json_text


@click.command()
@options.run_argument
@click.option("--data", help="Another data set than the run's own; its test images are used.")
@options.data_dir
@options.device
@options.threads
@click.option(
    "--out",
    type=options.Written(file_okay=False, path_type=Path),
    help="Folder of the tables and pictures.  [default: RUN/evaluation]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(run, data, data_dir, out, as_json):
    """Accuracy, a table of the classes, the confusion matrix and the worst mistakes of RUN."""

    from convlab import data as data_sets
    from convlab import files, viz
    from convlab.errors import DataError
    from convlab.names import listed

    run = options.load_run(run)
    source = data or run.settings.data
    channels, *size = run.image_shape
    _, test = data_sets.load(
        source,
        data_dir=data_dir,
        image_size=tuple(size) if data else None,
        channels=channels if data else None,
    )
    if test.classes != run.classes:
        raise DataError(
            f"{source}: expected the run's classes {listed(run.classes)}, got"
            f" {listed(test.classes)}"
        )
    result = run.evaluate(test)
    matrix = result.confusion()
    out = out or run.folder / "evaluation"
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["true \\ predicted", *run.classes])
    writer.writerows([name, *row] for name, row in zip(run.classes, matrix.tolist(), strict=True))
    with files.made_folder(out):
        files.write_atomically(out / "confusion.csv", table.getvalue().encode())
    name = f"{run.network.name} on {test.name}"
    accuracy = f"run {run.folder.resolve().name}, test accuracy {100 * result.accuracy:.2f} %"
    confusion = viz.confusion(
        matrix, run.classes, title=f"Confusion matrix, {name}", subtitle=accuracy
    )
    mistaken = result.mistakes()
    wrong = mistaken[:40]
    count = f"{len(mistaken):,} of {len(test):,} test images"
    mistakes = viz.mistakes(
        test.images[wrong],
        [run.classes[i] for i in result.labels[wrong]],
        [run.classes[i] for i in result.predictions[wrong]],
        result.probabilities[wrong].max(axis=1),
        title=f"Worst mistakes, {name}",
        subtitle=f"{count} wrong; true → predicted, its probability",
    )
    rows = _class_rows(run.classes, matrix)
    if as_json:
        click.echo(
            json_text(
                {
                    "run": str(run.folder),
                    "data": source,
                    "images": len(test),
                    "accuracy": result.accuracy,
                    "loss": result.loss,
                    "classes": rows,
                    "confusion": matrix.tolist(),
                }
            )
        )
    else:
        _print(rows, result, test, run)
    pictures = (
        (confusion, "confusion.png", "Confusion matrix", accuracy),
        (mistakes, "mistakes.png", "Worst mistakes", f"{accuracy}; {count} wrong"),
    )
    for figure, file, title, said in pictures:
        options.save_figure(
            figure, out / file, f"{title}, {name}", f"{title} of {name}: {said}.", quiet=as_json
        )


def _class_rows(classes, matrix) -> list[dict]:
    """Precision: right ones among the answers; recall: right ones among the images."""
    rows = []
    for k, name in enumerate(classes):
        right, true, answered = matrix[k, k], matrix[k].sum(), matrix[:, k].sum()
        rows.append(
            {
                "class": name,
                "images": int(true),
                "right": int(right),
                "precision": float(right / answered) if answered else None,
                "recall": float(right / true) if true else None,
            }
        )
    return rows


def _print(rows, result, test, run) -> None:
    from convlab.names import columns, padded, shortened

    names = [shortened(row["class"]) for row in rows]
    width = max(5, *map(columns, names))
    click.echo(f"{'class':{width}}  images  right  precision   recall")
    for name, row in zip(names, rows, strict=True):
        shares = [
            "       -" if row[key] is None else f"{100 * row[key]:6.2f} %"
            for key in ("precision", "recall")
        ]
        counts = f"{row['images']:6,}  {row['right']:5,}"
        click.echo(f"{padded(name, width)}  {counts}   {shares[0]} {shares[1]}")
    click.echo(
        f"accuracy {100 * result.accuracy:.2f} %, loss {result.loss:.4f} on {len(test):,} test"
        f" images of {test.name}; weights of epoch {run.best_epoch}"
    )
