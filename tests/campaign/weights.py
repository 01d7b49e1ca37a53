"""Weights and states of training: safetensors that are cut, flipped, or say something else."""

import json
import struct
from functools import partial

import numpy as np

from .cases import EITHER, FAILS, GARBAGE, NO_FILES, damaged, flip, kind, later, written_as

USES = [
    ["predict", "run", "digit.png"],
    ["evaluate", "run", "--json"],
    ["render", "filters", "run", "-o", "out.png"],
    ["render", "weights", "run", "-o", "out.png"],
    ["render", "saliency", "run", "digit.png", "-o", "out.png"],
    ["explain", "run", "digit.png", "--layer", "conv2", "--unit", "3,4,5"],
    ["page", "run", "-o", "lab.html"],
    ["train", "--from", "run", "--epochs", "1", "--limit", "2", "--quiet", "-o", "new"],
]
SNAPSHOTS = [
    ["render", "weights", "run", "--epochs", "-o", "out.png"],
    ["render", "filters", "run", "-o", "out.gif"],
]
RESUME = ["train", "--resume", "run", "--quiet"]


def taken_apart(content: bytes) -> tuple[dict, bytes]:
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def put_together(header, data: bytes, size: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


def edit_header(rng, content):
    """Types, ranges and shapes that do not fit, in any entry of the header."""
    header, data = taken_apart(content)
    name = rng.choice([key for key in header if key != "__metadata__"])
    entry = header[name]
    change = rng.randrange(12)
    if change == 0:
        entry["dtype"] = rng.choice(["F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "X"])
    elif change == 1:
        entry["shape"] = rng.choice([[], [0], [-1], [1 << 62, 4], [2.5], "6", None, [1] * 70])
    elif change == 2:
        entry["data_offsets"] = rng.choice([[0, 0], [-4, 4], [4, 0], [1 << 63, 1 << 63], None])
    elif change == 3:
        del header[name]
    elif change == 4:
        header[rng.choice(["", "more", "conv1", "conv1.weight.weight", "\n", "x" * 500])] = entry
    elif change == 5:
        del entry[rng.choice(list(entry))]
    elif change == 6:
        header["__metadata__"] = rng.choice([None, 3, [], {"best_epoch": 1}, {"a": {"b": "c"}}])
    elif change == 7:
        words = ["", "x", "-1", "1e9", "nan", "9" * 400, "²", "1.5", "\n\n"]
        header["__metadata__"] = {"best_epoch": rng.choice(words)}
    elif change == 8:
        return put_together(header, data, rng.choice([0, 1, 1 << 20, 1 << 40, (1 << 64) - 1]))
    elif change == 9:
        return put_together(rng.choice([b"", b"null", b"[]", b"{" * 9000, b'{"a":' * 9000]), b"")
    elif change == 10:
        return put_together(header, data + rng.randbytes(100))
    else:
        text = json.dumps(header)
        return put_together((text[:-1] + "," + text[1:]).encode(), data)
    return put_together(header, data)


def read_arrays(content):
    header, data = taken_apart(content)
    kinds = {
        "F32": np.float32,
        "I64": np.int64,
        "F64": np.float64,
        "U8": np.uint8,
        "U64": np.uint64,
    }
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            numbers = np.frombuffer(data[first:last], kinds.get(entry["dtype"], "u1"))
            arrays[name] = numbers.reshape(entry["shape"])
    return arrays, header.get("__metadata__")


def written(arrays, metadata) -> bytes:
    """Arrays as safetensors; bfloat16 and float8 come as (name of the type, bytes, shape)."""
    header, data = ({} if metadata is None else {"__metadata__": metadata}), b""
    names = {"float32": "F32", "float64": "F64", "float16": "F16", "int64": "I64", "uint8": "U8"}
    names |= {"bool": "BOOL", "int32": "I32", "int8": "I8", "uint64": "U64", "complex64": "C64"}
    for name, array in arrays.items():
        if not isinstance(array, tuple):
            array = names[str(array.dtype)], array.tobytes(), array.shape
        place = [len(data), len(data) + len(array[1])]
        header[name] = {"dtype": array[0], "shape": list(array[2]), "data_offsets": place}
        data += array[1]
    return put_together(header, data)


CHANGES = """nan inf -inf huge zero tiny half double bfloat16 float8 int64 bool complex64 one flat
row transposed empty axis lost"""
MAY_FIT = (
    "huge",
    "zero",
    "tiny",
    "half",
    "double",
    "bfloat16",
    "flat",
    "transposed",
    "one",
    "int64",
    "bool",
)


def changed(rng, change, array):
    """An array with other numbers, of another type or of another shape."""
    out = array.copy()
    if change in ("nan", "inf", "-inf"):
        out.flat[rng.randrange(out.size)] = float(change)
    elif change in ("huge", "zero", "tiny"):
        out[...] = {"huge": 3e38, "zero": 0, "tiny": 1e-42}[change]
    elif change in ("half", "double", "int64", "bool", "complex64"):
        out = out.astype({"half": np.float16, "double": float}.get(change, change))
    elif change == "bfloat16":
        upper = out.astype(np.float32).view(np.uint32) >> 16
        out = "BF16", upper.astype("<u2").tobytes(), out.shape
    elif change == "float8":
        out = "F8_E4M3", bytes(out.size), out.shape
    elif change == "one":
        out = out.reshape(-1)[:1].reshape((1,) * out.ndim)
    elif change == "flat":
        out = out.reshape(-1)
    elif change == "row":
        out = out[:1]
    elif change == "transposed":
        out = np.ascontiguousarray(out.T)
    elif change == "empty":
        out = out[:0]
    elif change == "axis":
        out = out[None]
    return out


def other_arrays(rng, content):
    """(note, whether it must fail, content): whole files with one or all arrays changed."""
    arrays, metadata = read_arrays(content)
    floats = [name for name, array in arrays.items() if array.dtype == np.float32 and array.size]
    name, change, every = rng.choice(floats), rng.choice(CHANGES.split()), rng.random() < 0.4
    if change == "lost":
        del arrays[name]
    else:
        for each in floats if every else [name]:
            arrays[each] = changed(rng, change, arrays[each])
    note = f"{change} in {'all' if every else name}"
    return note, EITHER if change in MAY_FIT else FAILS, written(arrays, metadata)


def other_state(rng, content):
    """The progress that stands in the metadata, with other values."""
    header, data = taken_apart(content)
    state = json.loads(header["__metadata__"]["state"])
    places = [(state, key) for key in state]
    places += [(part, key) for part in state.values() if isinstance(part, dict) for key in part]
    part, key = rng.choice(places)
    values = [None, -1, 10**30, 1.5, "x", [], {}, True, float("nan"), [[]], "\n", 10**9]
    part[key] = value = rng.choice(values)
    header["__metadata__"]["state"] = json.dumps(state)
    return put_together(header, data), f"state {key} is {value!r}"


def use_of(rng, file):
    if file == "last.safetensors":
        return RESUME
    if file.startswith("snapshots"):
        return rng.choice(SNAPSHOTS)
    return rng.choice(USES)


def build(file, own, folder, case):
    path, how = folder / "run" / file, own.randrange(20)
    content, special = path.read_bytes(), None
    if how < 4:
        content, case.note = damaged(own, content), "damaged"
    elif how < 5:
        content, case.note = flip(own, content, 400), "bits of the header"
    elif how < 10:
        content, case.note = edit_header(own, content), "the header says something else"
    elif how < 12 and file == "last.safetensors":
        content, case.note = other_state(own, content)
    elif how < 18:
        case.note, case.right, content = other_arrays(own, content)
    elif how < 19:
        content, case.right, case.note = own.choice(GARBAGE), FAILS, "garbage"
    else:
        special = case.note = own.choice(NO_FILES)
    case.note += f" ({file})"
    if file.startswith("snapshots"):
        case.right = EITHER
    written_as(path, content, special)


@kind("weights", 150)
def weights(rng):
    files = ["model"] * 3 + ["last"] * 2 + ["snapshots/epoch-0001"]
    while True:
        file = rng.choice(files) + ".safetensors"
        yield later(use_of(rng, file), rng.getrandbits(32), partial(build, file))
