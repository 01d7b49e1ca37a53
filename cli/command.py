"""What every command has: settings from a file and the environment, and old names of options."""

import difflib
import os
import stat
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import click
from convlab_cli.values import Written

OLD = {"--out": "--output", "--plot": "--output", "--figures": "--output"}
"""Names of options before they were all of one kind; they go with the next release."""
LOOKS = "How pictures look"
LOOK = {"size", "theme", "title", "no_title", "no_caption", "font", "language", "style_file", "dpi"}
"""The heading of a picture's options in a command's help, and their names."""
MOST_BYTES = 250_000  # of a file of settings
_FILE, _WHERE = "convlab.config", "convlab.where"


def store_config(context: click.Context, parameter: click.Parameter, path: str | None) -> None:
    """Of the group: keep the name of the file for the command that follows."""
    context.meta[_FILE] = path


def _apply(context: click.Context, parameter: click.Parameter, path: str | None) -> None:
    """Of a command: take the user's settings as the defaults of its options."""
    if context.parent is None or context.resilient_parsing:
        return
    # A gallery gives a map of its own, since its pictures follow from the catalogue alone.
    if context.find_root().default_map is None:
        file = path or context.meta.get(_FILE) or os.environ.get("CONVLAB_CONFIG")
        found = {**(_from_file(file, context) if file else {}), **_from_environment(context)}
        context.default_map = {name: value for name, (value, _) in found.items()}
        context.meta[_WHERE] = {name: where for name, (_, where) in found.items()}


config_option = partial(click.Option, ["--config"], is_eager=True, expose_value=False)


class Command(click.Command):
    """A command whose options also come from --config and CONVLAB_COMMAND_OPTION."""

    def get_params(self, context):
        # First, since --threads has to be known before anything else is imported.
        return [config_option(hidden=True, callback=_apply), *super().get_params(context)]

    def parse_args(self, context, args):
        words = list(renewed(self, args))
        try:
            rest = super().parse_args(context, list(words))
        except click.BadParameter as error:
            typed, _, _ = self.make_parser(context).parse_args(words)
            name = "" if error.param is None else error.param.name
            if name not in typed:
                error.param_hint = context.meta.get(_WHERE, {}).get(name, error.param_hint)
            raise
        self._check_standard_input(context)
        return rest

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """What the command does and, where it makes a picture, how that looks."""
        rows: dict[str, list[tuple[str, str]]] = {"Options": [], LOOKS: []}
        for option in self.get_params(context):
            if (row := option.get_help_record(context)) is not None:
                rows[LOOKS if option.name in LOOK else "Options"].append(row)
        for heading, listed in rows.items():
            if listed:
                with formatter.section(heading):
                    formatter.write_dl(listed)

    def _check_standard_input(self, context: click.Context) -> None:
        asked = []
        for parameter in self.params:
            value = context.params.get(parameter.name or "")
            values = value if isinstance(value, tuple) else (value,)
            if not isinstance(parameter.type, Written):
                asked += [parameter.human_readable_name for one in values if str(one) == "-"]
        if len(asked) > 1:
            both = " and ".join(asked)
            raise click.UsageError(
                f"expected standard input, which ends, once, got - as {both}", context
            )


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


# --- old names ----------------------------------------------------------------------------


def renewed(command: click.Command, words: list[str]) -> Iterator[str]:
    """The words of a command with the new names of options; a note says which."""
    known = {name for option in command.params for name in option.opts}
    end = words.index("--") if "--" in words else len(words)
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        new = OLD.get(name)
        if name == "--json" and at < end:  # which took a file
            file = value if equals else " ".join(words[at + 1 : at + 2])
            new = "--json-file" if file.lower().endswith(".json") else None
        if at < end and new in known:
            click.echo(f"note: {name} is now {new}", err=True)
            word = f"{new}{equals}{value}"
        yield word


# --- settings of the user -----------------------------------------------------------------

Found = dict[str, tuple[Any, str]]
"""By a parameter's name: a value as Click takes it, and where it stands."""


def _options(command: click.Command) -> dict[str, click.Option]:
    """The options of a command, or of all inside a group, by their names without dashes."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        inner = [command.get_command(context, name) for name in command.list_commands(context)]
        return {name: one for each in inner if each for name, one in _options(each).items()}
    options = [option for option in command.params if isinstance(option, click.Option)]
    return {name.lstrip("-"): option for option in options for name in option.opts}


def _from_environment(context: click.Context) -> Found:
    found: Found = {}
    words = context.command_path.split()
    for end in range(1, len(words) + 1):
        for name, option in _options(context.command).items():
            variable = "_".join((*words[:end], name)).upper().replace("-", "_")
            text = os.environ.get(variable)
            # The library itself reads where data sets are, and names the variable in its errors.
            if text and len(name) > 1 and option.name and variable != "CONVLAB_DATA_DIR":
                found[option.name] = (text.split() if option.multiple else text, variable)
    return found


def _from_file(path: str, context: click.Context) -> Found:
    table, command = _read(path), context.find_root().command
    _check(command, table, path)
    found: Found = {}
    own = _options(context.command)
    for word in (None, *context.command_path.split()[1:]):
        table = table if word is None else table.get(word, {})
        for key, value in table.items():
            option = own.get(key.replace("_", "-"))
            if option is not None and option.name and not isinstance(value, dict):
                where = f"{path}: {key}"
                found[option.name] = (_as_typed(value, option, where), where)
    return found


def _check(command: click.Command, table: dict[str, Any], where: str) -> None:
    """Raise UsageError for a table that is no command, and a key that is no option."""
    options = _options(command)
    for key, value in table.items():
        if isinstance(value, dict):
            inner = None
            if isinstance(command, click.Group):
                inner = command.get_command(click.Context(command), key)
            if inner is None:
                raise click.UsageError(f"{where}: expected the name of a command, got [{key}]")
            _check(inner, value, f"{where}: [{key}]")
        elif key.replace("_", "-") not in options:
            close = difflib.get_close_matches(key, options, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise click.UsageError(f"{where}: expected the name of an option, got {key!r}{hint}")


def _as_typed(value: Any, option: click.Option, where: str) -> Any:
    """A value of TOML as Click takes it; what is right for its option, the option says itself."""
    values = value if isinstance(value, list) and option.multiple else [value]
    right = bool if option.is_flag else (str, int, float)
    for one in values:
        if not isinstance(one, right) or isinstance(one, bool) != option.is_flag:
            wanted = "true or false" if option.is_flag else "a text or a number"
            raise click.UsageError(f"{where}: expected {wanted}, got {one!r}")
    typed = values if option.is_flag else list(map(str, values))
    return typed if option.multiple else typed[0]


def _read(path: str) -> dict[str, Any]:
    """A file of TOML, or standard input.  Not by ``convlab``, which is loaded after --threads."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        if path == "-":
            content = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise ValueError("expected a file of settings")
            with open(path, "rb") as file:
                content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ValueError(f"expected at most {MOST_BYTES:,} bytes, got more")
        return tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        reason = error.strerror or str(error)
    except RecursionError:
        reason = "expected settings in tables, got deeper ones"
    except UnicodeDecodeError:
        reason = "not UTF-8 text"
    except ValueError as error:
        reason = str(error)
    raise click.ClickException(f"{path}: cannot be read as settings: {reason}")
