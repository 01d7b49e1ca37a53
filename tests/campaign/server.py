"""A process that has imported convlab and forks a child for each command.

An interpreter with Numba takes a second or two to start; a fork takes milliseconds.  The parent
never runs a loop: a pool of threads that has run does not survive a fork.  Requests and answers
are JSON, one a line.
"""

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

COMMAND = Path(sys.executable).with_name("convlab")
KILLED_MB = 3000  # far above what is allowed, so that one case cannot take the machine
MOST_BUSY, MOST_IDLE, MOST_AT_ALL = 15, 30, 200  # seconds after which a case is ended
PRELOADED = (
    "convlab.data convlab.insight convlab.lab convlab.models convlab.training convlab.viz"
    " convlab.lessons convlab.quiz convlab.tasks convlab.experiments"
    " convlab_gallery.build convlab_gallery.site"
    " matplotlib.backends.backend_agg matplotlib.backends.backend_svg PIL.Image PIL.PngImagePlugin"
    " pooch requests safetensors.numpy scipy.ndimage sklearn.datasets sklearn.decomposition"
)


def preload() -> None:
    """Import everything that commands import."""
    from convlab_cli.lazy import LazyGroup
    from convlab_cli.main import convlab

    for name in PRELOADED.split():
        importlib.import_module(name)

    def load(group):
        for module, _ in group.lazy.values():
            command = importlib.import_module(module).command
            if isinstance(command, LazyGroup):
                load(command)

    load(convlab)


def become(request: dict) -> None:
    """In the child: the folder, the streams and the environment of the case."""
    os.setsid()
    os.chdir(request["cwd"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (request["largest"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    read, write = os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, name, flags in (
        (0, request["stdin"], read),
        (1, request["stdout"], write),
        (2, request["stderr"], write),
    ):
        if name == "closed":
            os.close(number)
        elif name == "gone":  # a pipe that nobody reads
            reader, writer = os.pipe()
            os.close(reader)
            os.dup2(writer, number)
            os.close(writer)
        else:
            opened = os.open(name, flags, 0o666)
            os.dup2(opened, number)
            os.close(opened)


def execute(code: str) -> None:
    """Run Python; what convlab raises on purpose becomes a line, as in the command."""
    from convlab.errors import ConvlabError

    try:
        exec(compile(code, "<case>", "exec"), {"__name__": "case"})
    except ConvlabError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)


def run(request: dict) -> None:
    """In the child: the command as the installed script runs it.  Does not return."""
    status = 0
    try:
        become(request)
        if request["fresh"]:
            argv = [str(COMMAND), *request["argv"]]
            os.execve(COMMAND, list(map(os.fsencode, argv)), request["env"])
        os.environ.clear()
        os.environ.update(request["env"])
        sys.argv = ["convlab", *request["argv"]]
        if request["code"] is None:
            from convlab_cli.main import main

            main()
        else:
            execute(request["code"])
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(status)


def resident_mb(process: int) -> float:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * resource.getpagesize() / 1e6


def busy_seconds(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def watch(child: int) -> dict:
    """Wait for the child, and end it where it takes too long or too much memory."""
    begin, killed = time.monotonic(), ""
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        seconds = time.monotonic() - begin
        if done:
            break
        busy = busy_seconds(child)
        # Beside other work on the machine, a second by the clock may be little of the CPU.
        late = busy > MOST_BUSY or seconds > (MOST_IDLE if busy < 1 else MOST_AT_ALL)
        if not killed and (late or resident_mb(child) > KILLED_MB):
            killed = "time" if late else "memory"
            os.kill(child, signal.SIGKILL)
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what it started itself
    code = os.waitstatus_to_exitcode(status)
    return {
        "status": code,
        "killed": killed,
        "wall": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1000,
    }


def serve() -> None:
    preload()
    # Children's streams are files; the pipe to the tests is the parent's alone.
    answers = os.fdopen(os.dup(1), "w")
    requests = os.fdopen(os.dup(0), "r")
    for line in requests:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            answers.detach()
            requests.detach()
            run(request)
        print(json.dumps(watch(child)), file=answers, flush=True)


if __name__ == "__main__":
    serve()
