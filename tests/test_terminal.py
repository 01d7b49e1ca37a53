"""Lines for a terminal: columns, and parts with roles."""

from convlab.terminal import Span, plain, side_by_side, table, wrapped


def test_columns_are_as_wide_as_their_widest_cell():
    rows = [("layer", "type", "count"), ("a", "Conv2d", "1,000"), ("\u6f22\u5b57", "", "7")]
    assert table(rows, right={2}) == [
        "layer  type    count",
        "a      Conv2d  1,000",
        "\u6f22\u5b57               7",  # letters of two columns each
    ]
    assert table([("a", ""), ("b", "")]) == ["a", "b"]


def test_blocks_stand_beside_each_other_with_signs_in_one_row():
    left, right = ["1 2", "3 4", "5 6"], [[Span("7", "window")], "8", "9"]
    lines = list(side_by_side([left, right], [" x "], 1))
    assert [plain(line) for line in lines] == ["  1 2   7", "  3 4 x 8", "  5 6   9"]
    assert Span("7", "window") in lines[0]


def test_what_stands_beside_the_numbers_is_quiet_and_wrapped():
    lines = wrapped("word " * 30)
    assert [len(plain(line)) for line in lines] == [99, 49]
    assert all(part.quiet for line in lines for part in line)
