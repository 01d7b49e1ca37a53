"""``convlab train``: a network from the terminal."""

from __future__ import annotations

import shlex
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import click
from click.core import ParameterSource
from convlab_cli import options
from convlab_cli.output import json_text


@click.command()
@click.option(
    "--model",
    default="lenet5",
    show_default=True,
    help='A name or a .toml file; see "convlab summary".',
)
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
@click.option("--batch-size", type=int, default=64, show_default=True, help="Images a step.")
@click.option(
    "--lr", "rate", type=float, help="Largest learning rate.  [default: what suits the network]"
)
@click.option(
    "--optimizer", type=click.Choice(["sgd", "nesterov", "adam"]), default="sgd", show_default=True
)
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
    "--patience", type=int, help="Stop when the validation loss has not fallen for so many epochs."
)
@click.option(
    "--limit",
    type=int,
    metavar="N",
    help="Use so many training images a class, drawn by the seed.  [default: all]",
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
    help="With --from: make the last layer with weights anew.",
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
@click.option("--exist-ok", is_flag=True, help="Replace a run that is there already.")
@click.option(
    "--resume",
    type=options.Written(path_type=Path),
    metavar="RUN",
    help="Go on with a run that was stopped.",
)
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object a line on stdout: each epoch, then the summary.",
)
@click.pass_context
def command(context, data_dir, out, snapshots, page, exist_ok, resume, quiet, as_json, **settings):
    """Train a network and keep it as a run.

    The run's folder holds the weights of the best epoch, the history as a table
    and a picture, and everything that is needed to go on.  Ctrl-C finishes the
    batch, saves and stops.
    """
    if resume is not None:
        _refuse_settings(context)
    from convlab import training
    from convlab.errors import DivergedError
    from convlab.interface import usual_folder
    from convlab.kernels.device import threading_layer
    from convlab.training.run_folder import CURVES, PAGE

    device = options.chosen_device()
    layer = threading_layer()  # where none can be loaded, nothing has been written yet
    with ExitStack() as held:
        if resume is not None:
            folder = resume
            held.enter_context(training.locked(folder))
            task = training.prepare(
                training.load_settings(folder), data_dir=data_dir, spec=training.load_spec(folder)
            )
            trainer = training.resume(folder, task, device)
            page = page or training.wants_page(folder)
            if page:
                _check_page(task.network)
            # What a crash may have left out, with the state before it saved.
            mended = training.write_results(folder, trainer)
            pictures = [CURVES, PAGE] if page else [CURVES]
            if trainer.finished and not mended and all((folder / p).exists() for p in pictures):
                raise click.UsageError(f"{folder}: nothing to resume, the run is complete")
        else:
            settings["freeze"] = ",".join(settings["freeze"]) or None
            start, spec = settings["start_from"], None
            if start is not None:
                settings["start_from"] = str(start.resolve())
                weights = training.load(start).network.state_dict()
                if context.get_parameter_source("model") != ParameterSource.COMMANDLINE:
                    settings["model"] = training.load_settings(start).model
                    spec = training.load_spec(start)
            if Path(settings["data"]).is_dir():
                settings["data"] = str(Path(settings["data"]).resolve())
            chosen = training.Settings(**settings)
            folder = out or usual_folder(chosen)
            # Before the data are loaded: a name that is taken shall not cost a download.
            training.check_free(folder, exist_ok)
            task = training.prepare(chosen, data_dir=data_dir, spec=spec)
            if page:
                _check_page(task.network)
            if start is not None:
                taken = _take_over(task.network, weights, start, chosen.new_head)
            trainer = training.Trainer(chosen, task, device)
            held.enter_context(
                training.new_run(folder, trainer, exist_ok=exist_ok, snapshots=snapshots, page=page)
            )
        if not quiet:
            _announce(trainer, folder, layer)
            if resume is None and start is not None:
                _announce_taken(taken, start)
        try:
            complete = _fit(trainer, folder, quiet, as_json)
        except DivergedError as error:
            epoch = trainer.progress.epoch
            if not epoch:
                training.discard(folder)  # so that the name is free for the next try
                raise
            kept = f"{folder} keeps the weights up to epoch {epoch}"
            raise DivergedError(f"{error}; {kept}") from None
        if not complete:
            training.save(folder, trainer)
            more = f"{folder} --page" if page else folder
            click.echo(f"stopped and saved; go on with: convlab train --resume {more}", err=True)
            context.exit(130)
        _finish(trainer, folder, as_json, page, data_dir)


def _refuse_settings(context) -> None:
    free = {"resume", "data_dir", "threads", "device", "page", "quiet", "as_json"}
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name) == ParameterSource.COMMANDLINE
        if given and parameter.name not in free:
            raise click.UsageError(
                f"--resume goes on with the run's own settings; drop {parameter.opts[0]}"
            )


def _check_page(network) -> None:
    """Raise SpecError for a network that no page can hold, not after hours of training."""
    from convlab import lab

    lab.check_fits(network)


def _announce(trainer, folder, layer) -> None:
    from convlab import get_num_threads
    from convlab.kernels import cache

    if not cache.is_compiled():
        click.echo("compiling the loops for this machine, once: about half a minute", err=True)
    if layer == "workqueue":
        click.echo(
            "note: without an OpenMP library loops start more slowly (threading layer workqueue);"
            " on Linux, install the package libgomp1",
            err=True,
        )
    task, settings = trainer.task, trainer.settings
    where = f"{get_num_threads()} threads ({layer})" if trainer.device == "cpu" else "on the GPU"
    click.echo(
        f"{task.network.name}, {task.network.parameter_count():,} parameters, on {settings.data}:"
        f" {len(task.train):,} training, {len(task.validation):,} validation and"
        f" {len(task.test):,} test images; {where}; run in {folder}",
        err=True,
    )
    frozen = [p.size for p in task.network.parameters() if not p.requires_grad]
    if frozen:
        click.echo(f"frozen ({settings.freeze}): {sum(frozen):,} parameters", err=True)


def _take_over(network, weights, start: Path, new_head: bool):
    from convlab import training
    from convlab.errors import SpecError

    try:
        return training.take_over(network, weights, new_head=new_head)
    except SpecError as error:
        raise SpecError(f"{start}: {error}") from None


def _announce_taken(taken, start: Path) -> None:
    left = "; ".join(f"{name} is not ({reason})" for name, reason in taken.left.items())
    click.echo(
        f"weights of {start}: {', '.join(taken.taken)} taken{f'; {left}' if left else ''}", err=True
    )


def _fit(trainer, folder: Path, quiet: bool, as_json: bool) -> bool:
    """Train with a progress bar, saving each epoch; False where Ctrl-C stopped it."""
    from convlab.interface import epoch_text
    from convlab.training import EpochRecord, save

    interrupted = []

    def interrupt(number, frame):
        interrupted.append(number)
        signal.signal(signal.SIGINT, before)  # a second Ctrl-C stops at once

    before = signal.signal(signal.SIGINT, interrupt)
    batches, progress = len(trainer.batches), trainer.progress
    bar = None
    if not quiet and sys.stderr.isatty():
        bar = click.progressbar(
            length=trainer.settings.epochs * batches,
            file=sys.stderr,
            item_show_func=lambda text: text,
            bar_template="%(label)s [%(bar)s] %(info)s",
            width=20,
        )
        done = progress.epoch * batches + progress.batch
        bar.update(done)
    try:
        for record in trainer.fit():
            if isinstance(record, EpochRecord):
                save(folder, trainer)  # a crash costs one epoch at most
                if as_json:
                    click.echo(json_text({"type": "epoch", **vars(record)}))
                if not quiet and bar is None:
                    click.echo(epoch_text(trainer, record), err=True)
            elif bar is not None:
                rate = (record.images / progress.seconds) if progress.seconds else 0
                bar.label = f"epoch {record.epoch}/{trainer.settings.epochs}"
                before_it, done = done, (record.epoch - 1) * batches + record.batch
                bar.update(
                    done - before_it,
                    f"loss {record.loss:.4f}  accuracy {100 * record.accuracy:.2f} %"
                    f"  {rate:,.0f} images/s",
                )
            if interrupted:
                return trainer.finished
    finally:
        signal.signal(signal.SIGINT, before)
        if bar is not None:
            bar.render_finish()
    return True


def _finish(trainer, folder: Path, as_json: bool, page: bool, data_dir) -> None:
    """Test the best network, draw the curves and the page, print the summary."""
    from convlab_cli.page import write_page

    from convlab import interface, training
    from convlab.training.run_folder import PAGE

    task, progress = trainer.task, trainer.progress
    test = interface.finish(folder, trainer)
    seconds = sum(record["seconds"] for record in progress.history)
    right = int((test.predictions == test.labels).sum())
    if as_json:
        summary = {
            "type": "summary",
            "run": str(folder),
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch,
            "validation_accuracy": progress.history[progress.best_epoch - 1]["validation_accuracy"],
            "test_accuracy": test.accuracy,
            "test_loss": test.loss,
            "seconds": seconds,
        }
        if page:
            summary["page"] = str(folder / PAGE)
        click.echo(json_text(summary))
    else:
        early = ", stopped early" if progress.stopped_early else ""
        click.echo(
            f"test accuracy {100 * test.accuracy:.2f} % ({right:,} of {len(task.test):,} images),"
            f" best of {progress.epoch} epochs: {progress.best_epoch}{early};"
            f" trained in {seconds:.1f} s"
        )
        click.echo(f"run: {folder}")
        click.echo(
            f"next: convlab render filters {folder}, convlab render features {folder} test:0"
        )
    if page:
        run = training.load(folder)
        path = folder / PAGE
        command = shlex.join(["convlab", "train", "--resume", str(folder), "--page"])
        write_page(run, path, data_dir, accuracy=test.accuracy, command=command, quiet=as_json)
