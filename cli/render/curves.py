"""``convlab render curves``: loss and accuracy by epoch."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
from convlab_cli import options

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _figure(folder: Path, **look: str) -> tuple[Figure, str, str, list[dict]]:
    """The curves of the run in ``folder``: figure, title, description and numbers."""
    from convlab import training, viz

    history = training.history(folder)
    settings = training.load_settings(folder)
    name = f"{Path(settings.model).stem} on {Path(settings.data).name}"
    title = f"Training of {name}"
    figure = viz.curves(
        history,
        title=title,
        subtitle=f"batch size {settings.batch_size}, {settings.optimizer}, {settings.schedule}",
        best_epoch=training.load(folder).best_epoch or None,
        **look,
    )
    return figure, title, f"Loss and accuracy of {name} by epoch.", history


def draw_curves(folder: Path, output: Path) -> None:
    """The picture that ``train`` leaves beside a run."""
    figure, title, description, _ = _figure(folder)
    # The same for a run that was resumed.
    command = shlex.join(["convlab", "render", "curves", str(folder), "-o", str(output)])
    options.save_figure(figure, output, title, description, command=command, quiet=True)


@click.command()
@options.run_argument
@options.picture("curves.png")
def command(run, picture):
    """Loss and accuracy by epoch."""
    from convlab import training

    figure, title, description, history = _figure(run, **picture.look)
    with training.locked_for(picture.path):
        picture.save(
            figure,
            title,
            description,
            parameters={"run": run},
            inputs={},
            weights={},
            result={"history": history},
        )
