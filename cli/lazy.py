"""A group of commands whose modules are imported only when run.

So ``--help`` needs neither Numba nor matplotlib.
"""

import importlib
import re
from collections.abc import Iterable
from contextlib import contextmanager

import click
from convlab_cli.command import Group


class LazyGroup(Group):
    """A group whose commands are given as ``{name: one line of help}``.

    Each is the ``command`` of the module of ``package`` with its name.
    """

    def __init__(self, *arguments, package: str, lazy: dict[str, str], **settings):
        super().__init__(*arguments, **settings)
        self.package, self.lazy = package, lazy

    def list_commands(self, context):
        return list(self.lazy)

    def make_context(self, *arguments, **settings):
        with _in_one_line():
            return super().make_context(*arguments, **settings)

    def invoke(self, context):
        try:
            with _in_one_line():
                return super().invoke(context)
        except KeyboardInterrupt:
            # Click would say "Aborted!" and exit with 1; 130 is what shells know for Ctrl-C.
            click.echo("stopped", err=True)
            context.exit(130)

    def get_command(self, context, name):
        if name not in self.lazy:
            return None
        return importlib.import_module(f"{self.package}.{name.replace('-', '_')}").command

    def format_commands(self, context, formatter):
        with formatter.section("Commands"):
            formatter.write_dl(list(self.lazy.items()))


@contextmanager
def _in_one_line():
    """Raise errors of usage without the two lines that Click prints above them."""
    try:
        yield
    except click.UsageError as error:
        if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
            raise
        text = " ".join(error.format_message().split("\n\t")).replace("integer range.", "integer.")
        raise click.UsageError(text + _meant(error)) from None  # without a context


def _meant(error: click.UsageError) -> str:
    """What an unknown word may have meant, unless Click says it, or the help where one lacks."""
    from convlab.names import nearest

    command = None if error.ctx is None else error.ctx.command
    kind = getattr(getattr(error, "param", None), "type", None)
    known: Iterable[str] = kind.choices if isinstance(kind, click.Choice) else ()
    if not kind and isinstance(command, click.Group):
        known = command.list_commands(click.Context(command))
    if getattr(error, "possibilities", None):
        return ""
    unknown = re.match("(?:No such command )?'(.*?)'", error.message or "")
    if near := nearest(unknown[1], known) if unknown else "":
        return f" Did you mean {near!r}?"
    end = "" if error.format_message().endswith(".") else "."
    lost = re.match(r"Missing |No such |Got unexpected extra ", error.format_message())
    return f"{end} See '{error.ctx.command_path} --help'." if error.ctx and lost else ""
