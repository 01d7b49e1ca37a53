"""One side of ``convlab bench train`` or ``answers`` in a process of its own: ours, or PyTorch's.

It is run as a file, so that PyTorch's side imports nothing from convlab and sets up its threads as
for its users: ``python worker.py ours|pytorch FOLDER THREADS cpu|cuda``.  FOLDER has the network
and its images, see ``networks.write``.  Each line of standard input is a task in JSON, each line of
standard output its answer: seconds, and the most memory that the process ever held,
in bytes.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    sys.path.pop(0)  # this file's folder, whose other files must not be found as modules

import json
import os
import time
from typing import Any

import numpy as np

RATE, MOMENTUM = 0.02, 0.9
INPUTS = 4  # different batches that are answered in turn

# Batches that are ready to be answered, and what they were made for: their size and layout.
Ready = tuple[tuple[int, str] | None, list]


class Ours:
    """The network as a user of convlab trains it; the images stay bytes until their batch."""

    batches = (64, 128, 256, 512)
    layouts: tuple[str, ...] = ("batch innermost",)
    ready: Ready = (None, [])

    def __init__(self, description, weights, images, threads, device):
        os.environ["CONVLAB_NUM_THREADS"] = str(threads)
        from convlab import data, manual_seed, models, optim
        from convlab.kernels.dispatch import to_device

        manual_seed(0)
        self.device = device
        classes = description["classes"]
        names = tuple(map(str, range(classes)))
        self.data = data.Dataset("bench", "train", images["images"], images["labels"], names)
        self.test_images = to_device(images["test_images"], device)
        self.scaling = data.Scaling(description["scale"], description["offset"])
        self.network = models.build_from_text(
            description["spec"],
            name=description["name"],
            input_shape=tuple(description["input_shape"]),
            classes=classes,
            weights=False,
        )
        self.network.load_state_dict(weights)
        self.network.to(device)
        self.all_batches = {}  # by size: on a GPU the images stay there
        self.optimizer = optim.SGD(self.network.parameters(), lr=RATE, momentum=MOMENTUM)

    def train(self, batch, steps=None):
        from convlab import Tensor, data, functional
        from convlab.kernels import softmax
        from convlab.kernels.dispatch import to_device

        self.network.train()
        loss_sum: Any = 0  # numbers, on a GPU its arrays
        right: Any = 0
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

    def inputs(self, batch: int, layout: str) -> list:
        """A few batches to answer, ready as floats."""
        from convlab import Tensor, data

        self.network.eval()
        return [
            Tensor(data.to_floats(part, self.scaling)) for part in _parts(self.test_images, batch)
        ]

    def logits(self, x) -> np.ndarray:
        from convlab import no_grad

        with no_grad():
            return self.network(x).numpy()

    def answer(self, inputs: list, count: int) -> None:
        from convlab import no_grad

        with no_grad():
            for turn in range(count):
                self.network(inputs[turn % len(inputs)]).numpy().argmax(axis=1)


class PyTorch:
    """The same network in PyTorch's usual loop, with the images in memory as floats."""

    batches = (64, 256, 1000, 10_000)
    layouts: tuple[str, ...] = ("contiguous", "channels last")
    ready: Ready = (None, [])

    def __init__(self, description, weights, images, threads, device):
        import torch

        torch.manual_seed(0)
        torch.set_num_threads(threads)
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        self.device = device
        scale, offset = (
            torch.tensor(description[k]).reshape(-1, 1, 1) for k in ("scale", "offset")
        )
        self.images, self.test_images = (
            torch.from_numpy(images[k]).float().mul_(scale).add_(offset).to(device)
            for k in ("images", "test_images")
        )
        self.labels = torch.from_numpy(images["labels"]).to(device)
        self.network = mirror(description["layers"], weights).to(device)
        self.loss = torch.nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=RATE, momentum=MOMENTUM)

    def train(self, batch, steps=None):
        import torch

        self.network.train().to(memory_format=torch.contiguous_format)
        loss_sum: Any = 0  # numbers, on a GPU its tensors
        right: Any = 0
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

    def inputs(self, batch: int, layout: str) -> list:
        """The same batches in PyTorch, in the requested memory order."""
        import torch

        channels_last = layout == "channels last"
        form = torch.channels_last if channels_last else torch.contiguous_format
        self.network.eval().to(memory_format=form)
        return [x.contiguous(memory_format=form) for x in _parts(self.test_images, batch)]

    def logits(self, x) -> np.ndarray:
        import torch

        with torch.inference_mode():
            return self.network(x).numpy()

    def answer(self, inputs: list, count: int) -> None:
        import torch

        with torch.inference_mode():
            for turn in range(count):
                self.network(inputs[turn % len(inputs)]).argmax(1)


def mirror(layers: list, weights: dict[str, np.ndarray]):
    """A torch.nn.Module of layers, as ``networks.pytorch_layers`` gives them.

    ``weights``: arrays by the names that ``state_dict`` gives them, as "conv1.weight".
    """
    import torch

    class Mirror(torch.nn.Module):
        def __init__(self, modules: list):
            super().__init__()
            self.layers = torch.nn.ModuleList(modules)

        def forward(self, x):
            values = {None: x}
            for layer, (name, _, _, sources), done in zip(self.layers, layers, last, strict=True):
                x = values[name] = layer(*[values[source] for source in sources])
                for source in done:
                    del values[source]
            return x

    readers = {source: name for name, _, _, sources in layers for source in sources}
    last = [{s for s in sources if readers[s] == name} for name, _, _, sources in layers]
    modules = []
    for name, kind, arguments, _ in layers:
        plain = {k: tuple(v) if isinstance(v, list) else v for k, v in arguments.items()}
        made = getattr(torch.nn, kind, None)
        module = made(**plain) if made else _operation(kind, **plain)
        parts = ((*k.rpartition(".")[::2], v) for k, v in weights.items())
        own = {parameter: v for layer, parameter, v in parts if layer == name}
        module.load_state_dict({k: torch.from_numpy(v) for k, v in own.items()})
        modules.append(module)
    return Mirror(modules)


def _operation(kind: str, **arguments):
    """A torch.nn.Module for what PyTorch does with tensors, without a layer of its own."""
    import operator
    from functools import reduce

    import torch

    def shortcut(x, in_channels, out_channels, stride):
        new = out_channels - in_channels
        maps = 0, 0, 0, 0, new // 2, new - new // 2
        return torch.nn.functional.pad(x[:, :, ::stride, ::stride], maps)

    of = {"Add": operator.add, "Mul": operator.mul, "Sub": operator.sub, "Div": operator.truediv}

    class Operation(torch.nn.Module):
        def forward(self, *inputs):
            if kind == "Shortcut2d":
                return shortcut(*inputs, **arguments)
            return torch.cat(inputs, 1) if kind == "Concat" else reduce(of[kind], inputs)

    return Operation()


def _parts(images, batch: int) -> list:
    return [images[start : start + batch] for start in range(0, len(images), batch)][:INPUTS]


def peak_memory() -> int | None:
    """The most that this process ever held in memory, in bytes; None if unknown."""
    try:
        # Linux: getrusage's value there starts from the memory of the process that started us.
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
    if task["task"] == "logits":
        inputs = _inputs(side, task["batch"], side.layouts[0])
        return {"logits": side.logits(inputs[0]).tolist()}
    if task["task"] == "answer":
        inputs = _inputs(side, task["batch"], task["layout"])
        return {"seconds": _seconds(side.answer, inputs, task["count"])}
    if task["task"] == "choose layout":
        return {"layout": min(side.layouts, key=lambda layout: _quickest(side, task, layout))}
    # The batch and layout that suit this side best: the minimum of three runs each.
    settings = [(batch, layout) for batch in side.batches for layout in side.layouts]
    batch, layout = min(settings, key=lambda s: min(_seconds(side.infer, *s) for _ in range(3)))
    return {"batch": batch, "layout": layout}


def _inputs(side: Ours | PyTorch, batch: int, layout: str) -> list:
    """The batches to answer, reusing those of the last call if they fit: making them takes time."""
    if side.ready[0] != (batch, layout):
        side.ready = (batch, layout), side.inputs(batch, layout)
    return side.ready[1]


def _quickest(side: Ours | PyTorch, task: dict, layout: str) -> float:
    """Seconds of the fastest of three runs over a few batches, after one to warm up."""
    inputs = _inputs(side, task["batch"], layout)
    return min([_seconds(side.answer, inputs, INPUTS) for _ in range(4)][1:])


def main() -> None:
    """Answer tasks until there are no more."""
    name, folder, threads, device = sys.argv[1:]
    with open(os.path.join(folder, "network.json"), encoding="utf-8") as file:
        description = json.load(file)
    images, weights = (
        dict(np.load(os.path.join(folder, file))) for file in ("images.npz", "weights.npz")
    )
    sides: dict[str, type[Ours | PyTorch]] = {"ours": Ours, "pytorch": PyTorch}
    side = sides[name](description, weights, images, int(threads), device)
    for line in sys.stdin:
        answer = _answer(side, json.loads(line))
        print(json.dumps(answer | {"memory": peak_memory()}), flush=True)


if __name__ == "__main__":
    main()
