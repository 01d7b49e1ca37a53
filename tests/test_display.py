"""What a notebook shows of tensors: said by hand."""

import re

import numpy as np
import pytest

from convlab import Tensor, zeros


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (3.0, "one number, float32, 3"),
        (np.zeros((0, 2), np.float32), "0 × 2, float32, empty"),
        ([1.0, -2.0], "2, float32, −2 to 1"),
        ([[1.0, np.nan], [np.inf, 4.0]], "2 × 2, float32, 1 to 4, 2 not finite"),
        (np.ones((300, 2)), "300 × 2, float64, 1 to 1, shown: 1 of 1 maps, 28 × 2 of each"),
        (
            np.ones((3, 4, 2, 2)),
            "3 × 4 × 2 × 2, float64, 1 to 1, shown: 8 of 12 maps, 2 × 2 of each",
        ),
    ],
)
def test_what_is_said_of_a_tensor(values, said):
    shown = Tensor(values)._repr_html_()
    assert said in re.sub("<svg.*", "", shown).replace("<div>", "").replace("</div>", "")


def test_cells_have_their_numbers_and_signs():
    shown = Tensor([[0.5, -1.0], [np.nan, 0.0]], requires_grad=True)._repr_html_()
    assert "requires_grad" in shown
    cells = re.findall(r"rgba\((\d+),\d+,\d+,([\d.]+)\)\"><title>([^<]*)</title>", shown)
    assert cells == [("217", "0.50", "0.5"), ("33", "1.00", "−1"), ("33", "0.00", "0")]
    assert shown.count("<path") == 1  # what is not finite is crossed
    assert zeros(2, 2)._repr_html_().count(",0.00)") == 4
