"""CUDA kernels are kept between processes: compiled and assembled once, here without a GPU.

A script for where numba-cuda and its compiler are, see .ci/run.  One process compiles what a
training launches and keeps it; a second one must find all of it, with the same machine code,
and compile nothing.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from types import SimpleNamespace

CAPABILITY = (9, 0)


class Processor:
    """What Numba asks of a GPU and its driver."""

    device = SimpleNamespace(compute_capability=CAPABILITY, id=0)
    compute_capability = CAPABILITY

    def magic_tuple(self):
        return "no driver", CAPABILITY

    def refresh(self):
        pass

    def codegen(self):
        return self


def digests(keep):
    """The digest of each kernel's machine code; without ``keep`` it must be kept already."""
    import numba
    from numba.cuda import codegen, dispatcher

    from convlab.kernels.cache import KernelCache, cache_folder
    from convlab.kernels.cuda_compile import CompileOnly
    from convlab.training import compiling

    processor = Processor()
    dispatcher.get_current_device = lambda: processor
    codegen.devices = SimpleNamespace(get_context=lambda: processor)
    found = {}

    class Noting(CompileOnly):
        def launch(self, kernel, blocks, threads, arguments):
            kinds = tuple(map(numba.typeof, arguments))
            self.kernels[kernel.name, kinds] = kernel
            found[kernel.name, kinds] = kernel.function

    compiling.CompileOnly = Noting
    compiling.compile_cuda([CAPABILITY])
    digests = []
    for (name, kinds), function in found.items():
        if not function.__module__.startswith("convlab.kernels."):
            continue  # a rung of the ladder: its sources are not in the folder's name
        cache = KernelCache(function, cache_folder())
        if keep:
            kernel = dispatcher._Kernel(function, kinds)
            kernel._codelibrary.get_cubin(CAPABILITY)
            kernel.target_context = processor
            cache.save_overload(kinds, kernel)
        else:
            kernel = cache.load_overload(kinds, processor)
            assert kernel is not None, f"{name} is not kept"
        code = kernel._codelibrary.get_cubin(CAPABILITY)
        code = code if isinstance(code, bytes) else code.code
        digests.append((name, kernel.entry_name, hashlib.sha256(code).hexdigest()))
    return digests


if __name__ == "__main__":
    if len(sys.argv) == 2:
        print(*digests(sys.argv[1] == "keep"), sep="\n")
    else:
        with tempfile.TemporaryDirectory() as folder:
            both = [
                subprocess.run(
                    [sys.executable, __file__, word],
                    env=os.environ | {"CONVLAB_CACHE_DIR": folder},
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                ).stdout
                for word in ("keep", "find")
            ]
        assert both[0] == both[1]
        names = [line.split("'")[3] for line in both[0].splitlines()]
        assert len(names) > 50
        print(f"{len(names)} kernels are kept, and found again with the same machine code")
