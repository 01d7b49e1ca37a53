"""``convlab experiment``: the claims of CNN lectures, measured."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click
from convlab_cli import options, progress
from convlab_cli.output import json_bytes, json_text


@click.group()
def command():
    """Measure what lectures claim about convolutional networks.

    An experiment trains several networks with several seeds and gives the result as a table, a
    picture and one sentence, which may contradict the lecture.
    """


@command.command("list")
@options.json_flag("One JSON array on stdout.")
def list_(as_json):
    """The experiments and their claims."""
    from convlab import experiments

    found = [experiments.find(name) for name in experiments.NAMES]
    if as_json:
        click.echo(json_text([one.to_dict() for one in found]))
        return
    for one in found:
        click.echo(one.name)
        click.echo(click.wrap_text(one.claim, 78, initial_indent="  ", subsequent_indent="  "))


@command.command(short_help="An experiment's table, picture and verdict.")
@click.argument("name")
@click.option(
    "--quick/--full",
    "quick",
    default=True,
    show_default="quick",
    help="Digits in seconds, or the large data sets in minutes.",
)
@click.option(
    "--out",
    type=options.Written(path_type=Path),
    help="Folder of the results.  [default: experiments/NAME-quick or -full]",
)
@click.option(
    "--json",
    "json_file",
    type=options.WRITTEN,
    help="Also write all figures, settings and versions into this file.",
)
@options.data_dir
@options.threads
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--alt", is_flag=True, help="Print the picture's alternative text as well.")
@options.together(options.appearance())
def run(name, quick, out, json_file, data_dir, quiet, alt, size, theme):
    """Run the experiment NAME: its table, a picture, and a verdict in one sentence.

    Each trial's result is kept in the folder: what was run before is not run again, and Ctrl-C
    loses only the trial that is running.
    """
    if data_dir is not None:
        os.environ["CONVLAB_DATA_DIR"] = data_dir
    from convlab import experiments
    from convlab.files import write_atomically

    experiment, scale = experiments.find(name), "quick" if quick else "full"
    folder = out or Path("experiments") / f"{name}-{scale}"
    begin = time.perf_counter()
    done = _run(experiment, scale, folder, quiet)
    now = time.perf_counter() - begin
    records, seconds = [one.record for one in done], sum(one.seconds for one in done)
    result = experiment.result(scale, records, seconds)
    for line in result.lines():
        click.echo(line)
    written, typed = [], options.command_line()
    for suffix in result.suffixes:
        written.append(folder / f"{name}{suffix}")
        content = result.content(suffix, theme=theme, size=size, command=typed)
        write_atomically(written[-1], content)
    if json_file is not None:
        numbers = {"command": typed, **result.to_dict()}
        write_atomically(json_file, json_bytes(numbers, indent=1))
        written.append(json_file)
    kept = sum(one.kept for one in done)
    click.echo(
        f"{len(done)} trials, {result.seconds:.1f} s of measuring"
        + (f", {kept} of them kept from before; {now:.1f} s now" if kept else "")
    )
    click.echo(f"wrote {', '.join(map(str, written))}")
    if alt:
        click.echo(result.description)


def _run(experiment, scale: str, folder: Path, quiet: bool) -> list:
    """All trials, with a bar on stderr; Ctrl-C says how to continue."""
    from convlab import experiments

    texts, done = experiment.design(scale).texts(), []
    try:
        with progress.bar(len(texts), label=experiment.name, quiet=quiet) as bar:
            if bar is not None:
                bar.update(0, texts[0])
            for one in experiments.run(experiment, scale, folder):
                done.append(one)
                if bar is not None:
                    bar.update(1, texts[len(done)] if len(done) < len(texts) else "")
                elif not quiet:
                    what = "kept" if one.kept else f"{one.seconds:.1f} s"
                    count = f"{len(done)}/{len(texts)}"
                    click.echo(f"{count}  {texts[len(done) - 1]}  {what}", err=True)
    except KeyboardInterrupt:
        text = f"stopped; {len(done)} of {len(texts)} results are kept in {folder}"
        click.echo(f"{text}, the same command goes on" if done else "stopped", err=True)
        click.get_current_context().exit(130)
    return done
