"""Lines for a terminal: columns, parts with roles, and what becomes of them where it is narrow."""

import pytest

from convlab.names import columns
from convlab.terminal import (
    Arranged,
    Paragraph,
    Span,
    Table,
    first_that_fit,
    fitted,
    plain,
    progress_line,
    quiet,
    side_by_side,
)

ROWS = [
    ["layer", "type", "output", "count"],
    ["conv1", "Conv2d", "28 × 28", "1,000"],
    ["block1_shortcut", "", "7", "2"],
]


def laid(line, width=None, written=str):
    return [plain(one) for one in fitted([line], width, written)]


def test_columns_are_as_wide_as_their_widest_cell():
    rows = [("layer", "type", "count"), ("a", "Conv2d", "1,000"), ("\u6f22\u5b57", "", "7")]
    assert laid(Table(rows, right={2})) == [
        "layer  type    count",
        "a      Conv2d  1,000",
        "\u6f22\u5b57               7",  # letters of two columns each
    ]
    assert laid(Table([("a", ""), ("b", "")])) == ["a", "b"]


def test_a_narrow_terminal_goes_without_columns_in_their_order():
    table = Table(ROWS, right={3}, spare=(1, 2))
    assert laid(table, 39) == laid(table)  # 15 + 6 + 7 + 5 and three gaps
    assert laid(table, 38) == [
        "layer            output   count",
        "conv1            28 × 28  1,000",
        "block1_shortcut  7            2",
        "not shown: type; --wide has all",
        "columns",
    ]
    assert laid(table, 30)[:3] == [
        "layer            count",
        "conv1            1,000",
        "block1_shortcut      2",
    ]
    # Then texts lose their middle: both ends tell layers apart.
    assert laid(table, 17)[:3] == ["layer       count", "conv1       1,000", "bloc..tcut      2"]


def test_rows_of_their_own_tables_have_the_same_columns():
    rows = [Table([row], right={3}, least=(15, 6, 7, 5)) for row in ROWS]
    assert [line for row in rows for line in laid(row)] == laid(Table(ROWS, right={3}))


def test_texts_are_broken_at_spaces_and_a_path_stays_whole():
    said = "  accuracy 83.33 %, loss 0.52 on 360 images"
    assert laid(said, 24) == ["  accuracy 83.33 %, loss", "    0.52 on 360 images"]
    assert laid(said, len(said)) == [said]
    assert laid("wrote /a/long/path/to/some/file.png now", 20) == [
        "wrote",
        "  /a/long/path/to/some/file.png",
        "  now",
    ]
    assert laid("one\n\ntwo") == ["one", "", "two"]


def test_parts_keep_their_roles_where_a_line_is_broken():
    lines = fitted([("↓ ", Span("unit 7 = 1.5", "output"), " of pool1")], 10)
    assert [[part for part in line if plain([part])] for line in lines] == [
        ["↓ ", Span("unit 7 =", "output")],
        ["  ", Span("1.5", "output"), " of"],
        ["  ", "pool1"],
    ]


@pytest.mark.parametrize("width", [8, 17, 23, 40])
def test_no_line_is_wider_than_the_terminal_in_any_encoding(width):
    def written(text):  # as a terminal of ASCII has it: wider than what it stands for
        return text.replace("≤", "<=").replace("×", "x").replace("→", "->")

    lines = [
        Table([["layer", "field"], ["conv1_of_block", "≤ 5 × 5"]], {1}, (1,)),
        Paragraph("a remark → of several words that go on"),
        quiet("≤ 1 → 2 → 3 → 4 → 5"),
        Arranged(lambda columns: ["-" * columns]),
        "\u6f22\u5b57 \u6f22\u5b57 \u6f22\u5b57",
    ]
    shown = [plain(line) for line in fitted(lines, width, written)]
    assert max(map(columns, shown)) <= width
    assert shown[-1].strip().isprintable() and "→" not in "".join(shown)


def test_without_a_terminal_all_columns_are_there_and_remarks_wrapped():
    assert laid(Table(ROWS, {3}, (1, 2)))[0].split() == ROWS[0]
    lines = list(fitted([Paragraph("word " * 30)]))
    assert [len(plain(line)) for line in lines] == [99, 49]
    assert all(part.quiet for line in lines for part in line)


def test_blocks_stand_beside_each_other_with_signs_in_one_row():
    left, right = ["1 2", "3 4", "5 6"], [[Span("7", "window")], "8", "9"]
    lines = list(side_by_side([left, right], [" x "], 1))
    assert [plain(line) for line in lines] == ["  1 2   7", "  3 4 x 8", "  5 6   9"]
    assert Span("7", "window") in lines[0]


@pytest.mark.parametrize(
    "width, line",
    [
        # 5 + 20 + 4 + 7 + 8 + 10 columns, and two between each: a bar of 20 just fits.
        (64, "train  [#########---------]   50%  1:01:05  loss 0.1  9 images/s"),
        (63, "train  [###---]   50%  1:01:05  loss 0.1  9 images/s"),
        (50, "train  [###---]   50%  1:01:05  loss 0.1"),
        (32, "train  [###---]   50%  loss 0.1"),
        (24, "train   50%  loss 0.1"),
        (5, "train"),
        (4, "tr…n"),
    ],
)
def test_progress_leaves_out_what_is_least_important(width, line):
    assert progress_line("train", 0.5, "loss 0.1  9 images/s", 3665.2, width) == line
    assert columns(line) <= width


def test_progress_without_a_label_or_a_known_end():
    assert progress_line("", 1.0, "x", None, 80) == f"[{18 * '#'}]  100%  x"
    assert "  0:59" in progress_line("", 0.0, "x", 59.4, 80)
    assert first_that_fit("aa  bb  cc", 6) == "aa  bb"
