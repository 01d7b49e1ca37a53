"""``convlab experiment``: the claims of CNN lectures, measured."""

import os
import time
from pathlib import Path

import click
from convlab_cli import completion, drawing, options, progress
from convlab_cli.output import command_line
from convlab_cli.terminal import say, wide


@options.group()
def command():
    """Measure what lectures claim about convolutional networks.

    An experiment trains several networks with several seeds and gives the result as a table, a
    picture and one sentence, which may contradict the lecture.
    """


@command.command("list")
@options.json_options("One JSON array on stdout.")
def list_(record):
    """The experiments and their claims."""
    from convlab import experiments

    found = [experiments.find(name) for name in experiments.NAMES]
    lines = (f"{one.name}\n{click.wrap_text(one.claim, 58, '  ', '  ')}" for one in found)
    record.show([[one.to_dict() for one in found]], lines)


@command.command(short_help="An experiment's table, picture and verdict.")
@click.argument("name", shell_complete=completion.experiments)
@options.flag(
    "--quick/--full",
    "quick",
    default=True,
    show_default="quick",
    help="Digits in seconds, or the large data sets in minutes.",
)
@options.output(help="Results' folder.  [default: experiments/NAME-quick or -full]", folder=True)
@options.json_options("Print all figures, settings and versions as JSON.")
@options.data(help="Instead of the experiment's own: digits, mnist, ..., or your folder or file.")
@options.data_dir
@options.workers
@options.threads
@options.quiet
@options.flag("--alt", help="Print the picture's alternative text as well.")
@wide
@drawing.look
def run(name, quick, output, record, data, data_dir, force, quiet, alt, look, **workers):
    """Run the experiment NAME: its table, a picture, and a verdict in one sentence.

    Each trial's result is kept in the folder: what was run before is not run again, and Ctrl-C
    loses only what is running.  Runs on one folder, from several machines too, share the trials.
    """
    if data_dir is not None:
        os.environ["CONVLAB_DATA_DIR"] = data_dir
    from convlab import experiments
    from convlab.data import located
    from convlab.training import executors

    experiment, scale = experiments.find(name), "quick" if quick else "full"
    design = experiment.design(scale, None if data is None else located(data))
    design, left_out = experiment.possible(design)
    folder = output or Path("experiments") / f"{name}-{scale}"
    say([left_out] if left_out else [], err=True)
    begin = time.perf_counter()
    with executors.workers(**workers) as who:
        done = run_trials(name, experiment.trials(design, folder, force), who, quiet)
    result = experiment.measured(scale, design, done)
    say(result.lines())
    written = result.save(folder, command=command_line(), **look)
    if record.wanted:
        record.put({"command": command_line(), **result.to_dict()}, by_key=True)
    text = experiments.trials_text(done, time.perf_counter() - begin)
    say([text, f"wrote {', '.join(map(str, written))}", *([result.description] if alt else [])])


def run_trials(name: str, trials, who, quiet: bool) -> list:
    """All trials in their order, with a bar on stderr; ends a rank that worked for another."""
    from convlab.experiments import stale_text

    if who is None:
        click.get_current_context().exit()
    texts, done = trials.texts(), []
    try:
        with progress.bar(len(texts), label=name, quiet=quiet) as bar:
            bar.update(0, texts[0])
            for one in trials.run(who):
                done.append(one)
                if bar.visible:
                    bar.step(texts[len(done)] if len(done) < len(texts) else "")
                else:
                    bar.line(f"{len(done)}/{len(texts)}  {texts[one.number]}  {one.time}")
    except KeyboardInterrupt:
        kept = sum(trials.path(one).exists() for one in trials.trials)
        text = f"stopped; {kept} of {len(texts)} results are kept in {trials.folder}"
        click.echo(f"{text}, the same command goes on" if kept else "stopped", err=True)
        click.get_current_context().exit(130)
    say(stale_text(done), err=True)
    return sorted(done, key=lambda one: one.number)
