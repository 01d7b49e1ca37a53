"""Generated pages of docs/: ``python -m convlab_cli.reference commands`` or ``names``."""

from __future__ import annotations

from collections.abc import Iterator

import click

COMMANDS = """\
# All commands

What each says of itself with `--help`. In bash, `eval "$(_CONVLAB_COMPLETE=bash_source convlab)"`
completes names and options with the tab key; in zsh and fish, `zsh_source` and `fish_source` do.
"""


def helps() -> Iterator[tuple[str, str]]:
    """(what a user types, its help) for ``convlab`` and all commands inside it."""
    from convlab_cli.main import convlab

    settings = convlab.context_settings
    yield from _inside(
        convlab, click.Context(convlab, info_name="convlab", terminal_width=90, **settings)
    )


def _inside(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """(what a user types, its help) for a command and all inside it."""
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                yield from _inside(inner, click.Context(inner, context, name, terminal_width=90))


def commands() -> str:
    """All commands with their help, in Markdown."""
    parts = [COMMANDS]
    for typed, text in helps():
        lines = "\n".join(line.rstrip() for line in text.splitlines())
        parts.append(f"## {typed}\n\n```\n{lines}\n```\n")
    return "\n".join(parts)


@click.command()
@click.argument("page", type=click.Choice(["commands", "names"]))
def command(page):
    """Print a generated page of docs/: all commands, or all names in Python."""
    from convlab.documentation import names_page

    click.echo(commands() if page == "commands" else names_page(), nl=False)


if __name__ == "__main__":
    command()
