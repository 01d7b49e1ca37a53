"""``convlab train``: a network from the terminal."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource
from convlab_cli import options, progress
from convlab_cli.output import json_text

if TYPE_CHECKING:
    from convlab.session import Session


@click.command()
@options.model
@click.option(
    "--data",
    default="digits",
    show_default=True,
    help="digits, mnist, fashion-mnist, cifar10, scenes, or a folder of images.",
)
@options.data_dir
@click.option(
    "--epochs", type=int, help="Passes over the training images.  [default: 60 for digits, else 20]"
)
@click.option("--batch-size", type=int, default=64, show_default=True, help="Images per step.")
@click.option(
    "--lr", "rate", type=float, help="Largest learning rate.  [default: what suits the network]"
)
@options.choice("--optimizer", "sgd", "nesterov", "adam")
@click.option("--momentum", type=float, default=0.9, show_default=True)
@click.option("--weight-decay", type=float, default=5e-4, show_default=True)
@click.option(
    "--schedule",
    type=click.Choice(["constant", "step", "cosine", "one-cycle"]),
    default="one-cycle",
    show_default=True,
    help="How the learning rate changes.",
)
@click.option("--dropout", type=float, help="Probability of the network's dropout layers.")
@click.option(
    "--augment",
    help="Variations of the training images, such as shift=2,rotate=15,scale=0.15,flip,elastic=34,"
    " or none.  [default: shift=2,rotate=15,scale=0.15 for digits, else none]",
)
@click.option(
    "--validation",
    type=float,
    default=0.1,
    show_default=True,
    help="Share of the training images that chooses the best epoch.",
)
@click.option(
    "--patience",
    type=int,
    help="Stop when the validation loss has not fallen for this many epochs.",
)
@click.option(
    "--limit",
    type=int,
    metavar="N",
    help="Use this many training images per class, drawn by the seed.  [default: all]",
)
@click.option(
    "--from",
    "start_from",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Start from another run's weights, where names and shapes agree.",
)
@click.option(
    "--new-head",
    is_flag=True,
    help="With --from: start the last layer with weights afresh.",
)
@click.option(
    "--freeze",
    multiple=True,
    metavar="NAME",
    help="Do not train this layer, or conv or dense for all of a kind; may be repeated.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="The same seed gives the same network, to the bit.",
)
@options.threads
@options.device
@click.option(
    "--out",
    type=options.Written(path_type=Path),
    help="Folder of the run.  [default: runs/MODEL-DATA]",
)
@click.option(
    "--snapshots",
    is_flag=True,
    help="Also keep the weights of each epoch, for pictures of how they change.",
)
@click.option(
    "--page",
    is_flag=True,
    help='Also write lab.html, the network to draw on and look into; see "convlab page".',
)
@click.option("--exist-ok", is_flag=True, help="Replace an existing run.")
@click.option(
    "--resume",
    type=options.Written(path_type=Path),
    metavar="RUN",
    help="Continue a run that was stopped.",
)
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@options.json_flag("One JSON object per line on stdout: each epoch, then the summary.")
@click.pass_context
def command(context, data_dir, out, snapshots, page, exist_ok, resume, quiet, as_json, **settings):
    """Train a network and keep it as a run.

    The run's folder holds the weights of the best epoch, the history as a table
    and a picture, and everything that is needed to continue.  Ctrl-C finishes the batch, saves and
    stops.
    """
    if resume is not None:
        _refuse_settings(context)
    from convlab import session

    settings["freeze"] = ",".join(settings["freeze"]) if settings["freeze"] else None
    if context.get_parameter_source("model") != ParameterSource.COMMANDLINE:
        settings["model"] = None
    shared = {"data_dir": data_dir, "device": options.chosen_device(), "page": page}
    begun = (
        session.begin(**settings, **shared, out=out, snapshots=snapshots, exist_ok=exist_ok)
        if resume is None
        else session.resume(resume, **shared)
    )
    with begun as current:
        if current.complete:
            raise click.UsageError(f"{resume}: nothing to resume, the run is complete")
        for line in () if quiet else current.announcement():
            click.echo(line, err=True)
        if not _fit(current, quiet, as_json):
            current.save()
            more = f"{current.folder} --page" if current.page else current.folder
            click.echo(f"stopped and saved; go on with: convlab train --resume {more}", err=True)
            context.exit(130)
        _finish(current, as_json, data_dir)


def _refuse_settings(context) -> None:
    free = {"resume", "data_dir", "threads", "device", "page", "quiet", "as_json"}
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name) == ParameterSource.COMMANDLINE
        if given and parameter.name not in free:
            raise click.UsageError(
                f"--resume goes on with the run's own settings; drop {parameter.opts[0]}"
            )


def _fit(current: Session, quiet: bool, as_json: bool) -> bool:
    """Train with a progress bar; False if Ctrl-C stopped it."""
    from convlab.training import EpochRecord

    with (
        _interrupted() as interrupted,
        progress.bar(current.batches[1], label="", quiet=quiet) as bar,
    ):
        shown = current.batches[0]
        if bar is not None:
            bar.update(shown)
        for record in current.fit():
            if isinstance(record, EpochRecord):
                if as_json:
                    click.echo(json_text({"type": "epoch", **vars(record)}))
                if not quiet and bar is None:
                    click.echo(current.epoch_text(record), err=True)
            elif bar is not None:
                bar.label = f"epoch {record.epoch}/{current.trainer.settings.epochs}"
                done = current.batches[0]
                bar.update(done - shown, current.batch_text(record))
                shown = done
            if interrupted:
                return current.trainer.finished
    return True


@contextmanager
def _interrupted() -> Iterator[list[int]]:
    """A list that is not empty after the first Ctrl-C; a second one stops at once."""
    interrupted: list[int] = []

    def interrupt(number, frame):
        interrupted.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _finish(current: Session, as_json: bool, data_dir: str | None) -> None:
    """Test the best network, draw the curves and the page, print the summary."""
    from convlab_cli.page import write_page

    from convlab import training
    from convlab.training.run_folder import PAGE

    test, folder = current.finish(), current.folder
    if as_json:
        click.echo(json_text(current.summary(test)))
    else:
        click.echo(current.summary_text(test))
        click.echo(f"run: {folder}")
        click.echo(
            f"next: convlab render filters {folder}, convlab render features {folder} test:0"
        )
    if current.page:
        command = shlex.join(["convlab", "train", "--resume", str(folder), "--page"])
        write_page(
            training.load(folder),
            folder / PAGE,
            data_dir,
            accuracy=test.accuracy,
            command=command,
            quiet=as_json,
        )
