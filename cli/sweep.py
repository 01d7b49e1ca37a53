"""``convlab sweep``: one network with every combination of some settings."""

import os
import time
from pathlib import Path

import click
from convlab_cli import drawing, options
from convlab_cli.experiment import run_trials
from convlab_cli.output import command_line
from convlab_cli.terminal import say, wide


@options.command()
@options.network_argument("lenet5")
@options.data(default="digits", help="A data set by name, or your own folder or file.")
@options.data_dir
@click.option(
    "--set",
    "grid",
    multiple=True,
    metavar="NAME=VALUE,...",
    help='Values of an option of "convlab train", such as lr=0.01,0.02; may be repeated.',
)
@options.whole("--seeds", default=5, most=1000, help="How often each is trained.")
@options.flag(
    "--halving", help="Begin with few epochs, and go on with the better half and twice as many."
)
@options.output(help="Folder of the results.  [default: sweeps/MODEL-DATA]", folder=True)
@options.json_options("Print all figures and settings as JSON.")
@options.workers
@options.threads
@options.quiet
@wide
@drawing.look
def command(network, data, data_dir, grid, seeds, halving, output, record, quiet, look, **workers):
    """Train MODEL with every combination of some settings, and say which is best.

    The validation images choose; the test images say how good that is.  Each training is kept in
    the folder: the same command goes on where it was stopped, and more seeds add to what is there.
    """
    if data_dir is not None:
        os.environ["CONVLAB_DATA_DIR"] = data_dir
    from convlab import experiments, training
    from convlab.experiments.sweep import Sweep, parse_grid
    from convlab.session import usual_folder
    from convlab.training import executors

    sweep = Sweep(network, data, parse_grid(grid), seeds, halving)
    named = usual_folder(training.Settings(model=network, data=sweep.data)).name
    folder, force = output or Path("sweeps") / named, workers.pop("force")
    begin, left = time.perf_counter(), sweep.combinations
    done: list = []
    with executors.workers(**workers) as who:
        for epochs in sweep.epochs:
            round_ = run_trials("sweep", sweep.trials(folder, epochs, left, force), who, quiet)
            done, left = [*done, *round_], sweep.better_half(round_)
    result = sweep.result(done)
    say(result.lines())
    written = result.save(folder, command=command_line(), **look)
    if record.wanted:
        record.put({"command": command_line(), **result.to_dict()}, by_key=True)
    text = experiments.trials_text(done, time.perf_counter() - begin)
    say([text, f"wrote {', '.join(map(str, written))}"])
