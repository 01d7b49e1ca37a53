"""Training a network: settings, the loop, and run folders."""

from convlab.checks import check_calls
from convlab.files import write_atomically
from convlab.training.compiling import compile_cuda, compiled_lines
from convlab.training.fit import BatchRecord, EpochRecord, Evaluation, Trainer, evaluate
from convlab.training.interchange import (
    export_run,
    import_run,
    imported,
    published,
    why_not_published,
)
from convlab.training.rates import guessing, suited_rate
from convlab.training.run import (
    Image,
    ImageLike,
    Run,
    initial_weights,
    load,
    snapshot,
    snapshot_epochs,
)
from convlab.training.run_folder import (
    brought_preprocessing,
    check_free,
    create,
    discard,
    history,
    load_settings,
    load_spec,
    locked,
    locked_for,
    new_run,
    resume,
    save,
    wants_page,
    write_results,
)
from convlab.training.settings import (
    OPTIMIZERS,
    Preprocessing,
    Settings,
    Task,
    centred,
    centred_images,
    prepare,
    scaling_for,
)
from convlab.training.transfer import TakenOver, freeze, head, layers_with_weights, take_over
from convlab.training.warm import fill_cache, warm_up

__all__ = [
    "OPTIMIZERS",
    "BatchRecord",
    "EpochRecord",
    "Evaluation",
    "Image",
    "ImageLike",
    "Preprocessing",
    "Run",
    "Settings",
    "TakenOver",
    "Task",
    "Trainer",
    "brought_preprocessing",
    "centred",
    "centred_images",
    "check_free",
    "compile_cuda",
    "compiled_lines",
    "create",
    "discard",
    "evaluate",
    "export_run",
    "fill_cache",
    "freeze",
    "guessing",
    "head",
    "history",
    "import_run",
    "imported",
    "initial_weights",
    "layers_with_weights",
    "load",
    "load_settings",
    "load_spec",
    "locked",
    "locked_for",
    "new_run",
    "prepare",
    "published",
    "resume",
    "save",
    "scaling_for",
    "snapshot",
    "snapshot_epochs",
    "suited_rate",
    "take_over",
    "wants_page",
    "warm_up",
    "why_not_published",
    "write_atomically",
    "write_results",
]

check_calls(globals(), __all__)
