"""Kinds of values that options and arguments take."""

import math
import os
from pathlib import Path
from typing import Any

import click

STANDARD = Path("-")
"""Standard input or output; never a file's name, which would be ./-."""
NOT_RUN = "convlab.not-run"
"""In a context's meta: the command is only checked, as a gallery does with its catalogue."""
_WRITTEN, _TAKEN = "convlab.written", "convlab.taken"


class Number(click.FloatRange):
    """A finite number within bounds."""

    name = "number"

    def convert(self, value, parameter, context):
        number = super().convert(value, parameter, context)
        if not math.isfinite(number):
            self.fail(f"expected a finite number, got {value}", parameter)
        return number


class Spelled(click.ParamType):
    """What a function of ``convlab.spelling`` reads, with its settings."""

    def __init__(self, name: str, reader: str, **settings: Any):
        self.name, self.reader, self.settings = name, reader, settings

    def convert(self, value, parameter, context):
        if not isinstance(value, str):
            return value
        from convlab import spelling
        from convlab.errors import SpecError

        try:
            return getattr(spelling, self.reader)(value, **self.settings)
        except SpecError as error:
            self.fail(str(error), parameter, context)


class PathText(click.Path):
    """A path that is read, not the empty text, which would be the current folder.

    "-" is standard input where a file is wanted, and refused for the folder of a run.
    """

    def __init__(self, *, folder: bool = False, path_type: Any = Path):
        super().__init__(path_type=path_type)
        self.folder = folder

    def convert(self, value, parameter, context):
        if value == "":
            self.fail("expected a path, got ''", parameter, context)
        if self.folder and str(value) == "-":
            self.fail("expected a folder, got -, which is standard input", parameter, context)
        return super().convert(value, parameter, context)


RUN, FILE = PathText(folder=True), PathText()


class Written(click.Path):
    """A file or folder that a command writes, which a gallery's catalogue may not choose.

    Missing folders are made when it is written; a place where that cannot be is a RunError before
    anything is computed.  ``suffixes``: the endings that a file may have, in any case;
    ``folder``: None where the command decides.  For a file "-" is standard output.
    """

    def __init__(self, *suffixes: str, folder: bool | None = False):
        super().__init__(path_type=Path)
        self.suffixes, self.folder = suffixes, folder

    def convert(self, value, parameter, context):
        if value == "":
            self.fail("expected a path, got ''", parameter, context)
        path: Any = super().convert(value, parameter, context)
        return self.checked(path, parameter, context)

    def checked(self, path: Path, parameter, context) -> Path:
        """The path, if it can be written."""
        if path == STANDARD:
            if self.folder:
                self.fail("expected a folder, got -, which is standard output", parameter, context)
            take_standard_output(context, parameter)
            return path
        if self.suffixes and path.suffix.lower() not in self.suffixes:
            known = listed(self.suffixes)
            self.fail(f"expected a file ending in {known}, got {path.name!r}", parameter, context)
        if not context.meta.get(NOT_RUN) and self.folder is not None:
            from convlab.files import check_place

            check_place(path, self.folder)
            self._check_once(path, parameter, context)
        return path

    def _check_once(self, path: Path, parameter, context) -> None:
        owners = context.meta.setdefault(_WRITTEN, {})
        owner = owners.setdefault(os.path.realpath(path), parameter.name)
        device = path.exists() and not path.is_file()  # writing to it appends
        if owner != parameter.name and not device:
            self.fail(f"expected another file than {path}, which is written already", parameter)


def take_standard_output(context: click.Context, parameter: click.Parameter) -> None:
    """Leave standard output to one option.  Raises UsageError for a second one."""
    name = parameter.opts[0]
    owner = context.meta.setdefault(_TAKEN, name)
    if owner != name:
        raise click.UsageError(f"expected one thing on standard output, got {owner} and {name}")


def standard_output_is_taken() -> bool:
    """Whether the command's result goes there, so that it may say nothing else."""
    context = click.get_current_context(silent=True)
    return context is not None and _TAKEN in context.meta


def listed(words: tuple[str, ...]) -> str:
    """.png, .svg or .pdf"""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
