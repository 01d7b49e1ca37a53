"""Commands that make a picture: their options, and how it is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from convlab_cli import options
from convlab_cli.output import command_line, write
from convlab_cli.terminal import say
from convlab_cli.values import FILE, STANDARD, Spelled, listed, standard_output_is_taken

if TYPE_CHECKING:
    from convlab import pictures

STILL = (".png", ".jpg", ".webp", ".svg", ".pdf", ".tex")
MOVING = (*STILL, ".gif")
FILMS = (".mp4", ".webm")
_STYLE = [
    options.choice("--theme", "light", "dark", "transparent", help="The ground below it."),
    options.valued("--title", help="Instead of the picture's own."),
    options.flag("--no-title", help="Without its title."),
    options.flag("--no-caption", help="Without the words below the title and at the foot."),
    options.valued("--font", help="The name of an installed font, tried first."),
    options.choice("--language", "en", "de", "fr", "es", "zh", help="Of all words on the picture."),
    options.valued("--style", "style_file", type=FILE, help="A TOML file of roles' colours."),
    options.whole("--dpi", least=20, most=2400, help="Of a --size in millimetres.  [default: 300]"),
]
BUILD = "Part by part: pages of a .pdf, frames of a .gif or .webp, else numbered files."
_USUAL = {"font": None, "language": "en", "style": None, "title": None, "caption": True}


def appearance(default: str | None = "slide") -> list:
    """How the picture of a command looks: its size, theme, words and the like."""
    size = options.valued(
        "--size",
        type=Spelled("NAME|WxH|WmmxHmm", "canvas"),
        default=default,
        show_default="slide; of what moves animation, of films 1920x1080",
        help="slide (1600x900), small (500 wide), animation (800x450), paper or paper-wide (85 or"
        " 170 mm wide); or 1920x1080 in pixels, 85mmx60mm.",
    )
    return [size, *_STYLE]


def dressed(function):
    """A function whose pictures look as these options say; its ``size`` is ready to draw with."""

    @wraps(function)
    def command(*args, size, theme, dpi, title, no_title, no_caption, style_file, **settings):
        if title is not None and no_title:
            raise click.UsageError("expected --title or --no-title, got both")
        style = {"title": "" if no_title else title, "caption": not no_caption, "style": style_file}
        style |= {name: settings.pop(name) for name in ("font", "language")}
        if style != _USUAL or dpi is not None or (size or "")[:1].isdigit():
            from convlab.pictures._look import sized, styled

            with styled(theme, style):
                return function(*args, size=size and sized(size, dpi), theme=theme, **settings)
        return function(*args, size=size, theme=theme, **settings)

    return command


def look(function):
    """How pictures look; a command gets ``size`` and ``theme`` as one argument ``look``."""

    @wraps(function)
    def command(*, size, theme, **settings):
        return function(look={"size": size, "theme": theme}, **settings)

    return options.together(appearance())(dressed(command))


@dataclass(frozen=True)
class Picture:
    """Where a command's picture goes and how it looks, according to its options."""

    path: Path | None
    theme: str
    size: str | None
    record: options.Record
    alt: bool
    moves: bool = False
    build: bool = False

    @property
    def wanted(self) -> bool:
        """Whether there is anything to write."""
        return self.path is not None or self.record.wanted

    @property
    def suffix(self) -> str:
        """The kind of file; on standard output .png."""
        return "" if self.path is None else self.path.suffix.lower() or STILL[0]

    @property
    def moving(self) -> bool:
        """Whether the picture is to be an animation or a film, and not one that is built up."""
        return self.moves and not self.build and self.suffix in (".gif", ".webp", *FILMS)

    def or_else(self, name: str) -> Picture:
        """This, written to a file of this name unless there is another one."""
        return dataclasses.replace(self, path=self.path or Path(name))

    def finish(self, made: pictures.Picture, before: Callable[[], None] | None = None) -> None:
        """Write a picture and its numbers, and say so.

        ``before`` prints and writes what comes first, once the picture is drawn.
        """
        files: list[bytes] = []
        if self.path is not None:
            look: Any = {"theme": self.theme, "size": self.size, "command": command_line()}
            if self.build:
                files = made.build(self.suffix, **look)
            else:
                files = [made.content(self.suffix, **look)]
        if before is not None:
            before()
        self.write(files, made.title, made.alt, **made.numbers)

    def _paths(self, count: int) -> list[Path]:
        """The file, or several with their numbers, which sort as they follow each other."""
        if self.path is None or count < 2:
            return [self.path] if self.path else []
        digits = len(str(count))
        return [
            self.path.with_stem(f"{self.path.stem}-{number:0{digits}}")
            for number in range(1, count + 1)
        ]

    def write(
        self, files: list[bytes], title: str, description: str, **numbers: dict[str, Any]
    ) -> None:
        """Write the bytes of a picture, several as numbered files, and its numbers, and say so.

        ``numbers``: arrays, numbers and texts, in four dicts like those of ``pictures.Picture``.
        """
        if len(files) > 1 and self.path == STANDARD:
            raise click.UsageError(f"expected -o FILE for {len(files)} files, got -")
        # Anything that can go wrong does so before the first file is written.
        if self.record.wanted:
            from convlab.json_files import picture_record

            record = picture_record(title, description, numbers, command_line())
            self.record.put(record, by_key=True)
        for path, content in zip(self._paths(len(files)), files, strict=True):
            write(path, content)
            if not self.alt:
                say([f"wrote {path}"])
        self.record.close(quiet=self.path is not None or self.alt)
        if self.alt:
            click.echo(description, err=standard_output_is_taken())


def picture(default: str | None, suffixes: tuple[str, ...] = STILL, parts: bool = False):
    """``-o``, ``--theme``, ``--size``, ``--json`` and ``--alt`` of a command that makes a picture.

    The command gets them as ``picture``; without a ``default`` there is one only with -o.
    ``parts``: it has parts, of which --build adds one at a time.
    """

    def decorate(function):
        @dressed
        @wraps(function)
        def command(*arguments, output, theme, size, record, alt, build=False, **settings):
            shown = Picture(output, theme, size, record, alt, ".gif" in suffixes, build)
            return function(*arguments, picture=shown, **settings)

        shared = [
            options.output(
                *suffixes, default=default, help=f"Picture to write: {listed(suffixes)}."
            ),
            *appearance(None if {".gif", *FILMS} & {*suffixes} else "slide"),
            options.json_options(
                "Print all numbers of the picture, as JSON, with the command that makes it."
            ),
            options.flag("--alt", help="Print the picture's alternative text: what it shows."),
        ]
        if parts:
            shared.append(options.flag("--build", help=BUILD))
        return options.together(shared)(command)

    return decorate


def draws(default: str, suffixes: tuple[str, ...] = STILL, parts: bool = False):
    """``picture`` for a command that does nothing else: its function returns what is written.

    Its first argument is ``convlab.pictures``, which is not imported before.
    """

    def decorate(function):
        @picture(default, suffixes, parts)
        @wraps(function)
        def command(*, picture, **settings):
            from convlab import pictures

            picture.finish(function(pictures, **settings))

        return command

    return decorate
