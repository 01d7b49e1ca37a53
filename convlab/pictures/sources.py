"""What pictures are made of: a run, a network or an image, by what a user calls it."""

from __future__ import annotations

import os
from pathlib import Path

from convlab import models, training
from convlab.errors import SpecError
from convlab.training import Image, ImageLike, Run

RunLike = Run | str | os.PathLike
"""A run, or its folder."""
NetworkLike = models.Network | RunLike
"""A network, a model's name, a .toml file, a run or its folder."""
INVERTED = "dark on light, as drawings are: inverted to light on dark"


def run_of(run: RunLike, device: str = "cpu") -> Run:
    """A run, its network on ``device``.  Raises RunError for a folder that is none."""
    run = run if isinstance(run, Run) else training.load(Path(run))
    run.network.to(device)
    return run


def network_of(
    source: NetworkLike, *, weights: bool = True, device: str = "cpu"
) -> tuple[models.Network, Run | None]:
    """A network, and the run that has trained it, if one has.

    ``weights=False`` leaves those of an untrained one zero: enough for its geometry.
    Raises SpecError for anything else than a ``NetworkLike``.
    """
    if isinstance(source, models.Network):
        return source.to(device), None
    if isinstance(source, Run) or Path(source).is_dir():
        run = run_of(source, device)
        return run.network, run
    name = str(source)
    if name in models.model_names() or name.endswith(".toml"):
        return models.build(name, weights=weights).to(device), None
    raise SpecError(
        f"expected the folder of a run, one of {', '.join(models.model_names())}, or a .toml"
        f" file, got {source}"
    )


def image_of(run: Run, image: ImageLike, data_dir: str | os.PathLike | None = None) -> Image:
    """An image as the run's data are, see ``Run.image``."""
    return run.image(image, data_dir)


def title_of(run: Run) -> str:
    """A run in a picture's subtitle."""
    return run.name
