"""The folders of the compiled loops: which is in use, what they hold, how they are deleted."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import llvmlite.binding
import numba

from convlab.errors import CacheError

_NAME = re.compile("kernels-[0-9a-f]{16}")


class Folder(NamedTuple):
    """A folder of compiled loops: ``size`` in bytes, ``functions`` of its files are loops."""

    path: Path
    files: int
    size: int
    functions: int


@lru_cache
def own_folder() -> Path | None:
    """Where compiled loops belong on this machine, or None for a user without a home.

    Its name is a hash of the kernels' sources, Numba's version and the CPU,
    since Numba itself looks only at the one function's own file.
    """
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    cpu = llvmlite.binding.get_host_cpu_name()
    digest.update(f"{numba.__version__} {cpu} {platform.machine()}".encode())
    root = os.environ.get("CONVLAB_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    try:
        root = Path(root) if root else Path("~/.cache").expanduser()
    except RuntimeError:
        return None
    return root / "convlab" / f"kernels-{digest.hexdigest()[:16]}"


@lru_cache
def cache_folder() -> Path | None:
    """``own_folder``, made if need be, or None where it cannot be written."""
    folder = own_folder()
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
    except OSError:
        pass
    return None


def is_compiled() -> bool:
    """Whether loops were compiled on this machine before; the first time takes a while."""
    folder = cache_folder()
    return folder is not None and contents(folder).functions > 0


def contents(folder: Path) -> Folder:
    """Count a folder's files; none are in one that is not there."""
    files = size = functions = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(parent, name)).st_size
            except FileNotFoundError:
                continue  # another process has deleted it
            files += 1
            functions += name.endswith(".nbc")
    return Folder(folder, files, size, functions)


def other_folders() -> list[Folder]:
    """Those beside ``own_folder``: of other sources of the kernels, or of another CPU.

    Raises CacheError where one may not look for them.
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


def clear(*, own: bool = False) -> list[Folder]:
    """Delete the other folders, and with ``own`` also the one in use; returns what was deleted.

    Raises CacheError for a folder that cannot be deleted.
    """
    folders = other_folders()
    path = own_folder()
    if own and path is not None and path.is_dir() and not path.is_symlink():
        folders.append(contents(path))
    for folder in folders:
        _delete(folder.path)
    return folders


def _delete(folder: Path) -> None:
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue  # another process deletes it too
        except OSError as error:
            raise CacheError(f"{folder}: cannot be deleted: {error.strerror}") from None
