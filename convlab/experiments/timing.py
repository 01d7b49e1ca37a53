"""How long a training step takes for several networks, measured in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

from convlab import models
from convlab.kernels import device
from convlab.optim import SGD
from convlab.tensors import Tensor

ROUNDS = 10


def step_seconds(
    specs: Mapping[str, str], batch_size: int = 64, inside: bool = False
) -> dict[str, float]:
    """Seconds of one training step of each network, by the names of ``specs`` (TOML texts).

    Forward, backward and update for a batch of random images, the mean of several steps on one
    thread.  ``inside``: with the gradient of the input, as for layers inside a larger network.
    Seconds are processor time of this process, so that other work on the machine hardly counts, and
    the networks take turns: compare them as ratios.
    """
    steps = {name: _step(spec, batch_size, inside) for name, spec in specs.items()}
    seconds = dict.fromkeys(steps, 0.0)
    threads = device.get_num_threads()
    device.set_num_threads(1)
    try:
        for step in steps.values():
            step()  # compiles the loops
        for _ in range(ROUNDS):
            for name, step in steps.items():
                begin = time.process_time()
                step()
                seconds[name] += (time.process_time() - begin) / ROUNDS
    finally:
        device.set_num_threads(threads)
    return seconds


def _step(spec: str, batch_size: int, inside: bool) -> Callable[[], None]:
    network = models.build_from_text(spec, name="network", classes=10)
    rng = np.random.default_rng(0)
    images = rng.standard_normal((batch_size, *network.input_shape)).astype(np.float32)
    labels = rng.integers(0, network.classes, batch_size)
    # A rate so small that the weights stay the same, and with them the work.
    optimizer = SGD(network.parameters(), 1e-9)

    def step() -> None:
        optimizer.zero_grad()
        network.loss_of(network(Tensor(images, requires_grad=inside)), labels).backward()
        optimizer.step()

    return step
