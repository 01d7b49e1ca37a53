"""Run folders: files that are missing or say something else, config.json and history.csv."""

import json

from .cases import (
    EITHER,
    FAILS,
    GARBAGE,
    NO_FILES,
    WORKS,
    chosen,
    damaged,
    kind,
    later,
    put,
    replace_by,
    written_as,
)

USES = [
    ["predict", "run", "digit.png"],
    ["predict", "run", "test:3"],
    ["evaluate", "run", "--json"],
    ["render", "curves", "run", "-o", "out.png"],
    ["render", "filters", "run", "--before", "-o", "out.png"],
    ["render", "confusion", "run", "-o", "out.png"],
    ["render", "grad-cam", "run", "digit.png", "-o", "out.png"],
    ["render", "architecture", "run", "-o", "out.svg"],
    ["summary", "run"],
    ["equivariance", "run", "--shifts", "0,1", "--images", "4", "-o", "out.png"],
    ["page", "run", "-o", "lab.html"],
    ["detect", "run", "digit.png", "-o", "out.png"],
    ["segment", "predict", "run", "digit.png", "-o", "out.png"],
    ["train", "--resume", "run", "--quiet"],
    ["train", "--from", "run", "--epochs", "1", "--limit", "2", "--quiet", "-o", "new"],
]
VALUES = [
    None,
    True,
    -1,
    0,
    1,
    10**9,
    10**30,
    1.5,
    "",
    "x",
    "\n",
    "a" * 3000,
    [],
    [[]],
    {},
    "\ud800",
]
VALUES += [float("nan"), float("inf"), [0, 0, 0], [10**9] * 3, [1, 28], [3, 28, 28], ["0"] * 10]


def places(value, above=()):
    """The way to each value of a JSON object."""
    if isinstance(value, dict):
        for key in value:
            yield (*above, key)
            yield from places(value[key], (*above, key))


def other_config(rng, content: bytes):
    """(note, content): a value of config.json is another, missing, or one too many."""
    config = json.loads(content)
    way = rng.choice(list(places(config)))
    part = config
    for key in way[:-1]:
        part = part[key]
    change, value, name = rng.randrange(8), rng.choice(VALUES), ".".join(way)
    if change == 0:
        del part[way[-1]]
        return f"{name} is missing", json.dumps(config).encode()
    part["another" if change == 1 else way[-1]] = value
    return f"{name}{' has a neighbour' * (change == 1)} {value!r:.40}", json.dumps(config).encode()


def whole_config(rng, content: bytes):
    text = content.decode()
    deep = rng.choice([900, 30_000])
    return chosen(
        rng,
        ("deep lists", FAILS, "[" * deep + "]" * deep),
        ("deep objects", FAILS, '{"a":' * deep + "1" + "}" * deep),
        ("a list", FAILS, f"[{text}]"),
        ("a text", FAILS, '"config"'),
        ("two objects", FAILS, text + text),
        ("a byte-order mark", EITHER, b"\xef\xbb\xbf" + content),
        ("UTF-16", EITHER, text.encode("utf-16")),
        ("Latin-1", FAILS, text.replace("lenet5", "lenét5").encode("latin-1")),
        ("a key twice", EITHER, text.replace('"classes"', '"classes": 3, "classes"')),
        ("a number of 10,000 digits", FAILS, text.replace("64", "9" * 10_000)),
        ("names with marks", EITHER, text.replace('"3"', '"$\\\\frac{"').replace('"4"', '"<b>&"')),
        ("names of other scripts", EITHER, text.replace('"3"', '"三"').replace('"4"', '"🐈"')),
        ("a class twice", EITHER, text.replace('"3"', '"4"')),
        ("an escape in a class", EITHER, text.replace('"3"', '"\\u001b[31m"')),
        ("compact", WORKS, json.dumps(json.loads(text))),
        ("20 MB of blanks", EITHER, lambda: text + " " * 20_000_000),
    )


def other_history(rng, content: bytes):
    text = content.decode()
    head, row = text.splitlines()
    number = rng.choice(
        ["nan", "inf", "-inf", "1e400", "x", "-1", "1e308", "²", "0x10", "1_0"] + ["", " ", "1,5"]
    )
    cells = row.split(",")
    cells[rng.randrange(len(cells))] = number
    return chosen(
        rng,
        *[(f"a number {number!r}", EITHER, f"{head}\n{','.join(cells)}\n")] * 8,
        ("no rows", FAILS, head + "\n"),
        ("no header", FAILS, row + "\n"),
        ("a short row", FAILS, f"{head}\n1,2\n"),
        ("a long row", EITHER, f"{head}\n{row},9,9\n"),
        ("a column twice", EITHER, text.replace("rate", "epoch", 1)),
        ("a column less", EITHER, text.replace("validation_loss", "x")),
        ("semicolons", FAILS, text.replace(",", ";")),
        ("a long field", FAILS, f"{head}\n{'9' * 200_000},{row}\n"),
        ("an open quote", FAILS, f'{head}\n"{row}\n'),
        ("NUL", FAILS, text + "\0\n"),
        ("100,000 epochs", EITHER, head + "\n" + (row + "\n") * 100_000),
        ("an epoch twice", EITHER, text + row + "\n"),
    )


def build(own, folder, case):
    run, how, special = folder / "run", own.randrange(20), None
    config, history = run / "config.json", run / "history.csv"
    path, content = config, config.read_bytes()
    if how < 9:
        case.note, content = other_config(own, content)
    elif how < 12:
        case.note, case.right, content = whole_config(own, content)
    elif how < 14:
        case.note, content = "damaged config.json", damaged(own, content)
    elif how < 16:
        path = history
        case.note, case.right, content = other_history(own, path.read_bytes())
        case.argv[:] = ["render", "curves", "run", "-o", "out.png"]
    elif how < 19:
        path = run / own.choice(["config.json", "history.csv", "last.safetensors", "snapshots"])
        if own.random() < 0.5:
            special = case.note = own.choice(NO_FILES)
        else:
            replace_by(path, "missing")
            case.note, content = "garbage", own.choice(GARBAGE)
        case.note += f" for {path.name}"
    else:
        case.note, case.right = own.choice(["nothing", "other files"]), FAILS
        replace_by(run, own.choice(["missing", "folder", "loop", "fifo", "null"]))
        return
    written_as(path, content, special)


@kind("runs", 130)
def runs(rng):
    while True:
        yield later(rng.choice(USES), rng.getrandbits(32), build)


OTHERS = ["evaluate", "curves", "filters", "weights", "embedding", "mistakes", "top-patches"]


@kind("rgb", 30)
def rgb(rng):
    """The run on a folder of images that has changed since."""
    for seed in (rng.getrandbits(32) for _ in iter(int, 1)):
        command = rng.choice([["evaluate"], *(["render", name] for name in OTHERS[1:])])
        output = [] if command == ["evaluate"] else ["-o", "out.png"]

        def build(own, folder, case):
            images = folder / "images"
            case.note = own.choice(["missing", "a class less", "a class more", "a picture less"])
            if case.note == "missing":
                replace_by(images, "missing")
            elif case.note == "a class less":
                (images / "cat").rename(folder / "cat")
            elif case.note == "a class more":
                put(images / "ant" / "0.png", (images / "cat" / "0000.png").read_bytes())
            else:
                name = f"{own.choice(['cat', 'dog'])}/000{own.randrange(10)}.png"
                replace_by(images / name, own.choice(["missing", "folder", "fifo", "zero"]))

        yield later([*command, "rgb", *output], seed, build, needs=("images",))
