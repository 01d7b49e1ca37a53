"""Generated pages of docs/, as ``python -m convlab_cli.reference commands`` prints them."""

from collections.abc import Iterator
from pathlib import Path

import click
from convlab_cli.command import LOOKS

COMMANDS = """\
# All commands

What each says of itself with `--help`. [Settings](settings.md) says how to give options once in a
file, and how the tab key completes names, options and values. How pictures look is the same for
all commands that make one, and stands at the end.
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
    parts, looks = [COMMANDS], ""
    for typed, text in helps():
        lines = "\n".join(line.rstrip() for line in text.splitlines())
        own, _, look = lines.partition(f"\n\n{LOOKS}:\n")
        looks = look or looks
        parts.append(f"## {typed}\n\n```\n{own}\n```\n")
    return "\n".join([*parts, f"## {LOOKS}\n\n```\n{looks}\n```\n"])


def _page(name: str) -> str:
    """What is made from the library: names, notations, claims, tables of speed, in Markdown."""
    if name == "claims":
        from convlab_gallery.catalog import RESULTS

        from convlab.experiments import report

        return report.claims_page(report.read_results(RESULTS))
    if name in ("speed", "ranks"):
        from convlab.bench.tables import ranks_table, tables

        return (tables if name == "speed" else ranks_table)(Path("docs", "measured"))
    from convlab import documentation

    return documentation.names_page() if name == "names" else documentation.notations_page()


PAGES = ("commands", "names", "notations", "claims", "speed", "ranks")


@click.command()
@click.argument("page", type=click.Choice(PAGES))
def command(page):
    """Print a generated page of docs/, or the tables of those on speed and on ranks."""
    click.echo(commands() if page == "commands" else _page(page), nl=False)


if __name__ == "__main__":
    command()
