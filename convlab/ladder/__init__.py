"""One convolution as a ladder of loops: each rung is the one below it and one idea more.

All of them have stride 1 and no bias; zeros around the input are laid before they begin.
"""

from convlab.ladder.cuda_rungs import CUDA_RUNGS, CudaTask
from convlab.ladder.rungs import RUNGS, Rung, Task, difference

__all__ = ["CUDA_RUNGS", "RUNGS", "CudaTask", "Rung", "Task", "difference"]
