"""Brief training and evaluation of every shipped network, so that its loops are compiled."""

from __future__ import annotations

import os
import time

import numpy as np

from convlab import models, random
from convlab.data import Dataset
from convlab.errors import CacheError
from convlab.kernels import cache
from convlab.kernels.lanes import VECTOR
from convlab.names import counted
from convlab.training.fit import Trainer
from convlab.training.settings import Settings, Task, scaling_for


def warm_up() -> None:
    """One training step and one batch of evaluation of each shipped network, by SGD and by Adam.

    Loops are compiled for kinds of arrays, not for their sizes; but few images and many go through
    different ones, so each network sees two images and as many as a vector has lanes. The networks
    for photographs need none that those for small images do not. Random numbers continue afterwards
    as if nothing had happened.
    """
    state = random.get_state()
    small = (m for m in models.model_names() if max(models.input_shape(m)[1:]) <= 32)
    for model in small:
        for optimizer, images in (("sgd", 2), ("adam", VECTOR)):
            _train_once(Settings(model, epochs=1, batch_size=images, optimizer=optimizer))
    random.set_state(state)


def fill_cache() -> str:
    """``warm_up``, with its loops kept for other processes.

    Returns a line that says how many functions were newly compiled, and where they are. Raises
    CacheError if none can be written.
    """
    begin = time.perf_counter()
    folder = cache.cache_folder()
    why = cache.why_not()
    if folder is None or not os.access(folder, os.W_OK):
        raise CacheError(
            "cache: expected a folder that only you can write to, but"
            f" {why or f'{folder} cannot be written'}; CONVLAB_CACHE_DIR names another"
        )
    before = cache.contents(folder).functions
    warm_up()
    after = cache.contents(folder)
    compiled, seconds = counted(after.functions - before, "function"), time.perf_counter() - begin
    return f"compiled {compiled} in {seconds:.1f} s: {after.functions} in {after.path}"


def _train_once(settings: Settings) -> None:
    network = models.build(settings.model)
    shape = network.input_shape
    classes = tuple(str(number) for number in range(network.classes))
    images = np.zeros((settings.batch_size, *shape), np.uint8)
    few = Dataset("few", "train", images, np.arange(len(images)) % len(classes), classes)
    task = Task(few, few, few, network, scaling_for(network, few), shape, False)
    for _ in Trainer(settings, task).fit():
        pass
