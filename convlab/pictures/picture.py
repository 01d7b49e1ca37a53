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
from convlab.terminal import Line
from convlab.viz import animation_bytes, figure_bytes, pages_bytes

STILL = (".png", ".svg", ".pdf")
MOVING = (".gif", ".webp")


def said(facts: Mapping[str, str]) -> str:
    """Facts, by their labels, as a part of an alternative text."""
    return "; ".join(f"{label}: {text}" for label, text in facts.items())


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """A finished picture, which a notebook displays automatically.

    ``title``; ``alt``: what it shows, in words; ``parameters``, ``inputs``, ``weights`` and
    ``result``: arrays, numbers and texts by name: the settings, what went in, what was learned or
    given as weights, and what the engine computed from them.  ``draw(theme=..., size=...)`` makes
    the figure, ``frames`` those of an animation, ``pages`` those of a .pdf with several; ``facts``:
    what it says in words, by labels; ``lines()``: what a command prints about it.
    """

    title: str
    alt: str
    draw: Callable[..., Figure]
    frames: Callable[..., Iterable[Figure]] | None = None
    pages: Callable[..., Iterable[Figure]] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    lines: Callable[[], Iterable[Line]] = tuple

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
        size: str | None = None,
        command: str | None = None,
    ) -> bytes:
        """The bytes of a file: .png, .svg or .pdf, and .gif or .webp for an animation.

        ``theme`` is light, dark or transparent; ``size`` is slide, small, animation, paper or
        paper-wide, by default slide, or animation for an animation; ``command``: the command that
        reproduces it, for the file's metadata.  Raises SpecError for others.
        """
        if suffix in MOVING and self.frames is not None:
            frames = self.frames(theme=theme, size=size or "animation")
            return animation_bytes(frames, suffix, description=self.alt, command=command)
        if suffix not in STILL:
            known = STILL if self.frames is None else (*STILL, *MOVING)
            listed = f"{', '.join(known[:-1])} or {known[-1]}"
            raise SpecError(f"picture: expected a file ending in {listed}, got {suffix!r}")
        look = {"theme": theme, "size": size or "slide"}
        words: dict[str, Any] = {"title": self.title, "description": self.alt, "command": command}
        if suffix == ".pdf" and self.pages is not None:
            return pages_bytes(self.pages(**look), **words)
        return figure_bytes(self.draw(**look), suffix, **words)

    @checked
    def save(self, path: str | Path, *, theme: str = "light", size: str | None = None) -> None:
        """Write the picture to a file; its ending, ``theme`` and ``size`` as in ``content``."""
        path = Path(path)
        write_atomically(path, self.content(path.suffix, theme=theme, size=size))

    def __repr__(self) -> str:
        return f"Picture({self.alt})"

    def _repr_png_(self) -> bytes:
        return self.content(".png", size="animation")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """For a notebook: an animation is a GIF."""
        if self.frames is None:
            return {"image/png": self._repr_png_(), "text/plain": repr(self)}
        return {"image/gif": self.content(".gif"), "text/plain": repr(self)}
