"""``convlab train``: a network from the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource
from convlab_cli import completion, options, progress, terminal
from convlab_cli.values import Written

if TYPE_CHECKING:
    from convlab.session import Session


def setting(name, type=None, default=None, *names, **settings):
    """An option whose limits are those of ``training.Settings``, which files have too."""
    return options.valued(name, *names, type=type, default=default, **settings)


@options.command()
@options.model
@options.data(
    default="digits",
    help="digits, mnist, fashion-mnist, cifar10, scenes, or your own folder or files.",
)
@options.data_dir
@options.skip_damaged
@setting("--epochs", int, help="Passes over the images.  [default: 60 for digits, else 20]")
@setting("--batch-size", int, 64, help="Images per step.")
@setting(
    "--lr", float, None, "rate", help="Largest learning rate.  [default: what suits the network]"
)
@options.choice("--optimizer", "sgd", "nesterov", "adam")
@setting("--momentum", float, 0.9)
@setting("--weight-decay", float, 5e-4)
@options.choice(
    *("--schedule", "constant", "step", "cosine", "one-cycle"),
    default="one-cycle",
    help="How the learning rate changes.",
)
@setting("--dropout", float, help="Probability of the network's dropout layers.")
@setting(
    "--augment",
    help="Variations of the training images, such as shift=2,rotate=15,scale=0.15,flip,elastic=34,"
    " or none.  [default: shift=2,rotate=15,scale=0.15 for digits, else none]",
)
@setting("--validation", float, 0.1, help="Share of the images that chooses the best epoch.")
@setting(
    "--patience", int, help="Stop when the validation loss has not fallen for this many epochs."
)
@setting(
    "--limit",
    int,
    metavar="N",
    help="Use this many training images per class, drawn by the seed.  [default: all]",
)
@options.run_option(
    "--from",
    "start_from",
    metavar="RUN|NAME",
    help="Start from another run's weights, where names and shapes agree; or efficientnet-lite0.",
)
@options.flag("--new-head", help="With --from: a new last layer, for the classes of the data.")
@options.layer(
    "Do not train this layer, or conv or dense for all of a kind; may be repeated.",
    option="--freeze",
    multiple=True,
    metavar="NAME",
)
@setting("--chunks", int, help="Parts of a batch, shared by MPI's ranks.  [default: 4 of ranks]")
@setting("--seed", int, 0, help="The same seed gives the same network, to the bit.")
@options.threads
@options.device
@options.output(help="Folder of the run.  [default: runs/MODEL-DATA]", folder=True)
@options.flag(
    "--snapshots", help="Also keep the weights of each epoch, for pictures of how they change."
)
@options.flag(
    "--page",
    help='Also write lab.html, the network to draw on and look into; see "convlab page".',
)
@options.exist_ok
@options.valued(
    "--resume",
    type=Written(folder=True),
    metavar="RUN",
    shell_complete=completion.runs,
    help="Continue a run that was stopped, or with --epochs one that is complete.",
)
@options.quiet
@options.json_options("One JSON object per line on stdout: each epoch, then the summary.")
@click.pass_context
def command(
    context, data_dir, output, snapshots, page, exist_ok, resume, quiet, record, **settings
):
    """Train a network and keep it as a run.

    The run's folder holds the weights of the best epoch, the history as a table
    and a picture, and everything that is needed to continue.  Ctrl-C finishes the batch, saves and
    stops.
    """
    if resume is not None:
        _refuse_settings(context)
    from convlab import session

    settings["freeze"] = ",".join(settings["freeze"]) if settings["freeze"] else None
    if context.get_parameter_source("model") is ParameterSource.DEFAULT:
        settings["model"] = None
    shared = {"data_dir": data_dir, "device": options.chosen_device(), "page": page}

    def say(*lines: str) -> None:
        terminal.say(() if quiet else lines, err=True)

    kept = {"out": output, "snapshots": snapshots, "exist_ok": exist_ok}
    begun = (
        session.begin(**settings, **shared, **kept, say=say)
        if resume is None
        else session.resume(resume, epochs=settings["epochs"], **shared)
    )
    with begun as current:
        if current.complete:
            raise click.UsageError(
                f"{resume}: nothing to resume, the run is complete; --epochs lets it go on"
            )
        say(*current.announcement())
        if not _fit(current, quiet, record):
            current.save()
            terminal.say([current.stopped_text()], err=True)
            context.exit(130)
        _finish(current, record, data_dir)


def _refuse_settings(context) -> None:
    free = {"resume", "epochs", "data_dir", "threads", "device", "page"}
    free |= {"quiet", "as_json", "json_file"}
    names = {parameter.name for parameter in context.command.params}
    if given := options.typed(context, names - free):
        raise click.UsageError(f"--resume goes on with the run's own settings; drop {given[0]}")


def _fit(current: Session, quiet: bool, record: options.Record) -> bool:
    """Train with a progress bar; False if Ctrl-C stopped it."""
    from convlab.session import interrupted
    from convlab.training import EpochRecord

    with (
        interrupted() as stopped,
        progress.bar(current.batches[1], done=current.batches[0], quiet=quiet) as bar,
    ):
        for step in current.fit():
            if isinstance(step, EpochRecord):
                record.put({"type": "epoch", **vars(step)})
                bar.line(current.epoch_text(step))
            else:
                bar.label = f"epoch {step.epoch}/{current.trainer.settings.epochs}"
                bar.update(current.batches[0], current.batch_text(step))
            if stopped:
                return current.trainer.finished
    return True


def _finish(current: Session, record: options.Record, data_dir: str | None) -> None:
    """Test the best network, draw the curves and the page, print the summary."""
    from convlab_cli.page import write_page

    from convlab import training
    from convlab.training.run_folder import PAGE

    test, folder = current.finish(), current.folder
    record.show([current.summary(test)], current.summary_lines(test))
    if current.page:
        shown = {"accuracy": test.accuracy, "command": current.command}
        run = training.load(folder)
        write_page(run, folder / PAGE, data_dir, quiet=record.printed, **shown)
