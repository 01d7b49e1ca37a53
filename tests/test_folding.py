"""What a network's drawing says, and how layers become blocks, stages and a number."""

import pytest

from convlab.folding import (
    DrawnLayer,
    ShownLayer,
    Skip,
    arcs,
    details,
    foldings,
    parted,
    second_line,
)


def conv(name, maps=4, **more):
    words = ("3 × 3", "padding 1")
    return DrawnLayer((maps, 8, 8), (f"8 × 8 × {maps}",), name, 10, operation=words, **more)


def convs(*names, **more):
    return [conv(name, kind="conv", brief=("3 × 3",), **more) for name in names]


INPUT = DrawnLayer((3, 8, 8), ("8 × 8 × 3",), "input")


def names(layers):
    return [layer.name for layer in layers]


def test_everything_comes_first_and_three_layers_last():
    layers = [INPUT, *(conv(f"conv{n}", n, kind="conv", brief=("3 × 3",)) for n in range(1, 6))]
    found = [shown for shown, _ in foldings(layers)]
    assert names(found[0]) == names(layers)
    assert [layer.head for layer in found[-1]][2] == ("… 3", "layers …")
    assert [len(shown) for shown in found] == [6, 6, 6, 6, 6, 6, 5, 4, 4]
    assert [share for _, share in foldings(layers)][-1] == 0.0


def test_equal_neighbours_are_one_with_their_number():
    layers = [INPUT, *convs("conv1_1", "conv1_2", "conv1_3")]
    blocks = [shown for shown, _ in foldings(layers)][1]
    assert names(blocks) == ["input", "conv1_1–3"]
    assert blocks[1].operation == ("3 times", "3 × 3", "padding 1")
    assert (blocks[1].parameters, blocks[1].count, blocks[1].repeats) == (30, 3, 3)


def test_a_path_makes_a_block_of_what_it_goes_around():
    first, one, two = convs("first", "unit1_a", "unit1_b")
    end = DrawnLayer(
        (4, 8, 8), (), "unit1_sum", 0, kind="sum", skips=(Skip("first", "identity", 5),)
    )
    blocks = [shown for shown, _ in foldings([INPUT, first, one, two, end])][1]
    assert names(blocks) == ["input", "first", "unit1"]
    assert blocks[2].parameters == 25 and blocks[2].operation == ("3 × 3, 4", "3 × 3, 4")
    assert blocks[2].skips == (Skip("first", "+ identity"),)


def test_arcs_lie_above_each_other_and_part_no_row():
    row = [ShownLayer((1,), (), name) for name in "abcdef"]
    row[2] = ShownLayer((1,), (), "c", skips=(Skip("a", "short"),))
    row[3] = ShownLayer((1,), (), "d", skips=(Skip("a", "long"),))
    assert [(arc.start, arc.end, arc.lane) for arc in arcs(row)] == [(0, 2, 0), (0, 3, 1)]
    # Between a and d nothing may be parted.
    assert [names(part) for part in parted(row, 2)] == [list("abcd"), list("def")]
    assert parted(row, 5) is None


@pytest.mark.parametrize(
    ("folded", "noted", "text"),
    [
        (False, True, "60 parameters, each layer's own below it"),
        (False, False, "60 parameters, each layer's own below it; not drawn: ReLU after all"),
        (
            True,
            False,
            "60 parameters, each layer's own below it; not drawn: padding, ReLU after all",
        ),
    ],
)
def test_the_second_line_says_what_is_not_drawn(folded, noted, text):
    layer = ShownLayer((1,), (), "fc", 60, kind="block" if folded else "dense")
    words = {
        "subtitle": "60 parameters",
        "unsaid": ("ReLU after all", "ReLU"),
        "settings": {"padding", "3"},
    }
    full, shorter, shortest = second_line([layer], noted, **words)
    assert full == text
    assert shortest == shorter.replace(" after all", "")
    assert shorter == text.replace(", each layer's own below it", "")


def test_what_is_folded_has_no_notes():
    plain = ShownLayer((1,), ("a long head",), "fc", notes=("ReLU",), narrow=("short",))
    assert [(noted, shown[0].notes, shown[0].head) for shown, noted, _ in details([plain])] == [
        (True, ("ReLU",), ("a long head",)),
        (True, ("ReLU",), ("short",)),
        (False, (), ("a long head",)),
        (False, (), ("short",)),
    ]
    block = ShownLayer((1,), (), "fc", kind="block")
    assert [noted for _, noted, _ in details([block])] == [False, False]
