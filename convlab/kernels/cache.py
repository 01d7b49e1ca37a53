"""The compiled loops: the files they are kept in, their folder, and how to delete it."""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import re
import shutil
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import llvmlite.binding
import numba
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from convlab.errors import CacheError, CacheWarning
from convlab.names import counted

_NAME = re.compile("kernels-[0-9a-f]{16}")

# Numba's settings that change what is compiled, besides the CPU's.
_SETTINGS = (
    "BOUNDSCHECK",
    "DEBUGINFO_DEFAULT",
    "DEBUG_ARRAY_OPT_RUNTIME",
    "DEBUG_NRT",
    "ENABLE_PROFILING",
    "EXTEND_VARIABLE_LIFETIMES",
    "LLVM_REFPRUNE_FLAGS",
    "LLVM_REFPRUNE_PASS",
    "LOOP_VECTORIZE",
    "NRT_STATS",
    "OPT",
    "PARFOR_MAX_TUPLE_SIZE",
    "SLP_VECTORIZE",
    "USING_SVML",
)


class Folder(NamedTuple):
    """A folder of compiled loops: ``size`` in bytes; ``functions``: how many files are loops."""

    path: Path
    files: int
    size: int
    functions: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"folder": str(self.path), "files": self.files, "bytes": self.size}


class LoopCache(NullCache):
    """Where Numba looks for a loop's compiled versions: each is a file that begins with its digest.

    Numba's own cache takes whatever it finds for a pickle and for machine code.  Here a file
    that is damaged, or that another user may have written, is never unpickled: the loop is
    compiled again and the file replaced.  Where nothing can be written, nothing is kept.
    """

    def __init__(self, function: Callable, folder: Path | None):
        self._name, self._folder = f"{function.__module__}.{function.__qualname__}", folder

    def _rebuilt(self, target_context, state):
        return CompileResult._rebuild(target_context, *state)

    def _state(self, compiled):
        """The state that ``_rebuilt`` restores, or None for what cannot be kept."""
        return None if compiled.library.has_dynamic_globals else compiled._reduce()

    def load_overload(self, sig, target_context):
        """The version for these types of arguments, or None where none can be used."""
        if self._folder is None:
            if reason := _unsafe():
                _warn(
                    "compiled loops are not kept: expected a folder that only you can write to,"
                    f" but {reason}"
                )
            return None
        target_context.refresh()
        path, key = self._file(sig, target_context.codegen())
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode) or not _own(status):
                raise OSError
            content = path.read_bytes()
            digest, payload = content[:32], content[32:]
            if digest != hashlib.sha256(key + payload).digest():
                raise ValueError
            return self._rebuilt(target_context, pickle.loads(payload))
        except FileNotFoundError:
            pass
        except Exception:  # unpickling can raise anything
            _warn(f"damaged files in {self._folder}: their loops are compiled again")
        return None

    def save_overload(self, sig, data):
        """Keep a compiled version."""
        if self._folder is None or (state := self._state(data)) is None:
            return
        path, key = self._file(sig, data.codegen)
        payload = dumps(state)
        try:
            _make(self._folder)
            _write(path, hashlib.sha256(key + payload).digest() + payload)
        except OSError as error:
            _warn(f"compiled loops are not kept in {self._folder}: {error.strerror}")

    def _file(self, signature, codegen) -> tuple[Path, bytes]:
        settings = [getattr(numba.config, name, None) for name in _SETTINGS]
        processor = codegen.magic_tuple()
        parts = (self._name, signature, processor, settings, sys.implementation.cache_tag)
        key = repr(parts).encode()
        name = f"{self._name.split('.')[-1]}-{hashlib.sha256(key).hexdigest()[:16]}.nbc"
        assert self._folder is not None, "a loop is kept only where there is a folder"
        return self._folder / name, key


class KernelCache(LoopCache):
    """The same for a CUDA kernel: each file has the machine code for one compute capability."""

    def __init__(self, function: Callable, folder: Path | None):
        super().__init__(function, folder)
        made_of = _made_of(function)
        if made_of is None:
            self._folder = None
        digest = hashlib.sha256(repr((made_of, _package_version())).encode()).hexdigest()
        self._name += f"-{digest[:16]}"

    def load_overload(self, sig, target_context):
        return None if self._folder is None else super().load_overload(sig, target_context)

    def _rebuilt(self, target_context, state):
        from numba.cuda.dispatcher import _Kernel

        return _Kernel._rebuild(**state)

    def _state(self, compiled):
        try:
            state = compiled._reduce_states()
            dumps(state)
        except (RuntimeError, pickle.PicklingError):  # it is linked with other files
            return None
        return state


def _package_version() -> str:
    """The version of what compiles for CUDA, which may be Numba itself."""
    try:
        return version("numba-cuda")
    except PackageNotFoundError:
        return numba.__version__


def _made_of(function: Any) -> tuple | None:
    """What distinguishes a kernel from others, some of them made by the same function: its code and
    what its closure holds.  None for a function from outside this package, whose sources are part
    of the folder's name."""
    if not function.__module__.startswith(__package__):
        return None
    code = function.__code__
    caught = []
    for cell in function.__closure__ or ():
        value = cell.cell_contents
        own = _made_of(value) if isinstance(value, FunctionType) else repr(value)
        if own is None:
            return None
        caught.append(own)
    numbers = [value for value in code.co_consts if not isinstance(value, CodeType)]
    return function.__module__, function.__qualname__, code.co_code, numbers, caught


@lru_cache  # warned once: Python forgets its warnings whenever Numba compiles
def _warn(text: str) -> None:
    warnings.warn(text, CacheWarning, stacklevel=1)


def _write(path: Path, content: bytes) -> None:
    """Write the whole file or nothing, even if others write it at the same time."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


@lru_cache
def own_folder() -> Path | None:
    """Where compiled loops belong on this machine, or None for a user without a home.

    Its name is a hash of the kernels' sources, Numba's version and the CPU.
    """
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    cpu = llvmlite.binding.get_host_cpu_name()
    digest.update(f"{numba.__version__} {cpu} {platform.machine()}".encode())
    chosen = os.environ.get("CONVLAB_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    try:
        root = Path(chosen) if chosen else Path("~/.cache").expanduser()
        root = root.absolute()  # the program may change its working directory
    except (RuntimeError, OSError):
        return None
    return root / "convlab" / f"kernels-{digest.hexdigest()[:16]}"


@lru_cache
def why_not() -> str | None:
    """Why no loops are kept, or None where they are.  Makes the folder if necessary."""
    folder = own_folder()
    if folder is None:
        return "there is no home folder"
    try:
        _make(folder)
        return _unsafe()
    except OSError:
        return f"{folder} cannot be written"


def cache_folder() -> Path | None:
    """``own_folder``, made if necessary, or None where no loops are kept; see ``why_not``."""
    return own_folder() if why_not() is None else None


def _make(folder: Path) -> None:
    """Make a folder, and those above it, accessible only to the user."""
    if not os.path.isdir(folder):
        _make(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir(0o700)
        os.listdir(folder)  # fails for a file in its place


@lru_cache
def _unsafe() -> str | None:
    """Who else could put a file into ``own_folder``, in words; None for nobody.

    Files there are unpickled, and so can do whatever their author likes.
    """
    folder = own_folder()
    if folder is None or not os.path.isdir(folder) or not hasattr(os, "getuid"):  # Windows has none
        return None
    for path in _way_to(folder):
        status = path.lstat()
        if status.st_uid not in (0, os.getuid()):
            return f"{path} belongs to another user"
        shared = stat.S_ISDIR(status.st_mode) and not status.st_mode & stat.S_ISVTX
        if shared and _others_write(status):
            return f"{path} can be written by others"
    if not _own(folder.stat()):
        return f"{folder} belongs to another user or can be written by others"
    return None


def _own(status: os.stat_result) -> bool:
    """Whether a file or folder is the user's, and nobody else can write to it."""
    others = stat.S_IWGRP | stat.S_IWOTH
    return not hasattr(os, "getuid") or (
        status.st_uid == os.getuid() and not status.st_mode & others
    )


def _others_write(status: os.stat_result) -> bool:
    """Whether others can write to it.  Many systems give each user a group with no other member."""
    if status.st_mode & stat.S_IWGRP:
        import grp
        import pwd

        try:
            user, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
        except KeyError:
            return True
        if group.gr_name != user.pw_name or set(group.gr_mem) - {user.pw_name}:
            return True
    return bool(status.st_mode & stat.S_IWOTH)


def _way_to(folder: Path) -> Iterator[Path]:
    """Every folder and symbolic link on the system's way to a folder, and the folder itself."""
    current, parts = Path(folder.anchor), list(folder.parts[:0:-1])
    yield current
    while parts:
        following = current / parts.pop()
        yield following
        if following.is_symlink():
            target = Path(os.readlink(following))
            parts += reversed(target.parts[bool(target.anchor) :])
            current = Path(target.anchor) if target.anchor else current
        else:
            current = following.parent.parent if following.name == ".." else following


def is_compiled() -> bool:
    """Whether loops have been compiled on this machine before; the first time takes a while."""
    folder = cache_folder()
    return folder is not None and contents(folder).functions > 0


def contents(folder: Path) -> Folder:
    """Count a folder's files; one that does not exist has none."""
    files = size = functions = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(parent, name)).st_size
            except FileNotFoundError:
                continue  # deleted by another process
            files += 1
            functions += name.endswith(".nbc")
    return Folder(folder, files, size, functions)


def other_folders() -> list[Folder]:
    """The folders beside ``own_folder``: for other sources of the kernels, or for another CPU.

    Raises CacheError where they cannot be listed.
    """
    own = own_folder()
    if own is None:
        return []
    try:
        with os.scandir(own.parent) as entries:
            names = [
                entry.name
                for entry in entries
                if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise CacheError(f"{own.parent}: cannot be read: {error.strerror}") from None
    return [contents(own.parent / name) for name in sorted(names) if name != own.name]


def report() -> tuple[dict[str, Any], list[str]]:
    """The folder in use and those beside it: their numbers by name, and in lines."""
    folder, others = cache_folder(), other_folders()
    own = None if folder is None else contents(folder)
    if own is None:
        used = f"none, since {why_not()}: every process compiles its loops anew"
    else:
        used = f"{own.path}, {_size([own])}"
    lines = [f"in use: {used}", f"others: {counted(len(others), 'folder')}, {_size(others)}"]
    if others:
        lines.append("delete the others with: convlab cache clear --others")
    found = {"in_use": own and own.to_dict(), "others": [other.to_dict() for other in others]}
    return found, lines


def _size(folders: list[Folder]) -> str:
    files = counted(sum(folder.files for folder in folders), "file")
    return f"{files}, {sum(folder.size for folder in folders) / 1e6:.1f} MB"


def clear(*, own: bool = True) -> str:
    """Delete the folder in use, if ``own``, and the others; returns a line that says how much.

    Raises CacheError for a folder that cannot be deleted.
    """
    folders = other_folders()
    path = own_folder()
    if own and path is not None and os.path.lexists(path):
        folders.append(contents(path))
    for folder in folders:
        _delete(folder.path)
    size = sum(folder.size for folder in folders)
    return f"deleted {counted(len(folders), 'folder')}: {size:,} bytes freed"


def _delete(folder: Path) -> None:
    while os.path.lexists(folder):
        try:
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)
            else:
                folder.unlink()
        except FileNotFoundError:
            continue  # another process is deleting it too
        except OSError as error:
            raise CacheError(f"{folder}: cannot be deleted: {error.strerror}") from None
