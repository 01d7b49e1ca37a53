"""A group of commands whose modules are imported only when run.

So ``--help`` needs neither Numba nor matplotlib.
"""

from __future__ import annotations

import importlib

import click


class LazyGroup(click.Group):
    """A group whose commands are given as ``{name: one line of help}``.

    Each is the ``command`` of the module of ``package`` with its name.
    """

    def __init__(self, *arguments, package: str, lazy: dict[str, str], **settings):
        super().__init__(*arguments, **settings)
        self.package, self.lazy = package, lazy

    def list_commands(self, context):
        return list(self.lazy)

    def invoke(self, context):
        try:
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
