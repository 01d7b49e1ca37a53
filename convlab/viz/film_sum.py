"""The sum at the foot of a film: a place for each term, the signs between them, the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import NDArray

from convlab.viz.canvas import Canvas
from convlab.viz.matrix import longest
from convlab.viz.sprites import Sprite, chip, lay
from convlab.window_step import SlidingWindow


@dataclass(frozen=True, eq=False)
class SumRow:
    """``count`` terms on one line of height ``px``; the result stands behind them.

    ``ends``: for each step what stands behind the terms before the result: pieces of text with
    their roles.
    """

    canvas: Canvas
    count: int
    px: float
    wide: float  # of a term's box
    sign: float  # between two terms
    ends: Sequence[Sequence[tuple[str, str]]]
    result: float  # width of the result's box

    @classmethod
    def of(
        cls, canvas: Canvas, steps: Sequence[SlidingWindow], terms: Sequence[Sequence[str]]
    ) -> SumRow | None:
        """The row for steps with these terms; None where they do not fit."""
        count = max(map(len, terms))
        ends = [_end(shown) for shown in steps]
        texts = longest(text for one in terms for text in one)
        results = longest(steps[0].results().marked())
        for px in (
            1.1 * canvas.size.title,
            canvas.size.title,
            canvas.size.label,
            canvas.size.small,
        ):
            wide = canvas.widest(texts, px, True) + 0.7 * px
            sign, result = 1.1 * px, canvas.widest(results, px, True) + 1.2 * px
            row = cls(canvas, count, px, wide, sign, ends, result)
            if row.width <= canvas.inner_width:
                return row
        return None

    @property
    def height(self) -> float:
        return 3.4 * self.px

    @property
    def width(self) -> float:
        """Of all of it."""
        return self.before + self._terms + max(map(self._end_width, self.ends)) + self.result

    @property
    def before(self) -> float:
        """Width of the bracket around an average's terms."""
        return 0.8 * self.px if self.ends[0][0][0].startswith(")") else 0.0

    @property
    def _terms(self) -> float:
        return self.count * self.wide + (self.count - 1) * self.sign

    def _end_width(self, pieces: Sequence[tuple[str, str]]) -> float:
        widths = [self.canvas.measure(text, self.px, True) + 0.5 * self.px for text, _ in pieces]
        return sum(widths) + 0.4 * self.px

    @property
    def left(self) -> float:
        return self.canvas.left + (self.canvas.inner_width - self.width) / 2

    @property
    def y(self) -> float:
        """The middle of the line."""
        return self.canvas.bottom - 1.2 * self.px

    def slot(self, at: int) -> tuple[float, float]:
        """The middle of a term."""
        return self.left + self.before + self.wide / 2 + at * (self.wide + self.sign), self.y

    def sprite(self, text: str) -> Sprite:
        """A term in its box."""
        theme, stroke = self.canvas.theme, 0.4 * self.canvas.size.thick
        box = self.wide, 2.0 * self.px
        return chip(text, *box, self.px, theme.ink, theme.window_fill, theme.window, stroke, True)

    def result_sprite(self, text: str) -> Sprite:
        """The result in its box."""
        theme, stroke = self.canvas.theme, 0.4 * self.canvas.size.thick
        box = self.result, 2.0 * self.px
        return chip(text, *box, self.px, theme.ink, theme.output_fill, theme.output, stroke, True)

    def result_place(self, step: int) -> tuple[float, float]:
        """The middle of the result."""
        end = self._end_width(self.ends[step])
        return self.left + self.before + self._terms + end + self.result / 2, self.y

    def lay_signs(self, frame: NDArray, step: int, strength: float) -> None:
        """Signs, the bias, and the equals sign."""
        if not strength:
            return
        theme, px = self.canvas.theme, self.px
        for at in range(1, self.count):
            x, y = self.slot(at)
            sign = chip("+", px, 1.4 * px, px, theme.quiet)
            lay(frame, sign, x - (self.wide + self.sign) / 2, y, strength)
        if self.before:
            bracket = chip("(", self.px, 1.4 * px, px, theme.quiet)
            lay(frame, bracket, self.left + self.before / 2, self.y, strength)
        x = self.left + self.before + self._terms
        for text, role in self.ends[step]:
            width = self.canvas.measure(text, px, True)
            bold = role != "quiet"
            sprite = chip(text, width + 4, 1.4 * px, px, getattr(theme, role), bold=bold)
            lay(frame, sprite, x + 0.5 * px + width / 2, self.y, strength)
            x += width + 0.5 * px

    def lay_whole(
        self, frame: NDArray, step: int, strength: float, terms: Sequence[str], result: str
    ) -> None:
        """The whole sum of a step, as it fades."""
        for at, text in enumerate(terms):
            lay(frame, self.sprite(text), *self.slot(at), strength)
        self.lay_signs(frame, step, strength)
        lay(frame, self.result_sprite(result), *self.result_place(step), strength)


def _end(shown: SlidingWindow) -> list[tuple[str, str]]:
    """What stands behind the terms: the bias or the divisor, and the sign before the result."""
    pieces = []
    if shown.operation == "average":
        pieces.append((shown.around()[1], "quiet"))
    if shown.bias is not None:
        pieces += [("+", "quiet"), (shown.bias_text(), "mistake")]
    return [*pieces, (shown.equals(), "quiet")]
