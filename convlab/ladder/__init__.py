"""One convolution as a ladder of loops: each rung is the one below it plus one idea.

All of them have stride 1 and no bias; the zeros around the input are added beforehand.
"""

from convlab.ladder.cuda_rungs import CUDA_RUNGS, CudaTask
from convlab.ladder.rungs import RUNGS, Rung, Task, difference

__all__ = ["CUDA_RUNGS", "RUNGS", "CudaTask", "Rung", "Task", "difference"]
