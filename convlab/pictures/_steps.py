"""One step of an example, or all of them: frames, pages or a sheet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from convlab import viz
from convlab.checks import one_of
from convlab.errors import SpecError
from convlab.lessons import Convolution, Pooling
from convlab.pictures.picture import Picture

MOST_FRAMES = 500
LAYOUTS = {"row": viz.sliding_window, "isometric": viz.isometric}


def stepped(
    example: Convolution | Pooling,
    title: str,
    subtitle: str,
    describe: Callable[[int], str],
    *,
    step: int | str | None,
    layout: str,
    numbers: bool,
    parameters: dict[str, Any],
    result: dict[str, Any],
    **record: Any,
) -> Picture:
    """The step ``step``, all of them, or by default the one in the middle of the first map.

    Of maps of one number that is the last, so that all are there.  ``describe`` puts a step into
    words.  Raises SpecError for a step that does not exist.
    """
    window = LAYOUTS[one_of(layout, "layout", LAYOUTS)]
    if step is None:
        _, rows, columns = example.output.shape
        step = rows // 2 * columns + columns // 2 if rows * columns > 1 else example.steps - 1
    if isinstance(step, str):
        if step != "all":
            raise SpecError(f"step: expected a number or all, got {step!r}")
        if example.steps > MOST_FRAMES:
            raise SpecError(f"step: expected at most {MOST_FRAMES} for all, got {example.steps}")
        chosen = list(range(example.steps))
        few = example.steps <= 50
        values = ", ".join(example.picture(0).results().marked()) if few else ""
        words = f"The output, row by row: {values}." if numbers and values else describe(0)
        alt = f"{title}, {subtitle}, in {example.steps} steps. {words}"
    elif not 0 <= step < example.steps:
        raise SpecError(f"step: expected 0 to {example.steps - 1} or all, got {step}")
    else:
        chosen = [step]
        alt = f"{title}, {subtitle}. {describe(step)}"
    places = [example.place(k) for k in chosen]

    def figure(k: int, **look: Any):
        return window(example.picture(k), numbers=numbers, **look)

    def figures(**look: Any):
        return (figure(k, **look) for k in chosen)

    def sheet(**look: Any):
        shown = [example.picture(k) for k in chosen]
        return viz.step_sheet(shown, title=title, subtitle=subtitle, numbers=numbers, **look)

    def film(**look: Any):
        shown = [example.picture(k) for k in chosen]
        turned = isinstance(example, Convolution) and example.flip != example.transposed
        look |= {"numbers": numbers, "turned": turned}
        return viz.window_film(shown, title=title, subtitle=subtitle, **look)

    whole = step == "all"
    return Picture(
        title,
        alt,
        sheet if whole else partial(figure, chosen[0]),
        figures if whole else None,
        figures if whole else None,
        film,
        parameters={**parameters, "steps": chosen, "layout": layout, "numbers": numbers},
        result={**result, "at": places, "values": [example.output[place] for place in places]},
        **record,
    )
