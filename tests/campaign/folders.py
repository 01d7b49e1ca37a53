"""Folders of images: hostile names of classes, too few pictures, what is no picture."""

import itertools
import os

from . import cases
from .cases import EITHER, GARBAGE, NO_FILES, WORKS, damaged, later, put
from .pictures import saved, small

USES = [
    ["train", "--data", "set", "--epochs", "1", "--quiet", "-o", "new", "--page"],
    ["train", "--data", "set", "--model", "small.toml", "--epochs", "1", "--quiet", "-o", "new"],
    ["render", "neighbours", "set", "-o", "out.png"],
    ["render", "image", "test:0", "--data", "set", "-o", "out.png"],
]
NAMES = [os.fsdecode(b"caf\xe9"), "café", "cafe\u0301", "猫", "🐈", "x" * 200, "$\\frac{", "a\nb"]
NAMES += ["\x1b[31m", " ", "-o", "--help", "<b>", "a&b", 'a"b', "nul\t", "Cat.png", "%s", "{run}"]


WRONG = """names names names names split one-class empty-class one-image files odd odd nested
sizes hidden unreadable damaged loop no-files 100-classes"""


def build(own, folder, case):
    root, each = folder / "set", own.choice([1, 2, 6, 10])
    case.note = own.choice(WRONG.split())
    first, second = own.sample(NAMES, 2) if case.note == "names" else ("a", "b")
    classes = [first, second]
    if case.note == "100-classes":
        classes, each = [f"c{i:03}" for i in range(100)], 2
    sides = (12, 12, 3)
    for name, number in itertools.product(classes, range(each)):
        if case.note == "sizes":
            sides = own.choice(
                [(1, 1, 3), (1, 900, 3), (900, 1), (64, 64), (65, 64, 3), (12, 12, 4)]
            )
        put(root / name / f"{number}.png", saved(small(own, *sides)))
    if case.note == "names":
        # A name that nobody can see, and two that are one, may be refused.
        plain = each > 2 and not {" ", "cafe\u0301"} & {first, second}
        case.note, case.right = f"classes {first!r} and {second!r}", WORKS if plain else EITHER
    elif case.note == "split":
        (root / "a").rename(root / "train")
        (root / "b").rename(root / "test")
    elif case.note == "one-class":
        (root / "b").rename(folder / "b")
    elif case.note == "empty-class":
        (root / "c").mkdir()
    elif case.note == "one-image":
        for path in sorted((root / "b").iterdir())[1:]:
            path.unlink()
    elif case.note == "files":
        (root / "a").rename(folder / "a")
        (root / "b").rename(folder / "b")
        put(root / "0.png", saved(small(own)))
    elif case.note == "odd":
        for name in ("a", "b"):
            special = own.choice(NO_FILES)
            cases.replace_by(root / name / "0.png", special)
            case.note += f" {special}"
    elif case.note == "nested":
        (root / "a").rename(root / "b" / "a")
        (root / "b").rename(root / "c")
    elif case.note == "hidden":
        (root / "a").rename(root / ".a")
        put(root / "b" / ".DS_Store", b"x")
    elif case.note == "unreadable":
        put(root / "a" / "0.png", own.choice(GARBAGE))
    elif case.note == "damaged":
        put(root / "a" / "0.png", damaged(own, saved(small(own, 12, 12, 3))))
    elif case.note == "loop":
        (root / "c").symlink_to(root)
    elif case.note == "no-files":
        cases.replace_by(root, own.choice(["missing", "loop", "fifo", "null", "dangling"]))


@cases.kind("folders", 80)
def folders(rng):
    while True:
        yield later(rng.choice(USES), rng.getrandbits(32), build)
