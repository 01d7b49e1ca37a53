"""``convlab evaluate``: how good a run is, and where it is wrong."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options, terminal
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
@options.json_flag()
def command(run, data, data_dir, out, as_json):
    """Accuracy, a table of the classes, the confusion matrix and the worst mistakes of RUN."""
    from convlab import files
    from convlab.pictures.evaluation import evaluated

    run = options.load_run(run)
    found = evaluated(run, data, data_dir)
    out = out or run.folder / "evaluation"
    with files.made_folder(out):
        files.write_atomically(out / "confusion.csv", found.csv())
    terminal.say([json_text(found.record())] if as_json else found.lines())
    for made, path in (
        (found.confusion(), out / "confusion.png"),
        (found.mistakes(), out / "mistakes.png"),
    ):
        command = options.command_line()
        files.write_atomically(path, made.content(path.suffix, command=command))
        if not as_json:
            click.echo(f"wrote {path}")
