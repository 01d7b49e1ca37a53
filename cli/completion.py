"""What the tab key offers as the value of an option or an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

Offered = Callable[[click.Context], Iterable[str]]


def _begun(offered: Offered, *kinds: str) -> Callable[[click.Context, Any, str], list]:
    """A function for Click: the texts that go on from what was typed, else files or folders.

    ``kinds``: "file" or "dir", which the shell completes itself.
    """

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list:
        try:
            texts = [text for text in offered(context) if text.startswith(typed)]
        except Exception:  # a completion that fails would spoil the line being typed
            texts = []
        # A shell takes one kind of answer: its own files only if there is nothing better.
        others = [CompletionItem(typed, type=kind) for kind in kinds]
        return list(map(CompletionItem, texts)) or others

    return complete


def _names(room: str, name: str, *more: str) -> Offered:
    """The names that a room of convlab knows, imported when they are asked for, and ``more``."""
    return lambda context: [*getattr(import_module(f"convlab.{room}"), name), *more]


def _models(context: click.Context) -> list[str]:
    return import_module("convlab.models").model_names()


def _runs(context: click.Context) -> list[str]:
    return sorted(str(path.parent) for path in Path().glob("runs/*/config.json"))


def _layers(context: click.Context) -> list[str]:
    # Before an option has its value, Click has not given the other words their names yet.
    names = [context.params.get(name) for name in ("run", "network", "start_from", "model")]
    given = next(filter(None, [*names[:2], *context.args, *names[2:]]))
    network, _ = import_module("convlab.pictures.sources").network_of(given, weights=False)
    return [name for name, *_ in network.shapes()]


models, runs, layers = _begun(_models, "file"), _begun(_runs, "dir"), _begun(_layers)
networks = _begun(lambda context: [*_models(context), *_runs(context)], "file")
kernels = _begun(_names("lessons", "KERNELS"), "file")
images = _begun(_names("data", "PHOTOGRAPHS"), "file")
topics = _begun(_names("quiz", "TOPICS", "all"))
data_sets = _begun(_names("data", "NAMES"), "dir")
experiments = _begun(_names("experiments", "NAMES"))
