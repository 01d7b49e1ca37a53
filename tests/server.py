"""A process that has imported convlab and forks a child for each command.

An interpreter with Numba takes a second or two to start; a fork takes milliseconds, and what it
makes is a process as real: with a folder, streams, an environment and an exit status of its own.
The parent never runs a loop: a pool of threads that has run does not survive a fork.  A request
is its length, its streams as open files and JSON; an answer is JSON on a line.
"""

import contextlib
import importlib
import json
import os
import resource
import signal
import socket
import struct
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
        for name in group.lazy:
            command = group.get_command(None, name)
            if isinstance(command, LazyGroup):
                load(command)

    load(convlab)


def become(request: dict, streams: list[int]) -> None:
    """In the child: the folder, the streams and the environment of the case."""
    os.setsid()
    os.chdir(request["cwd"])
    if "largest" in request:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["largest"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in streams:
        os.close(stream)
    # As the interpreter makes them when it starts.
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)
    for number in request.get("closed", ()):
        setattr(sys, ("stdin", "stdout", "stderr")[number], None)
        os.close(number)


def execute(code: str) -> None:
    """Run Python; what convlab raises on purpose becomes a line, as in the command."""
    from convlab.errors import ConvlabError

    try:
        exec(compile(code, "<case>", "exec"), {"__name__": "case"})
    except ConvlabError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)


def run(request: dict, streams: list[int]) -> None:
    """In the child: the command as the installed script runs it.  Does not return."""
    status = 0
    try:
        become(request, streams)
        if request.get("fresh"):
            argv = [str(COMMAND), *request["argv"]]
            os.execve(COMMAND, list(map(os.fsencode, argv)), request["env"])
        os.environ.clear()
        os.environ.update(request["env"])
        sys.argv = ["convlab", *request["argv"]]
        if request.get("code") is None:
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


def watch(child: int, limited: bool) -> dict:
    """Wait for the child, and end it where it takes too long or, ``limited``, too much."""
    begin, killed = time.monotonic(), ""
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        seconds = time.monotonic() - begin
        if done:
            break
        late = seconds > MOST_AT_ALL
        if limited:
            busy = busy_seconds(child)
            # Beside other work on the machine, a second by the clock may be little of the CPU.
            late = late or busy > MOST_BUSY or (seconds > MOST_IDLE and busy < 1)
        if not killed and (late or (limited and resident_mb(child) > KILLED_MB)):
            killed = "time" if late else "memory"
            os.kill(child, signal.SIGKILL)
        time.sleep(0.02 if seconds > 0.5 else 0.002)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what it started itself
    return {
        "status": os.waitstatus_to_exitcode(status),
        "killed": killed,
        "wall": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1000,
    }


def serve(connection: socket.socket) -> None:
    preload()
    while True:
        length, streams, _, _ = socket.recv_fds(connection, 4, 3)
        if not length:
            return
        (left,) = struct.unpack("I", length)
        body = b""
        while len(body) < left:
            body += connection.recv(left - len(body))
        request = json.loads(body)
        child = os.fork()
        if child == 0:
            connection.close()
            run(request, streams)
        for stream in streams:
            os.close(stream)
        answer = watch(child, limited="largest" in request)
        connection.sendall(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
