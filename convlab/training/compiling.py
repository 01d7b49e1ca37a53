"""Every CUDA kernel, compiled and assembled on a machine that need not have a GPU."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convlab import functional as F
from convlab import models, nn, optim, random, shapes
from convlab.data import Dataset
from convlab.errors import DeviceError
from convlab.kernels import cuda, softmax
from convlab.kernels.cuda import Compiled, CompileOnly
from convlab.ladder import CUDA_RUNGS, CudaTask
from convlab.tensors import Tensor
from convlab.terminal import Block, Line, Table
from convlab.training.fit import Trainer
from convlab.training.settings import Settings, Task, scaling_for

# Turing, Ampere's successors and Hopper.
COMPUTE_CAPABILITIES = ((7, 5), (8, 0), (9, 0))


def compile_cuda(
    compute_capabilities: tuple[tuple[int, int], ...] = COMPUTE_CAPABILITIES,
) -> list[Compiled]:
    """What each kernel needs, in float32.

    Networks are trained for one step, and operations called, on a device that compiles instead of
    running.  Raises ImportError without the packages of ``cuda-compile``, DeviceError for a kernel
    that none of this launched.
    """
    state = random.get_state()
    with CompileOnly(compute_capabilities) as compiler, np.errstate(all="ignore"):
        for model in ("lenet5", "lenet5-1998"):
            for optimizer in ("sgd", "adam"):
                _step(Settings(model, epochs=1, batch_size=64, optimizer=optimizer))
        _operations()
    random.set_state(state)
    compiled = list(compiler.kernels.values())
    missing = {kernel.name for kernel in cuda.KERNELS} - {kernel.name for kernel in compiled}
    if missing:
        raise DeviceError(f"expected every kernel to be compiled, not {', '.join(sorted(missing))}")
    return compiled


def compiled_lines(kernels: Sequence[Compiled]) -> list[Line | Block]:
    """What each kernel needs on each GPU as a table, and how many need memory outside registers."""
    capabilities = sorted({kernel.compute_capability for kernel in kernels})
    lines = [["registers of a thread + bytes outside", *(f"sm_{a}{b}" for a, b in capabilities)]]
    rows: dict[tuple[str, str], dict[tuple[int, int], Compiled]] = {}
    for kernel in kernels:
        rows.setdefault((kernel.name, kernel.kinds), {})[kernel.compute_capability] = kernel
    for (name, _), by_capability in sorted(rows.items()):
        each = (by_capability[capability] for capability in capabilities)
        lines.append([name, *(f"{k.registers} + {k.spilled + k.stack}" for k in each)])
    worst = sum(bool(kernel.spilled or kernel.stack) for kernel in kernels)
    said = (
        f"{len(rows)} kernels, {len(kernels)} compiled and assembled;"
        f" {worst} of them keep numbers of a thread outside its registers"
    )
    return [Table(lines, range(1, len(lines[0]))), said]


def _step(settings: Settings) -> None:
    network = models.build(settings.model)
    shape, batch = network.input_shape, settings.batch_size
    classes = tuple(str(number) for number in range(network.classes))
    images = np.zeros((batch, *shape), np.uint8)
    few = Dataset("few", "train", images, np.arange(batch) % len(classes), classes)
    task = Task(few, few, few, network, scaling_for(network, few), shape, False)
    trainer = Trainer(settings, task, "cuda")
    for x, labels in trainer.batches.epoch(0):
        output = trainer.network(Tensor(x))
        trainer.network.loss_of(output, labels).backward()
        trainer.optimizer.step()
        softmax.right(output.data.T, labels)


def _operations() -> None:
    # Layers that these networks lack, and sizes for which the tiles differ.
    def zeros(*shape):
        return Tensor(cuda.zeros(shape), requires_grad=True)

    for channels, outputs, size, batch, groups in (
        (64, 128, 14, 256, 1),
        (6, 16, 14, 256, 1),
        (1, 6, 28, 256, 1),
        (3, 3, 9, 2, 3),
    ):
        layer = nn.Conv2d(channels, outputs, 3, padding=1, groups=groups).to("cuda")
        F.relu(layer(zeros(batch, channels, size, size))).sum().backward()
    optim.RMSprop(layer.parameters()).step()
    geometry = shapes.conv2d_geometry(6, 16, (14, 14), (5, 5))
    images, weight = (np.zeros(sizes, np.float32) for sizes in ((2, 6, 14, 14), (16, 6, 5, 5)))
    for rung in CUDA_RUNGS:
        CudaTask(rung, images, weight, geometry)()
    maps = zeros(2, 3, 8, 8)
    for result in (
        F.max_pool2d(maps, 3, 2),
        F.avg_pool2d(maps, 2),
        F.pad(maps, (1, 1, 1, 1), "reflect"),
        F.dropout(maps),
        F.batch_norm(maps, None, None, training=True),
        F.softmax(maps, 1),
        F.cat([maps, maps]),
        maps.max(axis=1),
        maps[[1, 0, 1]],
        maps.reshape(2, -1).max(axis=1),
    ):
        result.sum().backward()
    square = cuda.zeros((3, 3))
    for pointwise in cuda.POINTWISE:
        for first in (square, square.T[::2]):
            pointwise(
                *(first, square[: len(first)])[: pointwise.operands], out=cuda.empty(first.shape)
            )
