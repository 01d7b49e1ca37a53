"""A plugin of pytest: NumPy's and the engine's arrays lie against pages that may not be read.

``python -m pytest -p guarded ...`` with GUARD=behind ends each array where such a page begins,
GUARD=before begins it where one ends: to read or write one number too many is a segmentation
fault.  GUARDED names the compiled guarded.c.  What a loop should have set and has not is NaN.
"""

import ctypes
import os
import sys

import numpy as np
import pytest

SET_HANDLER = 304  # the place of PyDataMem_SetHandler in NumPy's table of functions (NEP 49)
_status = pytest.StashKey[int]()


class Handler(ctypes.Structure):
    """PyDataMem_Handler of NumPy's C interface."""

    _fields_ = [
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("context", ctypes.c_void_p),
        *((name, ctypes.c_void_p) for name in ("malloc", "calloc", "realloc", "free")),
    ]


def install(library: str) -> None:
    """From here on each array of this thread is guarded, those of the engine included."""
    compiled = ctypes.CDLL(library)
    ctypes.c_int.in_dll(compiled, "behind").value = os.environ["GUARD"] == "behind"
    python = ctypes.pythonapi
    python.PyCapsule_New.restype = ctypes.py_object
    python.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    python.PyCapsule_GetPointer.restype = ctypes.POINTER(ctypes.c_void_p)
    python.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    calls = (
        ctypes.cast(compiled[f"guarded_{name}"], ctypes.c_void_p).value
        for name in ("malloc", "calloc", "realloc", "free")
    )
    install.handler = Handler(b"guarded", 1, None, *calls)
    functions = python.PyCapsule_GetPointer(np._core._multiarray_umath._ARRAY_API, None)
    set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(functions[SET_HANDLER])
    set_handler(python.PyCapsule_New(ctypes.addressof(install.handler), b"mem_handler", None))
    assert np._core.multiarray.get_handler_name(np.empty(1)) == "guarded"
    from convlab.kernels import memory

    memory.empty = np.empty  # blocks end where no page does


def pytest_configure(config):
    install(os.environ["GUARDED"])


def pytest_sessionfinish(session, exitstatus):
    session.config.stash[_status] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    # Arrays that live until the end would be given back to a Python that is no more.
    sys.stdout.flush()
    os._exit(config.stash.get(_status, 3))
