"""What several test files share: the command as a user runs it, and one small run."""

import base64
import contextlib
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from convlab.kernels import cuda

COMMAND = Path(sys.executable).with_name("convlab")
PIPE = 65_536  # bytes that a pipe holds until somebody reads

if cuda.SIMULATED:
    # Its threads wait for each other in turns: of Python's usual 5 ms they are mostly waiting.
    sys.setswitchinterval(1e-4)

    from numba.cuda.simulator.kernelapi import FakeCUDAShared

    def shared_array(memory, shape, dtype):
        """The block's array of this line; by Numba's own, two threads that ask at once get two."""
        frame = sys._getframe(1)
        line = frame.f_code, frame.f_lineno
        return memory._allocations.setdefault(line, np.empty(shape, dtype))

    FakeCUDAShared.array = shared_array


@dataclass(frozen=True)
class Result:
    """What came of a command: exit status, standard output and standard error."""

    status: int
    out: str
    err: str


class Server:
    """Runs commands as children of a process that has imported convlab, see server.py."""

    def __init__(self, environment):
        self.free = threading.Lock()  # one command at a time
        ours, theirs = socket.socketpair()
        self.socket, self.answers = ours, ours.makefile("r")
        command = [sys.executable, Path(__file__).with_name("server.py"), str(theirs.fileno())]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
        )
        theirs.close()

    def __call__(self, request, *streams):
        """What came of a request, whose standard streams are these open files; closes them."""
        body = json.dumps(request).encode()
        with self.free:
            socket.send_fds(self.socket, [struct.pack("I", len(body))], streams)
            for stream in streams:
                os.close(stream)
            self.socket.sendall(body)
            return json.loads(self.answers.readline())

    def close(self):
        self.socket.shutdown(socket.SHUT_WR)
        self.process.wait()
        self.answers.close()
        self.socket.close()


def environment(**variables):
    """The user's environment with ``variables``; no test may reach the network."""
    closed = "http://127.0.0.1:9"
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), closed)
    kept = {k: v for k, v in os.environ.items() if k not in ("CONVLAB_DATA_DIR", "no_proxy")}
    return kept | proxies | {k: str(v) for k, v in variables.items()}


@cache
def server():
    """The server of this process of pytest; it ends with it."""
    return Server(environment())


class Convlab:
    """The installed command, in a folder of its own, without any data folder of the user."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.environment = environment

    def __call__(self, *arguments, stdin=b"", **variables):
        """Run ``convlab ARGUMENTS``; a traceback is never an answer."""
        words = [*map(str, arguments)]
        if variables or any(word.startswith("--thread") for word in words):
            # What reads the environment, or sets threads, does so when it is imported.
            done = subprocess.run(
                [COMMAND, *words],
                cwd=self.folder,
                env=environment(**variables),
                input=stdin,
                capture_output=True,
                timeout=300,
            )
            result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        else:
            result = self.forked(words, stdin)
        assert "Traceback" not in result.err + result.out, result.err
        return result

    def forked(self, words, stdin):
        """Run the command as a child of the server."""
        request = {"argv": words, "cwd": str(self.folder), "env": environment()}
        assert len(stdin) <= PIPE, "more than a pipe holds"
        (given, asked), (out, printed), (err, complained) = os.pipe(), os.pipe(), os.pipe()
        os.write(asked, stdin)
        os.close(asked)
        with open(out, "rb") as out, open(err, "rb") as err, ThreadPoolExecutor() as pool:
            texts = [pool.submit(stream.read) for stream in (out, err)]
            answer = server()(request, given, printed, complained)
            out, err = (text.result().decode() for text in texts)
        assert not answer["killed"], f"convlab {' '.join(words)}: {answer}"
        return Result(answer["status"], out, err)

    def in_terminal(self, terminal, *arguments):
        """Run the command with this end of a terminal as its streams; returns its exit status."""
        kept = {k: v for k, v in environment(TERM="xterm").items() if k not in ("NO_COLOR",)}
        request = {"argv": [*map(str, arguments)], "cwd": str(self.folder), "env": kept}
        return server()(request, terminal, os.dup(terminal), os.dup(terminal))["status"]

    def works(self, *arguments, **settings):
        """Run the command and return its standard output; it must succeed in silence."""
        result = self(*arguments, **settings)
        assert (result.status, result.err) == (0, ""), result
        return result.out

    def fails(self, *arguments, status=1, **settings):
        """Run the command and return its error, the one line of it; nothing else is printed."""
        result = self(*arguments, **settings)
        assert (result.status, result.out) == (status, ""), result
        assert result.err.startswith("Error: ") and result.err.endswith("\n"), result
        assert result.err.count("\n") == 1, result
        return result.err.removeprefix("Error: ").removesuffix("\n")

    def misused(self, *arguments, **settings):
        """Run a command that cannot be meant so; returns its error, the one line of it."""
        return self.fails(*arguments, **settings, status=2)

    def start(self, *arguments, stdin=None, **variables):
        """Start the command and return the process, with its output as text in pipes."""
        return subprocess.Popen(
            [COMMAND, *map(str, arguments)],
            cwd=self.folder,
            env=environment(**variables),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(scope="session")
def environment_with():
    """A function: the user's environment with these variables, and no way to the network."""
    return environment


# Of Open MPI.
MPI = {"OMPI_ALLOW_RUN_AS_ROOT": 1, "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": 1}
MPI["OMPI_MCA_mpi_yield_when_idle"] = 1  # more ranks than cores


@pytest.fixture
def run_beside(tmp_path):
    """A function that starts a program in the test's folder, in a group of its own."""
    started = []

    def start(*words, **variables):
        own = environment(**MPI, **variables)
        process = subprocess.Popen(
            [*map(str, words)],
            cwd=tmp_path,
            env=own,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture(scope="session")
def server_with():
    """A function that starts a server of commands with an environment."""
    return Server


@pytest.fixture(scope="session")
def convlab_in():
    """The installed command for a folder: ``convlab_in(folder)``."""
    return Convlab


@pytest.fixture
def convlab(tmp_path):
    """The installed command, run in an empty folder."""
    return Convlab(tmp_path)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """(folder, result) of ``convlab train --epochs 2 --json``; nobody may change the folder."""
    folder = tmp_path_factory.mktemp("trained")
    result = Convlab(folder)("train", "--epochs", 2, "--json")
    assert result.status == 0, result
    return folder / "runs" / "lenet5-digits", result


@pytest.fixture(scope="session")
def run(trained):
    """The folder of a small run of LeNet-5 on the digits; nobody may change it."""
    return trained[0]


# --- the page of a network -----------------------------------------------------------------

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Until a page has drawn what it was told: what its worker makes and what waits for the hand too.
SETTLED = """
    const done = arguments[0];
    const next = requestAnimationFrame;
    const rest = () => document.documentElement.classList.contains("behind")
        ? setTimeout(rest, 20)
        : next(() => next(() => next(() => next(() => setTimeout(done)))));
    Promise.resolve(globalThis.convlabLab?.store?.settled()).then(rest);
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A run of LeNet-5 that has seen twenty digits of each class once, with snapshots.

    Nobody may change it.
    """
    from convlab import training

    folder = tmp_path_factory.mktemp("tiny") / "tiny"
    settings = training.Settings(epochs=1, limit=20)
    trainer = training.Trainer(settings, training.prepare(settings))
    training.create(folder, trainer, snapshots=True)
    for _ in trainer.fit():
        training.save(folder, trainer)
    return training.load(folder)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium without a window, as a Selenium driver that can settle, or a visible skip."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="pages are tested with Selenium")
    for needed in (CHROMIUM, DRIVER):
        if not os.access(needed, os.X_OK):
            pytest.skip(f"pages are tested in Chromium, and there is no {needed}")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.settle = lambda: driver.execute_async_script(SETTLED)
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def pictures(browser):
    """A function that calls one of the page's pictures.js: ``pictures(name, *arguments)``."""
    from convlab.lab import page, translation

    texts = (
        page.TEMPLATE.joinpath(f"{name}.js").read_text("utf-8") for name in ("ink", "pictures")
    )
    source = re.sub(r"^import .*\n", "", "".join(texts), flags=re.MULTILINE)
    source = translation.translated(source, "en")

    def call(name, *arguments):
        if not browser.current_url.startswith("about:"):
            browser.get("about:blank")
        # An array goes as its bytes.
        packed = [
            {"bytes": base64.b64encode(each.tobytes()).decode()}
            if isinstance(each, np.ndarray)
            else each
            for each in arguments
        ]
        return browser.execute_async_script(
            """
            const [source, name, given, done] = arguments;
            const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
            const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const values = given.map((value) => (value?.bytes ? bytes(value.bytes) : value));
            const plain = (made) => (ArrayBuffer.isView(made) ? Array.from(made) : made);
            import(address).then((module) => {
                const made = module[name](...values);
                done(made.bytes ? { ...made, bytes: plain(made.bytes) } : plain(made));
            });
            """,
            source,
            name,
            packed,
        )

    return call


@pytest.fixture(scope="session")
def lab_run(tmp_path_factory):
    """The folder of LeNet-5 trained on the digits, right in 19 of 20 answers, with its page."""
    folder = tmp_path_factory.mktemp("lab")
    Convlab(folder).works("train", "--epochs", 10, "--page", "--quiet", "-o", "run")
    return folder / "run"


@pytest.fixture(scope="session")
def lab_page(lab_run):
    """The path of that run's page."""
    return lab_run / "lab.html"


def pytest_unconfigure():
    if server.cache_info().currsize:
        server().close()


def pytest_ignore_collect(collection_path, config):
    """A smoke test is not to wait for files that have none."""
    if config.option.markexpr == "smoke" and collection_path.suffix == ".py":
        return "mark.smoke" not in collection_path.read_text(encoding="utf-8") or None
    return None


def pytest_configure(config):
    if cuda.SIMULATED:
        # What a GPU computes in silence, NumPy's single numbers warn of.
        config.addinivalue_line("filterwarnings", "ignore::RuntimeWarning:convlab.kernels")


VARIANTS = ("dtype", "layout", "order")  # of which the simulator takes one


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
def device(request):
    """cpu, and cuda: a test that takes it holds on both."""
    return request.param


# --- figures ------------------------------------------------------------------------------

SMALLEST = {"slide": 16, "animation": 10, "small": 11}  # pixels; on paper 7 points


def text_boxes(figure):
    """(text, its box in pixels) of every text that is drawn."""
    renderer = figure.canvas.get_renderer()
    # The axes themselves are off, so they have no texts of their own.
    assert not any(axes.axison for axes in figure.axes)
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    drawn = [text for text in texts if text.get_visible() and text.get_text()]
    return [(text, text.get_window_extent(renderer)) for text in drawn]


def collisions(boxes):
    """Pairs of texts that share more than half a pixel in both directions."""
    if not boxes:
        return []
    x0, y0, x1, y1 = np.array([box.extents for _, box in boxes]).T
    shared_x = np.minimum(x1[:, None], x1) - np.maximum(x0[:, None], x0)
    shared_y = np.minimum(y1[:, None], y1) - np.maximum(y0[:, None], y0)
    pairs = np.argwhere(np.triu((shared_x > 0.5) & (shared_y > 0.5), k=1))
    return [(boxes[one][0].get_text(), boxes[two][0].get_text()) for one, two in pairs]


@pytest.fixture(scope="session")
def assert_legible():
    """A function that holds a figure's texts to the rules: on the canvas, apart, large enough."""

    def check(figure, size):
        boxes = text_boxes(figure)
        width, height = figure.get_size_inches() * figure.dpi
        outside = [
            text.get_text()
            for text, box in boxes
            if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height
        ]
        assert outside == []
        assert collisions(boxes) == []
        least = 0.72 * SMALLEST[size] if size in SMALLEST else 7
        points = [text.get_fontsize() for text, _ in boxes]
        assert min(points) >= least - 1e-9
        if size.startswith("paper"):
            assert max(points) <= 9 + 1e-9

    return check


@pytest.fixture(scope="session")
def find_collisions():
    """A function that lists the pairs of texts in a figure that touch."""
    return lambda figure: collisions(text_boxes(figure))


@pytest.fixture(scope="session")
def boxes_of():
    """A function that lists the texts of a figure with their boxes in pixels."""
    return text_boxes


def leave_a_sample(items):
    """Of the cases of a test with the marker ``sample`` all but so many are slow."""
    cases = {}
    for item in items:
        if item.get_closest_marker("sample") and not item.get_closest_marker("campaign"):
            cases.setdefault((item.path, item.originalname), []).append(item)
    for group in cases.values():
        count = group[0].get_closest_marker("sample").args[0]
        # By chance, so that no value of a parameter goes with the step from one to the next.
        kept = random.Random(group[0].originalname).sample(range(len(group)), count)
        for at, item in enumerate(group):
            if at not in kept:
                item.add_marker(pytest.mark.slow)


@pytest.hookimpl(tryfirst=True)  # before cases are chosen by their markers
def pytest_collection_modifyitems(config, items):
    """What needs a GPU is skipped, by name, where there is neither one nor its simulator.

    The simulator is slow: of what differs only in the kind of number and the order in memory
    it gets one, each time another.
    """
    leave_a_sample(items)
    if cuda.SIMULATED:
        alike = {}
        for item in items:
            if "device" in item.fixturenames and item.callspec.params["device"] == "cuda":
                own = {k: v for k, v in item.callspec.params.items() if k not in VARIANTS}
                alike.setdefault((item.path, item.originalname, repr(own)), []).append(item)
        kept = [group[turn % len(group)] for turn, group in enumerate(alike.values())]
        left_out = {id(item) for group in alike.values() for item in group} - set(map(id, kept))
        config.hook.pytest_deselected(items=[item for item in items if id(item) in left_out])
        items[:] = [item for item in items if id(item) not in left_out]
    reason = cuda.why_not()
    if reason is not None:
        for item in items:
            if "cuda" in item.keywords:
                item.add_marker(pytest.mark.skip(reason=f"no CUDA here: {reason}"))
