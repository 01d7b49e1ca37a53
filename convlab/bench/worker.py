"""One side of ``convlab bench train`` in a process of its own: ours, or PyTorch's.

Run as a file, so that PyTorch's side imports nothing of convlab and finds its threads as
its users do: ``python worker.py ours|pytorch DATA.npz THREADS cpu|cuda``.  Each line of standard
input is a task in JSON, each line of standard output its answer: seconds, and the most
memory that the process ever held, in bytes.
"""

from __future__ import annotations

import sys

sys.path.pop(0)  # this file's folder, whose other files nobody may find as modules

import json
import os
import time

import numpy as np

RATE, MOMENTUM = 0.02, 0.9


class Ours:
    """LeNet-5 as a user of convlab trains it; the images stay bytes until their batch."""

    batches = (64, 128, 256, 512)
    layouts = ("batch innermost",)

    def __init__(self, images, labels, test_images, threads, device):
        os.environ["CONVLAB_NUM_THREADS"] = str(threads)
        from convlab import data, manual_seed, models, optim
        from convlab.kernels.dispatch import to_device

        manual_seed(0)
        self.device = device
        self.data = data.Dataset("bench", "train", images, labels, tuple("0123456789"))
        self.test_images = to_device(test_images, device)
        self.scaling = data.Scaling.standardise(self.data)
        self.network = models.build("lenet5").to(device)
        self.all_batches = {}  # by their size: on a GPU the images stay there
        self.optimizer = optim.SGD(self.network.parameters(), lr=RATE, momentum=MOMENTUM)

    def train(self, batch, steps=None):
        from convlab import Tensor, data, functional
        from convlab.kernels import softmax
        from convlab.kernels.dispatch import to_device

        self.network.train()
        loss_sum = right = 0
        if batch not in self.all_batches:
            settings = {"scaling": self.scaling, "device": self.device}
            self.all_batches[batch] = data.Batches(self.data, batch, **settings)
        for step, (x, labels) in enumerate(self.all_batches[batch].epoch(0)):
            if step == steps:
                break
            self.optimizer.zero_grad()
            output = self.network(Tensor(x))
            loss = functional.cross_entropy(output, labels)
            loss.backward()
            self.optimizer.step()
            if self.device == "cpu":
                loss_sum += loss.item() * len(labels)
                right += (output.numpy().argmax(axis=1) == labels).sum()
            else:  # the host does not wait for a step
                loss_sum = loss.data * len(labels) + loss_sum
                right = softmax.right(output.data.T, labels).sum() + right
        if self.device != "cpu":
            to_device(loss_sum + right, "cpu")

    def infer(self, batch, layout):
        from convlab import Tensor, data, no_grad

        self.network.eval()
        with no_grad():
            for start in range(0, len(self.test_images), batch):
                x = data.to_floats(self.test_images[start : start + batch], self.scaling)
                self.network(Tensor(x)).numpy().argmax(axis=1)


class PyTorch:
    """The same network in PyTorch's usual loop, with the images in memory as floats."""

    batches = (64, 256, 1000, 10_000)
    layouts = ("contiguous", "channels last")

    def __init__(self, images, labels, test_images, threads, device):
        import torch
        from torch import nn

        torch.manual_seed(0)
        torch.set_num_threads(threads)
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        self.device = device
        mean, deviation = float(images.mean() / 255), float(images.std() / 255)
        self.images, self.test_images = (
            torch.from_numpy(a).float().div_(255).sub_(mean).div_(deviation).to(device)
            for a in (images, test_images)
        )
        self.labels = torch.from_numpy(labels).to(device)
        self.network = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(400, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, 10),
        ).to(device)
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=RATE, momentum=MOMENTUM)

    def train(self, batch, steps=None):
        import torch

        self.network.train().to(memory_format=torch.contiguous_format)
        loss_sum = right = 0
        order = torch.randperm(len(self.labels)).to(self.device)
        for step, index in enumerate(order.split(batch)):
            if step == steps:
                break
            x, labels = self.images[index], self.labels[index]
            self.optimizer.zero_grad()
            output = self.network(x)
            loss = self.loss(output, labels)
            loss.backward()
            self.optimizer.step()
            if self.device == "cpu":
                loss_sum += loss.item() * len(labels)
                right += (output.argmax(1) == labels).sum().item()
            else:  # the host does not wait for a step
                loss_sum += loss.detach() * len(labels)
                right += (output.argmax(1) == labels).sum()
        if self.device != "cpu":
            (loss_sum + right).item()

    def infer(self, batch, layout):
        import torch

        channels_last = layout == "channels last"
        form = torch.channels_last if channels_last else torch.contiguous_format
        self.network.eval().to(memory_format=form)
        with torch.inference_mode():
            for x in self.test_images.split(batch):
                self.network(x.contiguous(memory_format=form)).argmax(1).cpu()


def peak_memory() -> int | None:
    """The most that this process ever held in memory, in bytes; None where it is not known."""
    try:
        # Linux: what getrusage says there begins with the memory of the process that started us.
        with open("/proc/self/status", encoding="utf-8") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    kept = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kept if sys.platform == "darwin" else kept * 1024


def _seconds(function, *arguments) -> float:
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


def _answer(side: Ours | PyTorch, task: dict) -> dict:
    if task["task"] == "train":
        return {"seconds": _seconds(side.train, task["batch"], task.get("steps"))}
    if task["task"] == "infer":
        return {"seconds": _seconds(side.infer, task["batch"], task["layout"])}
    # The batch and layout that suit this side best: the least of three runs each.
    settings = [(batch, layout) for batch in side.batches for layout in side.layouts]
    batch, layout = min(settings, key=lambda s: min(_seconds(side.infer, *s) for _ in range(3)))
    return {"batch": batch, "layout": layout}


def main() -> None:
    """Answer tasks until there are no more."""
    name, path, threads, device = sys.argv[1:]
    with np.load(path) as arrays:
        images, labels, test_images = (arrays[k] for k in ("images", "labels", "test_images"))
    side = {"ours": Ours, "pytorch": PyTorch}[name](
        images, labels, test_images, int(threads), device
    )
    for line in sys.stdin:
        answer = _answer(side, json.loads(line))
        print(json.dumps(answer | {"memory": peak_memory()}), flush=True)


if __name__ == "__main__":
    main()
