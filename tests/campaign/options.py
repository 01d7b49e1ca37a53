"""Every option of every command with values that it cannot mean."""

import click

from .cases import NO_FILES, kind, later, put, replace_by

USUAL = {
    "train": "--epochs 1 --limit 2 --quiet -o new",
    "evaluate": "run --json",
    "predict": "run digit.png",
    "explain": "--input 5",
    "page": "run -o lab.html",
    "summary": "lenet5",
    "receptive-field": "lenet5",
    "equivariance": "run --shifts 0,1 --images 4",
    "invariance": "run --shifts 0,1",
    "shape": "32x32x3",
    "lecture": "notes.md",
    "render neighbours": "digits",
    "render features": "run digit.png",
    "render channel-sum": "run digit.png",
    "render any-size": "run digit.png",
    "render receptive-field": "run --layer conv2 --unit 1,1",
    "render equivariance": "run digit.png --layer conv1",
    "render roc": "run --positive 3",
    "render embedding": "run --images 20",
    "render maximise": "run --layer conv1 --steps 4",
    "render top-patches": "run --layer conv1 --images 20",
    "render hierarchy": "run digit.png --images 20 --steps 4",
    "render dropout": "run digit.png --masks 5",
    "render augment": "digit.png",
    "render architecture": "lenet5",
    "render costs": "lenet5",
    "render field-growth": "lenet5",
    "render connection-table": "lenet5-1998",
    "render occlusion": "run digit.png --patch 14",
    "render saliency": "run digit.png --no-sanity",
    "render grad-cam": "run digit.png --no-sanity",
    "apply": "6x6-edge",
    "detect": "run digit.png",
    "segment predict": "run digit.png",
    "segment evaluate": "run",
    "segment train": "--steps 1 --quiet -o new",
    "stylize": "photo.png photo.png --steps 1 --pixels 64 --quiet",
    "experiment run": "depth --quick --quiet",
    "sweep": "dense --set epochs=1 --set limit=2 --seeds 1 --quiet -o new",
    "gallery": "--only one-step",
    "bench kernels": "--rounds 1",
    "quiz": "output-size --count 1 --seed 3",
}
LONG = ("segment train", "stylize", "experiment run", "sweep", "gallery", "bench")
LONG = (*LONG, "cache warm", "detect")
"""Commands whose usual work takes long: they get only what no option can mean."""

NO_VALUES = ["x", "", " ", "nan", "1e400", "-", "\udcff", "\x1b[0m", "a\nb", "=", "٣x"]
NUMBERS = """0 -1 1000000000 nan inf -inf 1.5 1e9 ² ٣ +3 1_000 0x10 1e-400 -0 3,4 1x1 3x x3
100000x100000 2000x2000 1x99999999 0x0 1e30"""
TEXTS = """../run zero.png ~ $HOME %s {0} * test: test:-1 test:99999 test:² digits/
größe 🐈 cafe\u0301 -- -1,2 0,0,0,0,0 .toml run/config.json digit.png run same,same =x ;;; 1;2,3"""
OUTPUTS = """nowhere/out.png out null.png out.exe .png folder.png out.PNG
fifo.png full.png file/out.png loop.png \udcff.png - dangling.png digit.png/out.png
run"""
NUMBERS = [*NUMBERS.split(), "1" + "0" * 30, "9" * 300, " 3"]
TEXTS = [*TEXTS.split(), "x" * 300, "a b"]
OUTPUTS = [*OUTPUTS.split(), "", "x" * 300 + ".png", "a\nb.png"]


def commands(group=None, path=()):
    """(words, command) of every command, and of its options as Click knows them."""
    from convlab_cli.main import convlab

    group = group or convlab
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def values(rng, words, option) -> list[str]:
    """What this option cannot mean, or hardly."""
    long = " ".join(words).startswith(LONG)
    kind = option.type
    if isinstance(kind, click.types.BoolParamType) or getattr(option, "is_flag", False):
        return []
    if isinstance(kind, click.Path):
        return list(OUTPUTS if not long else ["nowhere/out.png", "out.exe", "folder.png", ""])
    numeric = isinstance(kind, click.types.IntParamType | click.types.FloatParamType)
    if numeric:
        return NO_VALUES[:5] + ([] if long else NUMBERS * 2)
    if isinstance(kind, click.Choice):
        return NO_VALUES + TEXTS[:3] + [kind.choices[0].upper(), kind.choices[0] + " "]
    return NO_VALUES + ([] if long else NUMBERS + TEXTS)


def build(own, folder, case):
    """Files that outputs may be pointed at, each in the way."""
    (folder / "folder.png").mkdir()
    put(folder / "file", b"x")
    for name, special in (("fifo", "fifo"), ("full", "full"), ("null", "null"), ("zero", "zero")):
        replace_by(folder / f"{name}.png", special)
    for special in ("dangling", "loop"):
        replace_by(folder / f"{special}.png", special)
    if any(word in NO_FILES for word in case.argv):
        special = next(word for word in case.argv if word in NO_FILES)
        replace_by(folder / special, special)


SHARED = ("--theme", "--size", "--alt", "--device", "--threads", "--data-dir", "--seed")


@kind("options", 400)
def options(rng):
    found = [(words, command) for words, command in commands() if words[-1] != "warm"]
    turns = [(w, c, option) for w, c in found for option in c.params]
    rng.shuffle(turns)
    # What many commands share is tried less often.
    turns = [t for t in turns if t[2].opts[-1] not in SHARED or rng.random() < 0.3]
    while True:
        for words, command, option in turns:
            usual = USUAL.get(" ".join(words))
            if usual is None:
                usual = "run" if any(p.name == "run" for p in command.params) else ""
            known = values(rng, words, option)
            if not known:
                continue
            value = rng.choice(known)
            brief = not " ".join(words).startswith(LONG)
            if brief and isinstance(option.type, click.Path) and option.type.exists is False:
                value = rng.choice([value, value, *NO_FILES])
            argv = [*words, *usual.split()]
            if isinstance(option, click.Argument):
                argv = [*words, value, *usual.split()[1:]]
            else:
                argv += [option.opts[-1], value]
            case = later(argv, rng.getrandbits(32), build, note=f"{option.name} is {value!r:.60}")
            case.endless = "train" in words and value in ("1000000000", "1e9")
            case.endless |= words[0] == "experiment"  # at work for a quarter of a minute
            yield case


BRIEFLY = ["--epochs", "1", "--limit", "2", "--quiet"]
ODD = [
    ["--version"],
    ["-h"],
    ["x"],
    ["render", "x"],
    ["render", "-h"],
    ["train", "train"],
    ["summary"],
    ["summary", "lenet5", "lenet5"],
    ["--", "summary", "lenet5"],
    ["summary", "--", "--help"],
    ["-x"],
    ["SUMMARY", "lenet5"],
    ["summary", "lenet5", "--json=1"],
    ["predict", "run", *["digit.png"] * 500],
    ["predict", "run", "run", "digit.png"],
    ["predict", "digit.png", "run"],
    ["predict", "run", "digit.png", "-"],
    ["render", "field-growth", *["lenet5"] * 50],
    ["render", "field-growth"],
    ["train", "--resume", "run", "--epochs", "3"],
    ["train", "--from", "run", "--freeze", "x", "--quiet"],
    ["train", "--new-head", "--quiet"],
    ["train", "-o", "run", "--quiet"],
    ["train", "-o", "digit.png", "--quiet"],
    ["train", "-o", "digit.png/run", "--quiet"],
    ["train", "-o", "images", "--exist-ok", "--lr", "1e30", *BRIEFLY],
    ["train", "-o", "run", "--exist-ok", "--lr", "1e30", *BRIEFLY],
    ["train", "-o", "", *BRIEFLY],
    ["train", "--batch-size", "100000", *BRIEFLY],
    ["render", "arithmetic", "--input", "40x40", "-o", "out.gif"],
    ["render", "arithmetic", "--input", "5000x5000", "-o", "out.png"],
    ["render", "arithmetic", "--input", "60x60", "--step", "all", "-o", "out.pdf"],
    ["render", "pooling", "--input", "3000x3000", "--global", "-o", "out.png"],
    ["explain", "--input", "9999x9999", "--kernel", "9999x9999"],
    ["shape", "999999999x999999999x999999999", "--kernel", "999999999", "--filters", "9" * 30],
    ["quiz", "all", "--count", "100", "-o", "out.pdf"],
    ["quiz", "all", "--interactive"],
    ["apply", "photo.png", "--kernel", "gaussian:1e9", "-o", "out.png"],
    ["apply", "photo.png", "--kernel", "box:99999", "-o", "out.png"],
    ["apply", "photo.png", "--kernel", "motion:2001", "-o", "out.png"],
    ["apply", "photo.png", "--kernel", "1 " * 5000, "-o", "out.png"],
    ["apply", "photo.png", "--kernel", "1e38 1e38; 1e38 1e38", "-o", "out.png", "--raw", "o.csv"],
    ["apply", "photo.png", "-o", "out.png", "--raw", "out.npy", "--json-file", "nowhere/out.json"],
    ["apply", "photo.png", "-o", "photo.png"],
    ["apply", "photo.png", "-o", "out.png", "--json", "out.png"],
    ["render", "filters", "run", "-o", "run/model.safetensors"],
    ["render", "features", "run", "digit.png", "--npz", "nowhere/x.npz", "-o", "out.png"],
    ["render", "features", "run", "digit.png", "--npz", "folder.png", "-o", "out.png"],
    ["render", "maximise", "run", "--layer", "conv1", "--rate", "10", "--steps", "50"],
    ["render", "maximise", "run", "--layer", "conv1", "--unit", "9" * 25],
    ["render", "saliency", "run", "digit.png", "--target", "9" * 25],
    ["render", "embedding", "run", "--images", "4", "--method", "tsne"],
    ["render", "receptive-field", "alexnet", "--chain", "--unit", "99999,99999"],
    ["summary", "run", "--json"],
    ["devices", "--compile"],
    ["cache", "info"],
]


@kind("calls", len(ODD))
def calls(rng):
    """Whole command lines, each hard for a reason of its own."""
    for argv in ODD:
        yield later(argv, 0, build, note="a call as a whole")
