"""The ladder as a text to read: every rung's idea, source and diff from the one before."""

from __future__ import annotations

import inspect

from convlab.bench import fourier, im2col, winograd
from convlab.ladder import CUDA_RUNGS, RUNGS, cuda_rungs, difference

HEAD = """\
# One convolution, one more idea on each rung

`convlab bench ladder` measures these loops in turn on your machine, `--show 4` prints one of them
and `--show all` this page.  Each computes the same convolution, with stride 1 and without bias,
and is the one before it with one more idea.  The zeros of the padding lie around the input
already.  Letters: N images, C input channels, O output channels, H × W the input's size, OH × OW
the output's, KH × KW the kernel's.  `@loop` compiles a function with Numba when first called,
and lets sums be reordered; in it `prange` distributes its iterations over all cores.
"""


def ladder_rung(number: int, level: int = 1) -> str:
    """A rung as Markdown, by its number from 1, below a heading of this ``level``.

    Its idea, its source and the unified diff from the previous rung's loop.
    """
    rung = RUNGS[number - 1]
    title, _, text = rung.text.partition("\n")
    parts = [
        f"{'#' * level} {number}. {title.rstrip('.')}\n",
        f"{text.strip()}\n",
        f"```python\n{rung.source}```\n",
    ]
    if changed := difference(number):
        parts.append(f"The difference from rung {number - 1}:\n\n```diff\n{changed}\n```\n")
    return "\n".join(parts)


def _on_cuda() -> str:
    _, _, text = inspect.cleandoc(cuda_rungs.__doc__ or "").partition("\n")
    kernels = [
        f"### {number}. {rung.idea.capitalize()}\n\n```python\n{rung.source}```\n"
        for number, rung in enumerate(CUDA_RUNGS, 1)
        if rung.source
    ]
    rest = "The rung after them is the engine's own, in `convlab/kernels/tiles_cuda.py`.\n"
    helper = inspect.getsource(cuda_rungs.input_of)
    head = (
        f"## On a GPU: `convlab bench ladder --cuda`\n\n{text.strip()}\n\n```python\n{helper}```\n"
    )
    return "\n".join([head, *kernels, rest])


def ladder_page() -> str:
    """All rungs, those of a GPU and the other ways to convolve, as Markdown."""
    rungs = [ladder_rung(number, level=2) for number in range(1, len(RUNGS) + 1)]
    others = []
    for module in (im2col, fourier, winograd):
        title, _, text = inspect.cleandoc(module.__doc__ or "").partition("\n")
        path = module.__name__.replace(".", "/")
        others.append(f"### {title.rstrip('.')}\n\n{text.strip()}\n\nSource: `{path}.py`\n")
    return "\n".join([HEAD, *rungs, _on_cuda(), "## Other ways to convolve\n", *others])
