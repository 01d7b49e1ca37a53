"""What ``render saliency``, ``render occlusion`` and ``render grad-cam`` share."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from convlab_cli import options

if TYPE_CHECKING:
    import numpy as np

    from convlab.models import Network
    from convlab.training import Run


def arguments(function):
    """RUN, IMAGE, ``--target`` and ``--no-sanity`` of a command, as one argument ``subject``."""

    @wraps(function)
    def command(run, image, target, no_sanity, data_dir, **settings):
        require_run(run)
        return function(subject=_subject(run, image, target, data_dir, no_sanity), **settings)

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
            help="The class that is asked about, by its name.",
        ),
        click.argument("image", metavar="IMAGE"),
        options.run_argument,
    ):
        command = option(command)
    return command


def runs_only(function):
    """Before a command that takes RUN: say what to do where it is a network without training."""

    @wraps(function)
    def command(run, **settings):
        require_run(run)
        return function(run=run, **settings)

    return command


def require_run(run: Path) -> None:
    """Raise RunError for the name of a model or a spec in the place of a run's folder."""
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


@dataclass(frozen=True, eq=False)
class Subject:
    """A network, an image and a class that are asked about.

    pixels: (C, H, W) uint8 as they stand in the network's input; x: the same as floats.
    true: the image's own class, None where it is not known.
    ``untrained``: the network with weights drawn with ``seed``; None without a sanity check.
    """

    run: Run
    source: str
    inverted: bool
    pixels: np.ndarray
    x: np.ndarray
    target: int
    true: int | None
    untrained: Network | None
    seed: int

    @property
    def name(self) -> str:
        """The target class."""
        return self.run.classes[self.target]

    @property
    def true_name(self) -> str | None:
        """The image's own class, None where it is not known."""
        return None if self.true is None else self.run.classes[self.true]

    @property
    def image_name(self) -> str:
        """The image, for titles."""
        return Path(self.source).name

    @property
    def score(self) -> str:
        """What stands for the class in front of the softmax."""
        if self.run.network.loss == "lecun-map":
            return f"minus the penalty of {self.name}"
        return f"the logit of {self.name}"

    @property
    def ends(self) -> tuple[str, str]:
        """What the lower and the upper end of a signed scale say."""
        return f"against {self.name}", f"for {self.name}"

    @property
    def subtitle(self) -> str:
        """Run and image, for every picture's second line."""
        return options.title_of(self.run) + ("; image inverted" if self.inverted else "")

    def save(
        self,
        picture: options.Picture,
        explain: Callable[[Network], tuple[np.ndarray, dict[str, Any]]],
        *,
        title: str,
        what: str,
        parameters: dict[str, Any],
        facts: Callable[[dict[str, Any]], list[tuple[str, str]]] = lambda result: [],
        **look: Any,
    ) -> None:
        """Draw and write the map of the trained network, beside that of random weights.

        ``explain`` gives a network's map (H, W) and all that is to be kept of it;
        ``what`` says what the map shows; ``facts`` are made of what was kept.
        """
        from convlab import insight, viz
        from convlab.viz.style import number

        networks = {"trained": self.run.network}
        if self.untrained is not None:
            networks["random weights"] = self.untrained
        known = "" if self.true is None else f"true class {self.true_name}"
        result, notes = {}, [(known, False)]
        for name, network in networks.items():
            map_, kept = explain(network)
            chances = insight.probabilities(network, self.x[None])[0]
            answer = int(chances.argmax())
            result[name] = {
                "map": map_,
                "answer": self.run.classes[answer],
                "probability of the answer": float(chances[answer]),
                "probability": float(chances[self.target]),
                **kept,
            }
            # What is wrong without training is no mistake.
            wrong = network is self.run.network and self.true not in (None, answer)
            text = f"answer {self.run.classes[answer]} ({chances[answer]:.3f})"
            notes.append((f"{text}, wrong" if wrong else text, wrong))
        maps = [(name, kept["map"]) for name, kept in result.items()]
        chances = f"{result['trained']['probability']:.3f} for {self.name}"
        if self.untrained is not None:
            chances += f", with random weights {result['random weights']['probability']:.3f}"
        lines = [("map", what), ("probability", chances)]
        lines += facts(result["trained"])
        if self.untrained is not None:
            likeness, text = _likeness(*(map_ for _, map_ in maps))
            result["likeness"] = likeness
            lines.append(("likeness", text))
        subtitle = self.subtitle
        figure = viz.attribution(
            self.pixels,
            maps,
            title=title,
            subtitle=subtitle,
            notes=notes,
            facts=lines,
            **look,
            **picture.look,
        )
        said = [text for text, _ in notes[:2] if text]
        first = float(maps[0][1].flat[0])
        if (maps[0][1] == first).all():
            said.append(f"{number(first)} everywhere")
        said += [f"{label}: {text}" for label, text in lines]
        weights = {"trained": self.run.network.state_dict()}
        if self.untrained is not None:
            weights["random weights"] = self.untrained.state_dict()
        picture.save(
            figure,
            title,
            f"{title}; {'; '.join([subtitle, *said])}.",
            parameters={
                "run": self.run.folder,
                "image": self.source,
                "inverted": self.inverted,
                "target": self.name,
                "true class": self.true_name,
                "seed of the random weights": self.seed if self.untrained is not None else None,
                **parameters,
            },
            inputs={"image": self.pixels, "network input": self.x},
            weights=weights,
            result=result,
        )


def _likeness(trained: np.ndarray, untrained: np.ndarray) -> tuple[dict[str, float | None], str]:
    """How alike two maps are, as numbers and in words.

    Where the image is black some methods give 0 for every network; so also without
    the pixels that are 0 in both.
    """
    import numpy as np

    from convlab import insight

    known = (trained != 0) | (untrained != 0)
    parts = {"rank correlation": insight.similarity(trained, untrained)}
    if not known.all():
        parts["where not both are 0"] = insight.similarity(trained[known], untrained[known])
    numbers = {name: None if value != value else value for name, value in parts.items()}
    if numbers["rank correlation"] is None:
        both = (np.ptp(trained), np.ptp(untrained)) == (0, 0)
        which = "both maps are" if both else "one of the maps is"
        return numbers, f"none: {which} the same everywhere"
    texts = ["not defined" if value is None else _two_digits(value) for value in numbers.values()]
    text = f"{texts[-1]}, the rank correlation of their magnitudes"
    if len(texts) > 1:
        text += f" ({texts[0]} with the pixels that are 0 in both)"
    return numbers, f"{text}; near 1 the map shows nothing that was learned"


def _two_digits(value: float) -> str:
    from convlab.numerals import MINUS

    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", MINUS)


def _subject(run: Path, image: str, target: str, data_dir: str | None, plain: bool) -> Subject:
    import numpy as np

    from convlab import data, insight, training
    from convlab.errors import SpecError
    from convlab.names import listed, one_line

    run = options.load_run(run)
    target = one_line(target)
    if target != "predicted" and target not in run.classes:
        raise SpecError(
            f"target: expected predicted or one of {listed(run.classes)}, got {target!r}"
        )
    pixels, inverted = options.read_image(run, image, data_dir)
    true = None
    if image.startswith("test:"):
        _, test = data.load(run.settings.data, data_dir=data_dir)
        true = int(test.labels[int(image.removeprefix("test:"))])
    x = run.network_input(pixels)
    pixels = training.centred_images(pixels[np.newaxis], run.network.input_shape[1:])[0]
    if target == "predicted":
        number = int(insight.probabilities(run.network, x[np.newaxis])[0].argmax())
    else:
        number = run.classes.index(target)
    # Not the seed that the run's own weights were first drawn with.
    seed = run.settings.seed + 1
    untrained = None if plain else insight.randomised(run.network, seed)
    return Subject(run, image, inverted, pixels, x, number, true, untrained, seed)
