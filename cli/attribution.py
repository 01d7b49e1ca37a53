"""RUN, a trained network's folder, and what ``saliency``, ``occlusion``, ``grad-cam`` share."""

from __future__ import annotations

import shlex
from functools import wraps
from pathlib import Path

import click
from convlab_cli import options


def arguments(function):
    """RUN, IMAGE, ``--target`` and ``--no-sanity`` of a command, as one argument ``asked``.

    It has the arguments of the picture's function by name.
    """

    @wraps(function)
    def command(run, image, target, no_sanity, data_dir, **settings):
        require_run(run)
        asked = {
            "run": options.load_run(run),
            "image": image,
            "target": target,
            "sanity": not no_sanity,
            "data_dir": data_dir,
        }
        return function(asked=asked, **settings)

    for option in (
        options.device,
        options.data_dir,
        click.option(
            "--no-sanity",
            is_flag=True,
            help="Leave out the same map with the network's weights drawn at random.",
        ),
        click.option(
            "--target",
            default="predicted",
            show_default=True,
            metavar="CLASS",
            help="The class in question, by name.",
        ),
        click.argument("image", metavar="IMAGE"),
        options.run_argument,
    ):
        command = option(command)
    return command


def runs_only(function):
    """Before a command that takes RUN: say what to do if it is an untrained network."""

    @wraps(function)
    def command(run, **settings):
        require_run(run)
        return function(run=run, **settings)

    return command


def require_run(run: Path) -> None:
    """Raise RunError for the name of a model or a spec in place of a run's folder."""
    from convlab import models
    from convlab.errors import RunError

    source = str(run)
    if not run.exists() and source in models.model_names():
        kind = "a network's name"
    elif run.is_file() and run.suffix == ".toml":
        kind = "a network's spec"
    else:
        return
    raise RunError(
        f"{source}: expected the folder of a run, got {kind}; train it first:"
        f" convlab train --model {shlex.quote(source)}"
    )
