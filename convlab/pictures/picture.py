"""``Picture``: a figure, its title and description, and every number in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from convlab.checks import checked
from convlab.errors import SpecError
from convlab.files import write_atomically
from convlab.pictures._look import Style, sized, styled
from convlab.terminal import Block, Line
from convlab.viz import (
    FILM,
    FILMS,
    MOVING,
    STILL,
    Film,
    animation_bytes,
    figure_bytes,
    film_bytes,
    pages_bytes,
)
from convlab.viz.legible import drawn_for
from convlab.viz.page import Unpack
from convlab.viz.style import Size, built
from convlab.words import shown

PAGE = ".html"


def said(facts: Mapping[str, str]) -> str:
    """Facts, by their labels, as a part of an alternative text."""
    return "; ".join(f"{label}: {text}" for label, text in facts.items())


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """A finished picture, which a notebook displays automatically.

    ``title``; ``alt``: what it shows, in words; ``parameters``, ``inputs``, ``weights`` and
    ``result``: arrays, numbers and texts by name: the settings, what went in, what was learned or
    given as weights, and what the engine computed from them.  ``draw(theme=..., size=...)`` makes
    the figure, ``frames`` those of an animation, ``pages`` those of a .pdf with several,
    ``film(seconds=..., fps=...)`` a film, ``page()`` a page to play with; ``facts``: what it says
    in words, by labels; ``lines()``: what a command prints about it.
    """

    title: str
    alt: str
    draw: Callable[..., Figure]
    frames: Callable[..., Iterable[Figure]] | None = None
    pages: Callable[..., Iterable[Figure]] | None = None
    film: Callable[..., Film] | None = None
    page: Callable[[], str] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    lines: Callable[[], Iterable[Line | Block]] = tuple

    @cached_property
    def figure(self) -> Figure:
        """The figure, in the light theme and slide size."""
        return self.draw(theme="light", size="slide")

    @property
    def numbers(self) -> dict[str, dict[str, Any]]:
        """All numbers: ``parameters``, ``inputs``, ``weights`` and ``result``."""
        names = "parameters", "inputs", "weights", "result"
        return {name: getattr(self, name) for name in names}

    @checked
    def content(
        self,
        suffix: str,
        *,
        theme: str = "light",
        size: str | Size | None = None,
        command: str | None = None,
        **style: Unpack[Style],
    ) -> bytes:
        """The bytes of a file: .png, .jpg, .webp, .svg, .pdf or .tex (TikZ), .gif or .webp if it
        moves, .mp4 or .webm of a film, and .html of a page to play with.

        ``theme`` is light, dark or transparent; ``size`` is slide, small, animation, paper or
        paper-wide, by default slide, or animation for an animation and 1920x1080 for a film, or a
        size of one's own such as 1920x1080 (pixels) or 85mmx60mm; ``command``: the command that
        reproduces it, for the file's metadata; ``style``: what else is to be other than usual.
        Raises SpecError, also for a film without the package that writes it.
        """
        suffix, moves = suffix.lower(), self.frames is not None
        known = (*STILL, *MOVING[: int(moves)], *(FILMS if self.film is not None else ()))
        known += (PAGE,) if self.page is not None else ()
        if suffix not in known:
            listed = f"{', '.join(known[:-1])} or {known[-1]}"
            raise SpecError(f"picture: expected a file ending in {listed}, got {suffix!r}")
        if suffix == PAGE and self.page is not None:
            return self.page().encode()
        moves = moves and suffix in MOVING
        extent = sized(size or ("animation" if moves else "slide"), style.get("dpi"))
        look: dict[str, Any] = {"theme": theme, "size": extent}
        with styled(theme, style) as wished:
            title = wished.title or shown(self.title, wished.language)
            words: dict[str, Any] = {"description": self.alt, "command": command}
            if suffix in FILMS and self.film is not None:
                film = self.film(theme=theme, size=extent if size else FILM)
                return film_bytes(film, suffix, title=title, **words)
            if moves and self.frames is not None:
                frames = self.frames
                if not isinstance(extent, str):
                    drawn_for(extent, lambda size: next(iter(frames(theme=theme, size=size))))
                return animation_bytes(frames(**look), suffix, **words)
            if suffix == ".pdf" and self.pages is not None:
                return pages_bytes(self.pages(**look), title=title, **words)
            figure = drawn_for(extent, lambda size: self.draw(theme=theme, size=size))
            return figure_bytes(figure, suffix, title=title, **words)

    @checked
    def build(
        self,
        suffix: str,
        *,
        theme: str = "light",
        size: str | Size | None = None,
        command: str | None = None,
        **style: Unpack[Style],
    ) -> list[bytes]:
        """The picture part by part, in one layout: files like ``content``, each with one more.

        A .pdf, .gif or .webp is one file, with a page or a frame for each.  Raises SpecError for a
        picture that is one whole.
        """
        suffix = suffix.lower()
        if suffix not in (*STILL, *MOVING):
            known = *STILL, *MOVING[:1]
            listed = f"{', '.join(known[:-1])} or {known[-1]}"
            raise SpecError(f"build: expected a file ending in {listed}, got {suffix!r}")
        extent = sized(size or ("animation" if suffix in MOVING else "slide"), style.get("dpi"))
        with styled(theme, style) as wished:
            figure = drawn_for(extent, lambda size: self.draw(theme=theme, size=size))
            words: dict[str, Any] = {"description": self.alt, "command": command}
            stages = built(figure)
            if suffix in MOVING:
                return [animation_bytes(stages, suffix, **words)]
            words["title"] = wished.title or shown(self.title, wished.language)
            if suffix == ".pdf":
                return [pages_bytes(stages, **words)]
            return [figure_bytes(stage, suffix, **words) for stage in stages]

    @checked
    def save(
        self,
        path: str | Path,
        *,
        theme: str = "light",
        size: str | Size | None = None,
        **style: Unpack[Style],
    ) -> None:
        """Write the picture to a file; its ending, ``theme``, ``size`` and ``style`` as in
        ``content``."""
        path = Path(path)
        write_atomically(path, self.content(path.suffix, theme=theme, size=size, **style))

    def __repr__(self) -> str:
        return f"Picture({self.alt})"

    def _repr_png_(self) -> bytes:
        return self.content(".png", size="animation")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """For a notebook: an animation is a GIF."""
        if self.frames is None:
            return {"image/png": self._repr_png_(), "text/plain": repr(self)}
        return {"image/gif": self.content(".gif"), "text/plain": repr(self)}
