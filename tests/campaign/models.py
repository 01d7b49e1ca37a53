"""Models in TOML: wrong values, odd wholes, and files that are no text."""

from . import cases
from .cases import EITHER, FAILS, GARBAGE, NO_FILES, WORKS, chosen, damaged, later

USES = [
    ["summary", "net.toml"],
    ["render", "architecture", "net.toml", "-o", "out.png"],
    ["receptive-field", "net.toml"],
    ["render", "receptive-field", "net.toml", "--chain", "-o", "out.png"],
    ["render", "costs", "net.toml", "-o", "out.png"],
    ["train", "--model", "net.toml", "--epochs", "1", "--limit", "2", "--quiet", "-o", "new"],
]
TOP = 'input = "8x8x1"\n'
VALUES = """0|-1|1000000000|9223372036854775808|1.5|nan|inf|-inf|true|""|" "|"3"|"²"|"classes"|[]
[1,2,3]|{a=1}|1979-05-27|07:32:00|[3,3]|[1e9,1]|0x7fffffff|"\\u0000"|"\\n"|[[1]]|"x"|{}"""
VALUES = VALUES.replace("\n", "|").split("|")
SIZES = ["1000000000x1000000000x1", "0x8x1", "8x8", "-8x8x1", "8x8x99999999", "8 x 8 x 1", "²x8x1"]
KEYS = {
    "Conv2d": "out_channels kernel_size stride padding dilation groups bias padding_mode"
    " initialisation in_channels name inputs type",
    "ConvTranspose2d": "out_channels kernel_size stride padding output_padding groups dilation",
    "MaxPool2d": "kernel_size stride padding dilation ceil_mode return_indices",
    "AvgPool2d": "kernel_size stride padding ceil_mode count_include_pad divisor_override",
    "AdaptiveAvgPool2d": "output_size",
    "Dropout": "p probability",
    "Linear": "out_features bias in_features initialisation",
    "Flatten": "start_dim name",
    "EuclideanRBF": "centres out_features",
    "TableConv2d": "table kernel_size",
    "Subsample2d": "kernel_size channels",
    "Concat": "inputs dim",
    "Add": "inputs",
    "Softmax": "dim axis",
}
ARGUMENTS = {
    "Conv2d": ["out_channels = 2", "kernel_size = 3"],
    "ConvTranspose2d": ["out_channels = 2", "kernel_size = 3"],
    "Linear": ['out_features = "classes"'],
    "MaxPool2d": ["kernel_size = 2"],
    "AvgPool2d": ["kernel_size = 2"],
}


def layer(type_, *more):
    """A layer's table, with its usual arguments where ``more`` does not say them."""
    given = {line.partition(" ")[0] for line in more}
    usual = [line for line in ARGUMENTS.get(type_, []) if line.partition(" ")[0] not in given]
    first = [] if "type" in given else [f'type = "{type_}"']
    return "\n".join(["[[layer]]", *first, *usual, *more]) + "\n"


TAIL = layer("Flatten") + layer("Linear")
SMALL = TOP + layer("Conv2d", 'name = "conv1"') + layer("ReLU") + layer("MaxPool2d") + TAIL


def one_value(rng):
    """A layer of any kind with one value that is none."""
    type_ = rng.choice(list(KEYS))
    said = f"{rng.choice(KEYS[type_].split())} = {rng.choice(VALUES)}"
    return f"{type_}: {said}", EITHER, TOP + layer(type_, said) + SMALL.removeprefix(TOP)


def top_value(rng):
    key = rng.choice(["input", "input", "loss", "pixels", "rate", "layer", "more"])
    sizes = [f'"{size}"' for size in SIZES]
    said = f"{key} = {rng.choice(VALUES + sizes)}"
    top = "" if key == "input" else TOP
    return said, EITHER, f"{said}\n{top}" + SMALL.removeprefix(TOP)


def whole(rng):
    deep = rng.choice([300, 1000, 3000])
    named = [f'name = "b{i}"' for i in range(deep // 3)]
    fan = "".join(layer("ReLU", name, 'inputs = ["input"]') for name in named)
    fan += layer("Concat", f"inputs = [{', '.join(name[7:] for name in named)}]")
    doubled = layer("ReLU", 'name = "a0"')
    for i in range(1, 60):
        doubled += layer("Add", f'name = "a{i}"', f'inputs = ["a{i - 1}", "a{i - 1}"]')

    def relu(name, reads=None):
        return layer("ReLU", f'name = "{name}"', *([f'inputs = ["{reads}"]'] if reads else []))

    return chosen(
        rng,
        (f"{deep} layers", EITHER, TOP + layer("ReLU") * deep + TAIL),
        (f"{deep} convolutions", EITHER, TOP + layer("Conv2d", "kernel_size = 1") * deep + TAIL),
        (f"{deep // 3} branches", EITHER, TOP + fan + TAIL),
        ("added to itself 60 times", EITHER, TOP + doubled + TAIL),
        ("a cycle", FAILS, TOP + relu("a", "b") + relu("b", "a") + TAIL),
        ("reads itself", FAILS, TOP + relu("a", "a") + TAIL),
        ("reads nothing that is", FAILS, TOP + relu("a", "x") + TAIL),
        ("a name twice", FAILS, TOP + relu("a") + relu("a") + TAIL),
        ("a long name", EITHER, TOP + relu("x" * 5000) + TAIL),
        ("NUL in a name", FAILS, TOP + relu("conv\\u0000") + TAIL),
        ("a name that the network has", EITHER, TOP + relu("name") + TAIL),
        ("a method's name", EITHER, TOP + relu("forward") + TAIL),
        ("an umlaut in a name", EITHER, TOP + relu("größe") + TAIL),
        ("markup in a name", FAILS, TOP + relu("<b>&") + TAIL),
        ("10^9 filters", FAILS, TOP + layer("Conv2d", "out_channels = 1000000000") + TAIL),
        ("10^30 filters", FAILS, TOP + layer("Conv2d", f"out_channels = {10**30}") + TAIL),
        ("100,000 pixels wide", EITHER, 'input = "100000x100000x3"\n' + layer("Conv2d") + TAIL),
        ("large maps", EITHER, 'input = "4096x4096x64"\n' + layer("Conv2d") + TAIL),
        ("no layers", FAILS, TOP),
        ("a layer that is a number", FAILS, TOP + "layer = 3\n"),
        ("single brackets", FAILS, TOP + "[layer]\ntype = 'ReLU'\n"),
        ("layers that are numbers", FAILS, TOP + "layer = [1, 2]\n"),
        ("deep lists", FAILS, TOP + "x = " + "[" * deep * 30 + "]" * deep * 30),
        ("deep tables", FAILS, TOP + "x = " + "{a=" * deep * 30),
        ("a deep key", FAILS, TOP + "a." * deep * 20 + "b = 1\n"),
        ("a key twice", FAILS, TOP + SMALL),
        ("10,000 digits", FAILS, TOP + "x = " + "9" * 10_000 + "\n" + TAIL),
        ("20 MB of comment", EITHER, lambda: SMALL + "# " + "x" * 20_000_000),
        ("a byte-order mark", WORKS, b"\xef\xbb\xbf" + SMALL.encode()),
        ("UTF-16", EITHER, SMALL.encode("utf-16")),
        ("UTF-32", EITHER, SMALL.encode("utf-32")),
        ("Latin-1", EITHER, (SMALL + "# größe").encode("latin-1")),
        ("CRLF", WORKS, SMALL.replace("\n", "\r\n")),
        ("CR", EITHER, SMALL.replace("\n", "\r")),
        ("NUL at the end", FAILS, SMALL + "\0"),
    )


def build(rng, folder, case):
    how, special, content = rng.randrange(12), None, None
    if how < 5:
        case.note, case.right, content = one_value(rng)
    elif how < 6:
        case.note, case.right, content = top_value(rng)
    elif how < 9:
        case.note, case.right, content = whole(rng)
    elif how < 10:
        case.note, content = "damaged", damaged(rng, SMALL.encode())
    elif how < 11:
        case.note, case.right, content = "garbage", FAILS, rng.choice(GARBAGE)
    else:
        special = case.note = rng.choice(NO_FILES)
        case.right = FAILS
    cases.written_as(folder / "net.toml", content, special)


@cases.kind("toml", 140)
def toml(rng):
    while True:
        yield later(rng.choice(USES), rng.getrandbits(32), build)
