"""What is read of a user's files: regular ones, up to a limit, text as UTF-8."""

import os
import socket
import subprocess
import sys

import pytest

from convlab import checks, reading

pytestmark = pytest.mark.smoke


def reason(path, read=reading.read_text, limit=1000):
    with pytest.raises(OSError) as caught:
        read(path, limit)
    return caught.value.strerror


def test_only_regular_files_up_to_the_limit(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(5_000_000_000)
    (tmp_path / "whole").write_bytes(b"a" * 1000)
    assert reason(tmp_path / "folder") == "Is a directory"
    assert reason(tmp_path / "pipe") == "expected a regular file, got a named pipe"
    assert reason(tmp_path / "socket") == "expected a regular file, got a socket"
    assert reason("/dev/zero") == "expected a regular file, got a device"
    assert reason(tmp_path / "sparse") == "expected at most 1,000 bytes, got 5,000,000,000"
    assert "expected at most 1 bytes" in reason("/proc/self/status", reading.read_bytes, 1)
    assert reason("a\0b") == "expected a path, got one with a null character"
    assert "symbolic links" in reason(tmp_path / "loop")
    assert len(reading.read_text(tmp_path / "whole", 1000)) == 1000


def test_text_is_utf_8_with_or_without_a_mark(tmp_path):
    path = tmp_path / "text"
    for content in (b"a = 1\r\n", b"\xef\xbb\xbfa = 1\n"):
        path.write_bytes(content)
        assert reading.read_text(path, 1000) == "a = 1\n"
    for coding in ("utf-16", "utf-16-be"):
        path.write_bytes("\ufeffa = 1".encode(coding))
        assert reason(path) == "not UTF-8 text but UTF-16"
    path.write_bytes("\xe9".encode("latin-1"))
    assert reason(path) == "not UTF-8 text"


DEEP, LARGE = "expected at most 20 levels", "expected whole numbers of 64 bits"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 100_000, DEEP),
        ("a = " + "[" * 21 + "]" * 21, DEEP),
        ("a." * 100_000 + "a = 1", DEEP),
        ("['x y'" + ". 'x y'" * 50 + "]", DEEP),
        ("a = {" + "a = {" * 5_000, DEEP),
        ("a = 9223372036854775808000", LARGE),
        ("a = " + "9" * 10_000, LARGE),
        ("a = 0x" + "f" * 10_000, LARGE),
        ("a = ", "not TOML: Invalid value"),
        ("a = 1\na = 2", "not TOML: Cannot overwrite a value"),
    ],
    ids=range(10),
)
def test_toml_that_is_refused(text, message):
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        reading.parse_toml(text)
    assert len(str(caught.value)) <= 220
    assert "\n" not in str(caught.value)


def test_json_as_toml(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": [[1.5, null], "b"]}')
    assert reading.read_json(path) == {"a": [[1.5, None], "b"]}
    for text, message in (
        ("[" * 100_000, DEEP),
        ("9" * 10_000, "expected whole numbers of 128 bits, got a larger one"),
        ("{", "not JSON: "),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            reading.read_json(path)


def test_a_value_in_an_error_is_short():
    nested = value = []
    for _ in range(5000):
        value.append([])
        value = value[0]
    for long in (nested, "x" * 10**6, [0] * 10**6, {str(i): i for i in range(10**4)}):
        assert len(checks.shown(long)) <= 200
    assert checks.shown("28x28") == "'28x28'"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by Linux")
def test_the_worst_files_cost_no_memory(tmp_path):
    """A gigabyte for the process; without the limits each of these asks for more."""
    code = f"""
import gzip, os, resource, sys, zlib
from pathlib import Path
import numpy, PIL.Image
from convlab.data import idx, pictures
from convlab.errors import DataError
from convlab import checks, reading
folder = Path({str(tmp_path)!r})
def png(width, height):
    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return (b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", size + bytes([8, 0, 0, 0, 0]))
        + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))
(folder / "line.png").write_bytes(png(99_000_000, 1))
header = (2051).to_bytes(4, "big") + (2**31).to_bytes(4, "big") + (28).to_bytes(4, "big") * 2
(folder / "images").write_bytes(header)
with gzip.open(folder / "bomb", "wb", 1) as file:
    file.write(header)
    for _ in range(60):
        file.write(bytes(1_000_000))
_, limit = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, limit))
for act in (
    lambda: pictures.read_picture(folder / "line.png", size=(28, 28), channels=1),
    lambda: idx.read_idx_pair(folder / "images", folder / "images"),
    lambda: idx.read_content(folder / "bomb", 50_000_000),
    lambda: reading.read_text("/dev/zero", 1000),
):
    try:
        act()
    except (DataError, OSError) as error:
        print(error)
# Not ru_maxrss, which a new process takes over from the one that started it.
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    line, images, bomb, zero, memory = done.stdout.splitlines()
    assert "at most 100,000,000 pixels and 65,535 along a side, got 99000000 x 1" in line
    assert f"2147483648 x 28 x 28, expected {2**31 * 784} bytes after it, got 0" in images
    assert "bomb: expected at most 50,000,000 bytes of content, got more" in bomb
    assert "got a device" in zero
    assert int(memory) < 1_000_000  # KB
