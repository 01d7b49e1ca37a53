"""The whole sum behind one value, and the chain of sums down to a pixel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from convlab import insight, numerals, training, viz
from convlab.insight import Explanation, ulps
from convlab.insight.chain_lines import pixel_lines, step_line, step_lines
from convlab.insight.sum_lines import explanation_lines
from convlab.insight.sum_words import check_words, passes_on, unit_name, value_text, what_text
from convlab.pictures._drawn_sums import chain_steps, drawn_sum, pixel_name, share_decimals
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of
from convlab.terminal import SCREEN, Block, Line, quiet
from convlab.training import Image, ImageLike, Run
from convlab.viz.style import has_both_signs
from convlab.words import t


def explanation(
    run: RunLike,
    image: ImageLike,
    layer: str | None = None,
    unit: tuple[int, ...] | None = None,
    deep: bool = False,
    data_dir: str | os.PathLike | None = None,
    *,
    complete: bool = False,
    code: bool = False,
) -> Picture:
    """The whole sum behind one value of a trained network.

    ``layer``: its name, or "probabilities", the softmax at the end, by default; ``unit``:
    (map, row, column) or (number,) from 0, the largest value by default.  With ``deep`` the
    picture is the chain of strongest terms down to a pixel, and a .pdf has a page for each of
    the sums behind it.  ``complete``: ``lines`` have all terms, however many; ``code``: they have
    the layer in PyTorch, Keras and tf.nn, too.  Raises the errors of ``insight.explain``, and
    DataError for anything that is not an image.
    """
    run = run_of(run)
    subject = run.image(image, data_dir)
    x = run.network_input(subject.pixels)
    layer = insight.PROBABILITIES if layer is None else layer
    chain = insight.explain(run.network, x, layer, unit, deep=deep)
    shown = training.centred_images(subject.pixels[None], run.network.input_shape[1:])[0]
    given = subject.name if isinstance(image, np.ndarray) else str(image)
    found = _Explained(run, given, subject.name, subject, x, shown, chain, deep)
    return found.picture(complete, code)


@dataclass(frozen=True, eq=False)
class _Explained:
    """Explanations of a value, as given by ``insight.explain``, and what they explain.

    ``image`` is what was given and ``name`` what it is called, ``x`` the network's input and
    ``shown`` the bytes (C, H, W) from which it is made.
    """

    run: Run
    image: str
    name: str
    read: Image
    x: np.ndarray
    shown: np.ndarray
    chain: list[Explanation]
    deep: bool

    def lines(self, complete: bool, code: bool) -> Iterator[Line | Block]:
        """The sum, with all its terms if ``complete``, its code, and the chain below it.

        Otherwise as much as fits a screen.
        """
        yield quiet("; ".join(filter(None, (self.run.name, self.name, self.read.story))))
        if complete or code or not self.deep:
            yield from self._sums(complete, code)
        else:
            yield from self._chain()
        chain = self.chain if self.deep else self.chain[-1:]
        yield from pixel_lines(chain, self.x, self.shown, complete)

    def _sums(self, complete: bool, code: bool) -> Iterator[Line | Block]:
        """The first sum in full, and those of layers that only pass a number on, or the chain."""
        network, classes = self.run.network, self.run.classes
        for number, one in enumerate(self.chain):
            asked = isinstance(one, insight.Standardised) and not number
            if passes_on(one) and not (complete or asked or one is self.chain[-1]):
                yield step_line(one)
                continue
            if complete:
                yield ""
            if self.deep and number:
                yield from step_lines(one, network, classes)
            else:
                yield from explanation_lines(one, network, classes, complete, code)
        yield from [""] * complete

    def _chain(self) -> Iterator[Line | Block]:
        """A line for each sum down to the pixel, those in the middle left out if they are many."""
        network, classes = self.run.network, self.run.classes
        yield unit_name(self.chain[0], network, classes)
        links = [one for one in self.chain if not isinstance(one, insight.Pointwise)]
        most = SCREEN - 8
        for number, one in enumerate(links):
            if len(links) > most and most // 2 <= number < len(links) - most // 2:
                if number == most // 2:
                    yield f"… {len(links) - 2 * (most // 2)} more (--all prints them) …"
                continue
            yield step_line(one)

    def picture(self, complete: bool, code: bool) -> Picture:
        """The sum, or the chain of sums, as a picture with its ``lines``."""
        run, first = self.run, self.chain[0]
        # Pictures show sums, which layers that only pass a number on do not have.
        sums = [one for one in self.chain if not isinstance(one, insight.Pointwise)] or [first]
        title, subtitle = self._heads(sums[0])
        alt = f"{title}, {subtitle}: recomputed in float32 {value_text(sums[0].recomputed)},"
        alt += f" {check_words(sums[0], run.network.device)}."
        numbers: dict[str, Any] = {
            "parameters": {
                "run": run.folder,
                "image": self.image,
                "inverted": self.read.inverted,
                "layer": first.layer,
                "unit": first.unit,
            },
            "inputs": {t("image"): self.shown, t("network input"): self.x},
            "weights": run.network.state_dict(),
            "result": {"explanations": [_numbers(one) for one in self.chain]},
        }
        lines = partial(self.lines, complete, code)
        links = [one for one in self.chain if not passes_on(one)] if self.deep else []
        if not links:
            draw_sum = partial(self._sum, sums[0])
            return Picture(title, alt, draw_sum, lines=lines, **numbers)
        alt += f"  Its strongest terms, sum by sum: {', '.join(map(_cell_name, links))}."
        outputs = self._outputs()
        # The chain draws the maps that its units are in.
        numbers["result"]["outputs"] = outputs

        def draw(**look: Any) -> Figure:
            return viz.sum_chain(
                **self._links(outputs),
                image=self.shown,
                title=unit_name(first, run.network, run.classes),
                subtitle=t("and its strongest terms down to a pixel; {source}", self._source()),
                **look,
            )

        def pages(**look: Any) -> list[Figure]:
            return [draw(**look), *(self._sum(one, **look) for one in sums)]

        return Picture(title, alt, draw, pages=pages, lines=lines, **numbers)

    def _source(self) -> str:
        note = t(" ({story})", self.read.story) if self.read.story else ""
        return t("{name}{note}, {name2}", self.name, note, self.run.name)

    def _heads(self, one: Explanation) -> tuple[str, str]:
        """Title and second line of a sum's picture."""
        number: Any = one.value
        value, said = value_text(number), what_text(one)
        if isinstance(one, insight.SoftmaxShare):
            value = numerals.to_places(number, share_decimals(one))
            said += t(", exp(x − max) / sum of all")
        name = unit_name(one, self.run.network, self.run.classes)
        return t("{name}: {value}", name, value), t("{said}; {source}", said, self._source())

    def _sum(self, one: Explanation, **look: Any) -> Figure:
        title, subtitle = self._heads(one)
        look |= {"title": title, "subtitle": subtitle, "image": self.shown, "box": one.sees}
        return viz.unit_sum(**drawn_sum(one, self.run), **look)

    def _outputs(self) -> dict[str, np.ndarray]:
        """The output of every layer, and the probabilities after the last."""
        network = self.run.network
        outputs = {a.name: a.array for a in insight.trace(network, self.x)}
        last = list(outputs.values())[-1]
        return {insight.PROBABILITIES: network.probabilities(last[None])[0], **outputs}

    def _links(self, outputs: dict[str, np.ndarray]) -> dict[str, Any]:
        """What the chain shows: its sums, each with the layers after it, and the pixel.

        A layer that only passes a number on belongs to the sum before it in the network, which the
        chain reaches later.
        """
        links: list[viz.ChainLink] = []
        passed: list[str] = []
        channels = len(self.shown)
        for one in self.chain:
            if passes_on(one):
                passed.insert(0, one.layer)
                continue
            values, at = outputs[one.layer], one.unit
            signed = has_both_signs(values)
            if values.ndim == 3:
                values, at = values[at[0]], at[1:]
            steps, value = chain_steps(one, channels), float(one.value)
            link = viz.ChainLink(_cell_name(one), steps, value, values, at, passed, signed)
            links.append(link)
            passed = []
        cell = self.chain[-1].strongest
        if cell is None or cell.layer is not None:
            return {"links": links, "pixel": None, "pixel_name": "", "pixel_value": 0.0}
        return {
            "links": links,
            "pixel": cell.place[1:],
            "pixel_name": pixel_name(cell, channels),
            "pixel_value": float(self.x[cell.place]),
            "passed": passed,
        }


def _cell_name(one: Explanation) -> str:
    return f"{one.layer} {','.join(map(str, one.unit))}"


def _numbers(one: Explanation) -> dict[str, Any]:
    """All numbers of an explanation by name."""
    names = [*vars(one), "exact", "products", "map_sums", "squares", "exponentials"]
    numbers = {name: getattr(one, name) for name in names if hasattr(one, name)}
    strongest = None if one.strongest is None else vars(one.strongest)
    apart = ulps(one.value, one.recomputed)
    return numbers | {"strongest": strongest, "units in the last place apart": apart}
