"""The command line for ``gallery``: what the commands of a catalogue mean, and how to run them."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import click
from convlab_cli.command import renewed
from convlab_cli.main import convlab
from convlab_cli.values import NOT_RUN, Written
from convlab_gallery.catalog import CommandLine, Parsed

from convlab.errors import RunError, SpecError


def parse(command: str) -> Parsed:
    """A command as parsed by Click, without running it.  Raises SpecError if it is not one."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise SpecError(
            f"expected a command as a shell takes it, got {command!r}: {error}"
        ) from None
    if words[:1] != ["convlab"]:
        raise SpecError(f"expected a command that begins with convlab, got {command!r}")
    # A default map of its own: the pictures follow from the catalogue, not from settings of a user.
    context = click.Context(convlab, info_name="convlab", default_map={})
    context.meta[NOT_RUN], called, rest = True, convlab, words[1:]
    try:
        while isinstance(called, click.Group):
            if not rest:
                raise click.UsageError("there is no command after the group's name")
            name, called, rest = called.resolve_command(context, rest)
            if isinstance(called, click.Group):
                context = click.Context(called, info_name=name, parent=context)
        rest = list(renewed(called, rest))
        _, _, given = called.make_parser(click.Context(called)).parse_args(list(rest))
        context = called.make_context(name, rest, parent=context)
    except click.exceptions.Exit:
        raise SpecError(f"expected a command that makes a picture, got {command!r}") from None
    except click.ClickException as error:
        raise SpecError(f"{command!r} is no command of convlab: {_line(error)}") from None
    writes = tuple(p.opts[0] for p in given if isinstance(p.type, Written) or p.name == "as_json")
    return Parsed(context.command_path, context.params, writes)


def run(words: Sequence[str]) -> None:
    """Run a command in this process.  Raises RunError for misuse and a status other than 0."""
    try:
        status = convlab.main(list(words[1:]), "convlab", standalone_mode=False, default_map={})
    except click.ClickException as error:
        raise RunError(_line(error)) from None
    if status:
        raise RunError(f"the command ended with exit status {status}")


def _line(error: click.ClickException) -> str:
    return " ".join(error.format_message().split())


SOURCES = tuple(Path(__file__).parent.rglob("*.py"))
COMMANDS = CommandLine(parse, run, SOURCES, (Path(__file__).with_name("train.py"),))
