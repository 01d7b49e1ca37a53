"""``convlab evaluate``: how good a run is, and where it is wrong."""

import click
from convlab_cli import options, runs, terminal
from convlab_cli.output import command_line


@options.command()
@options.data(help="Another data set than the run's own; its test images are used.")
@options.as_is
@options.skip_damaged
@options.output(help="Folder of the tables and pictures.  [default: RUN/evaluation]", folder=True)
@options.valued(
    "--positive",
    metavar="CLASS",
    help="Also sensitivity, specificity, ROC and precision-recall curve of this class.",
)
@options.number(
    "--threshold",
    (0, 1),
    help="Least probability that is called positive.  [default: 0.5]",
)
@terminal.wide
@options.json_options()
@runs.about_run()
def command(run, data, data_dir, skip_damaged, output, positive, threshold, record):
    """Accuracy, a table of the classes, the confusion matrix and the worst mistakes of RUN.

    With --positive also how well one class is told from the rest, at every threshold: shares with
    their 95 % intervals (Wilson 1927), the areas under both curves, and a table of thresholds.
    The pictures of a folder of --data are read as "convlab predict" reads them.
    """
    if threshold is not None and positive is None:
        raise click.UsageError("--threshold: expected --positive with it")
    from convlab.files import check_place
    from convlab.pictures.evaluation import evaluated

    folder = output or run.folder / "evaluation"
    check_place(folder, True)
    threshold = 0.5 if threshold is None else threshold
    found = evaluated(run, data, data_dir, skip_damaged, positive=positive, threshold=threshold)
    written = found.save(folder, command=command_line())
    record.show([found.record()], [*found.lines(), *(f"wrote {path}" for path in written)])
