"""Training a network: settings, the loop, and run folders."""

from convlab.training.compiling import compile_cuda
from convlab.training.fit import BatchRecord, EpochRecord, Evaluation, Trainer, evaluate
from convlab.training.run import (
    Run,
    check_free,
    create,
    discard,
    history,
    initial_weights,
    load,
    load_settings,
    load_spec,
    resume,
    save,
    snapshot,
    snapshot_epochs,
    write_atomically,
)
from convlab.training.settings import OPTIMIZERS, Settings, Task, centred, centred_images, prepare
from convlab.training.warm import warm_up

__all__ = [
    "OPTIMIZERS",
    "BatchRecord",
    "EpochRecord",
    "Evaluation",
    "Run",
    "Settings",
    "Task",
    "Trainer",
    "centred",
    "centred_images",
    "check_free",
    "compile_cuda",
    "create",
    "discard",
    "evaluate",
    "history",
    "initial_weights",
    "load",
    "load_settings",
    "load_spec",
    "prepare",
    "resume",
    "save",
    "snapshot",
    "snapshot_epochs",
    "warm_up",
    "write_atomically",
]
