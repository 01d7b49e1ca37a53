"""One step of a window over an input: all its numbers, and how they are written.

Figures and explanations in the terminal take their texts from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from convlab.errors import SpecError
from convlab.numerals import ALMOST, Grain, Numbers, bracketed, exact, number, read, sums
from convlab.shapes import Pair, size_text
from convlab.words import joined, t

OPERATIONS = ("convolution", "max", "average")
Piece = tuple[str, str]  # a text and its role: ink, quiet, output, or mistake for a bias


@dataclass(frozen=True)
class SlidingWindow:
    """One position of a window, all its numbers, and the results so far.

    stage (C, SH, SW): what the window slides over; ``outside``, ``inserted`` and
    ``uncovered`` (SH, SW) mark padding, zeros between input cells, and cells that
    no window reads.  ``window``: the stage rows and columns that this one reads.
    kernel (C, KH, KW) as it lies there, and ``bias`` (None: there is none); both
    None for pooling.  output (O, OH, OW), of which ``at`` (filter, row, column) is
    being computed; ``channel_sums`` (C,) is what each channel adds to it.
    ``operation``: convolution, max or average; ``divisors`` (OH, OW): averages' counts;
    ``grain``: what is known of the output as sums of the stage's numbers; ``winner``: stage
    row and column of a maximum.  ``filters``: the kernels (O, C, KH, KW) of all maps and their
    biases (O,); ``turned``: they lie there turned by 180 degrees.  ``spans``: first and last stage
    row of every window, then columns, if those differ in size.  ``sizes``: the relation of each
    axis, numbers put in, with its number in Dumoulin & Visin (2016) or None; ``size_label`` says
    what of.  Raises SpecError for another operation.
    """

    stage: NDArray
    outside: NDArray
    inserted: NDArray
    uncovered: NDArray
    window: tuple[NDArray, NDArray]
    kernel: NDArray | None
    bias: float | None
    output: NDArray
    channel_sums: NDArray
    at: tuple[int, int, int]
    operation: str
    input_note: str
    window_note: str
    sizes: tuple[tuple[str, int | None], tuple[str, int | None]]
    size_label: str = t("output size")
    divisors: NDArray | int = 1
    grain: Grain = Grain(None)
    winner: Pair | None = None
    filters: tuple[NDArray, NDArray] | None = None
    turned: bool = False
    spans: tuple[Sequence[Pair], Sequence[Pair]] | None = None

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            raise SpecError(f"expected an operation among {OPERATIONS}, got {self.operation!r}")

    @property
    def channel(self) -> int | None:
        """The one channel that a pooling reads; None for a convolution, which reads all."""
        return None if self.operation == "convolution" else self.at[0]

    def window_title(self) -> str:
        """What the window does, as a headline; of several kernels with its number."""
        if self.kernel is None:
            return {t("max"): t("Max"), t("average"): t("Mean")}[self.operation]
        return t("Kernel") if len(self.output) == 1 else t("Kernel {at}", self.at[0])

    def place(self) -> str:
        """Which result this is: "row 2, column 0", of several maps with its filter or channel."""
        o, row, column = self.at
        place = t("row {row}, column {column}", row, column)
        if len(self.output) == 1:
            return place
        return t(
            "filter {o}, {place}" if self.channel is None else "channel {o}, {place}", o, place
        )

    def output_note(self) -> str:
        """The output's size, with its maps where there are several."""
        maps, *size = self.output.shape
        return size_text(*size, *([maps] if maps > 1 else []))

    @property
    def inside(self) -> NDArray:
        """(SH, SW) bool: the cells of the input itself."""
        return ~(self.outside | self.inserted)

    @property
    def done(self) -> NDArray:
        """(O, OH, OW) bool: the results so far, in the order of the loop, this one among them."""
        order = np.arange(self.output.size).reshape(self.output.shape)
        return order <= order[self.at]

    def under(self, channel: int) -> NDArray:
        """(SH, SW) bool: the cells of a channel that the window reads."""
        cells = np.zeros(self.outside.shape, bool)
        if self.channel in (None, channel):
            cells[np.ix_(*self.window)] = True
        return cells

    def patch(self) -> NDArray:
        """(C, KH, KW) what lies under the window."""
        rows, columns = self.window
        stage = self.stage if self.channel is None else self.stage[self.channel][None]
        return stage[:, rows][:, :, columns]

    def inputs(self, digits: int | None = None) -> Numbers:
        """What the window slides over, as it is written, with at most so many digits."""
        return exact(self.stage, digits)

    def weights(self, digits: int | None = None) -> Numbers:
        """The kernel, likewise; no numbers for pooling."""
        return exact(np.zeros(0) if self.kernel is None else self.kernel, digits)

    def results(self, digits: int | None = None) -> Numbers:
        """The output, as it is written, with at most so many digits."""
        if self.operation == "max":
            return exact(self.output, digits)
        return sums(self.output, self.grain, self.divisors, digits)

    def sums(self) -> list[str]:
        """What each channel adds."""
        return sums(self.channel_sums, self.grain).marked()

    def sum_of(self, channels: Sequence[int]) -> str:
        """What some channels add together."""
        total = np.array([self.channel_sums[list(channels)].sum(dtype=float)])
        return sums(total, self.grain).marked()[0]

    def _inputs_under(self) -> list[str]:
        """The numbers under the window, as they are written."""
        texts = np.reshape(self.inputs().marked(), self.stage.shape)
        under = texts if self.channel is None else texts[self.channel][None]
        rows, columns = self.window
        return under[:, rows][:, :, columns].ravel().tolist()

    def terms(self) -> list[str]:
        """What is added up (or compared), one text for each number under the window."""
        inputs = self._inputs_under()
        if self.kernel is None:
            return [bracketed(x) if self.operation == "average" else x for x in inputs]
        weights = self.weights().marked()
        return [f"{bracketed(x)}·{bracketed(w)}" for x, w in zip(inputs, weights, strict=True)]

    def result(self) -> str:
        """The result by itself, "≈" before a rounded one."""
        return self.results().marked()[np.ravel_multi_index(self.at, self.output.shape)]

    def value(self) -> str:
        """The result, as all of the output is written, to stand behind :meth:`equals`."""
        return self.results().texts[np.ravel_multi_index(self.at, self.output.shape)]

    def equals(self) -> str:
        """ "=" where the shown terms give the shown result, "≈" where it or a term is rounded."""
        at = np.ravel_multi_index(self.at, self.output.shape)
        if ALMOST in "".join(self.terms()):
            return ALMOST
        return ALMOST if self.results().rounded[at] and not self._adds_up() else "="

    def _adds_up(self) -> bool:
        """Whether the shown terms of a sum give the shown value, worked out in fractions."""
        if not np.isfinite([*self.patch().ravel(), self.output[self.at]]).all():
            return True  # nothing is rounded to infinity
        inputs = self._inputs_under()
        weights = ["1"] * len(inputs) if self.kernel is None else self.weights().texts
        products = (read(x) * read(w) for x, w in zip(inputs, weights, strict=True))
        return sum(products, read(self.bias_text())) == read(self.value()) * self._divisor()

    def _divisor(self) -> int:
        """What an average's sum is divided by."""
        return int(np.broadcast_to(self.divisors, self.output.shape[1:])[self.at[1:]])

    def bias_text(self) -> str:
        """The bias as it is added; 0 where there is none."""
        return number(self.bias or 0.0, 15)

    @cached_property
    def _sum(self) -> tuple[list[str], list[Piece]]:
        """The terms, and what stands behind them."""
        end = [(self.equals(), "ink"), (self.value(), "output")]
        if self.bias is not None:
            end = [("+", "ink"), (bracketed(self.bias_text()), "mistake"), *end]
        return self.terms(), end

    def sum_pieces(self, kept: int | None = None) -> list[Piece]:
        """The sum written out, with the bias, and its value.

        Of its terms only ``kept``, the first and the last, around how many are left out.
        """
        terms, end = self._sum
        kept = len(terms) if kept is None else kept
        head, left_out = kept - kept // 2, len(terms) - kept
        middle = [t("… {left_out} more …", left_out)] if left_out else []
        separator = ", " if self.operation == "max" else " + "
        listed = joined([*terms[:head], *middle, *terms[head + left_out :]], separator)
        opening, closing = self.around()
        return [(opening + listed + closing, "ink"), *end]

    def bias_pieces(self) -> list[Piece]:
        """The bias by its name; nothing where there is none."""
        return [] if self.bias is None else [(t("bias"), "quiet"), (self.bias_text(), "mistake")]

    def sum_text(self) -> str:
        """The sum written out, with the bias, and its value."""
        return " ".join(text for text, _ in self.sum_pieces())

    def size_lines(self) -> list[list[list[Piece]]]:
        """The relations of the sizes, in one or two lines: several ways, the longest first."""

        def axis(name: str, text: str) -> list[Piece]:
            expression, _, value = text.rpartition(" = ")
            return [(name, "quiet"), (_ends(expression) + " =", "ink"), (_ends(value), "output")]

        (down, _), (across, _) = self.sizes
        rows, columns = axis(t("rows"), down), axis(t("columns"), across)
        both = [*rows[1:], (t("on both axes"), "quiet")] if down == across else rows + columns
        known = sorted({number for _, number in self.sizes if number is not None})
        source = t("relation {number}", *known) if len(known) == 1 else ""
        source = t("relations {one} and {other}", *known) if len(known) == 2 else source
        note = [(t("({source} of Dumoulin & Visin)", source), "quiet")] if known else []
        return [[both + note], [both], [rows, columns], [rows[1:], columns[1:]]]

    def around(self) -> tuple[str, str]:
        """What stands before and after the terms."""
        if self.operation == "average":
            return "(", f") / {self._divisor()}"
        return (t("max("), ")") if self.operation == "max" else ("", "")


def _ends(text: str) -> str:
    """A range, of which the catalogues know the word between its ends."""
    low, to, high = text.partition(" to ")
    return t("{low} to {high}", low, high) if to else text
