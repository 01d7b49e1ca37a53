"""Networks of the papers, with the names that torchvision gives their layers.

Each is a function that says its layers, which are kept as the text of a spec like any other: what
repeats in a network is a loop here.  Weights that were saved by these names load as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

IMAGENET = "224x224x3"


class _Layers:
    """The layers of a network, in the words of a spec; each ``add`` returns the layer's name."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.last = "input"

    def add(self, kind: str, name: str, *inputs: str, **settings: Any) -> str:
        """A layer that reads ``inputs``, or without any the one that was added last."""
        read = list(inputs or [self.last])
        said = {} if read == [self.last] and inputs != ("input",) else {"inputs": read}
        self.entries.append({"type": kind, "name": name, **said, **settings})
        self.last = name
        return name

    def conv(self, name: str, maps: Any, kernel: int, *inputs: str, **settings: Any) -> str:
        """A convolution that is padded so that its maps keep their size at stride 1."""
        settings = {"padding": kernel // 2, **settings}
        if not settings["padding"]:
            del settings["padding"]
        return self.add("Conv2d", name, *inputs, out_channels=maps, kernel_size=kernel, **settings)

    def conv_norm(
        self, conv: str, norm: str, maps: int, kernel: int, *inputs: str, **settings: Any
    ) -> str:
        """A convolution without bias, and the normalisation that has one."""
        said = {"eps": settings.pop("eps")} if "eps" in settings else {}
        self.conv(conv, maps, kernel, *inputs, bias=False, **settings)
        return self.add("BatchNorm2d", norm, **said)

    def classifier(self, name: str, p: float = 0.0, dropout: str = "dropout") -> None:
        """The mean of each map, and from these the classes."""
        self.add("AdaptiveAvgPool2d", "avgpool", output_size=1)
        self.add("Flatten", "flatten")
        if p:
            self.add("Dropout", dropout, p=p)
        self.classes(name)

    def classes(self, name: str) -> None:
        """The last layer."""
        self.add("Linear", name, out_features="classes", initialisation="glorot")

    def text(self, comment: str, size: str = IMAGENET, classes: int = 1000) -> str:
        """The spec."""
        lines = [
            "  {" + ", ".join(f"{k} = {_toml(v)}" for k, v in e.items()) + "},"
            for e in self.entries
        ]
        head = [*(f"# {line}" for line in comment.splitlines()), f'input = "{size}"']
        return "\n".join([*head, f"classes = {classes}", "", "layer = [", *lines, "]", ""])


def _toml(value: Any) -> str:
    return json.dumps(value)  # the same for texts, numbers, true, false and lists of them


def _vgg16() -> str:
    made = _Layers()
    number = 0
    for block, (maps, count) in enumerate(
        [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], start=1
    ):
        for _ in range(count):
            made.conv(f"features.{number}", maps, 3)
            made.add("ReLU", f"features.{number + 1}")
            number += 2
        made.add("MaxPool2d", f"pool{block}", kernel_size=2)
        number += 1
    made.add("AdaptiveAvgPool2d", "avgpool", output_size=7)
    made.add("Flatten", "flatten")
    for number in (0, 3):
        made.add("Linear", f"classifier.{number}", out_features=4096)
        made.add("ReLU", f"classifier.{number + 1}")
        made.add("Dropout", f"classifier.{number + 2}", p=0.5)
    made.classes("classifier.6")
    return made.text(
        'VGG-16, configuration D of Simonyan & Zisserman, "Very deep convolutional networks for\n'
        'large-scale image recognition", 2015, table 1.'
    )


def _resnet(units: Sequence[int], bottleneck: bool) -> str:
    """A stage of ``units`` residual units each: two layers of 3 x 3, or 1 x 1, 3 x 3, 1 x 1."""
    made = _Layers()
    made.conv_norm("conv1", "bn1", 64, 7, stride=2)
    made.add("ReLU", "relu")
    before = made.add("MaxPool2d", "maxpool", kernel_size=3, stride=2, padding=1)
    kernels, growth = ((1, 3, 1), 4) if bottleneck else ((3, 3), 1)
    for stage, count in enumerate(units, start=1):
        maps = 32 * 2**stage
        for unit in range(count):
            name = f"layer{stage}.{unit}"
            step: dict[str, Any] = {"stride": 2} if unit == 0 and stage > 1 else {}
            shortcut = before
            for number, kernel in enumerate(kernels, start=1):
                names = f"{name}.conv{number}", f"{name}.bn{number}"
                last = number == len(kernels)
                read = [before] if number == 1 else []
                settings = step if number == 1 + bottleneck else {}
                made.conv_norm(*names, maps * (growth if last else 1), kernel, *read, **settings)
                if not last:
                    made.add("ReLU", f"{name}.relu{number}")
            inside = made.last
            if unit == 0 and (stage > 1 or bottleneck):
                names = f"{name}.downsample.0", f"{name}.downsample.1"
                shortcut = made.conv_norm(*names, maps * growth, 1, before, **step)
            made.add("Add", f"{name}.sum", inside, shortcut)
            before = made.add("ReLU", name)
    made.classifier("fc")
    where = "; the stride stands on\nthe 3 x 3 convolution of a unit" if bottleneck else ""
    return made.text(
        'A residual network of He, Zhang, Ren & Sun, "Deep residual learning for image\n'
        f'recognition", 2016, table 1{where}.'
    )


def _squeezenet1_1() -> str:
    made = _Layers()

    def fire(name: str, squeeze: int, expand: int) -> None:
        made.conv(f"{name}.squeeze", squeeze, 1)
        before = made.add("ReLU", f"{name}.squeeze_activation")
        ends = []
        for kernel in (1, 3):
            layer = f"{name}.expand{kernel}x{kernel}"
            made.conv(layer, expand, kernel, before)
            ends.append(made.add("ReLU", f"{layer}_activation"))
        made.add("Concat", name, *ends)

    made.conv("features.0", 64, 3, stride=2, padding=0)
    made.add("ReLU", "features.1")
    number = 2
    for units in ([(16, 64)] * 2, [(32, 128)] * 2, [(48, 192)] * 2 + [(64, 256)] * 2):
        pool = f"features.{number}"
        made.add("MaxPool2d", pool, kernel_size=3, stride=2, ceil_mode=True)
        for place, unit in enumerate(units, start=number + 1):
            fire(f"features.{place}", *unit)
        number += 1 + len(units)
    made.add("Dropout", "classifier.0", p=0.5)
    made.conv("classifier.1", "classes", 1, initialisation="glorot")
    made.add("ReLU", "classifier.2")
    made.add("AdaptiveAvgPool2d", "classifier.3", output_size=1)
    made.add("Flatten", "flatten")
    return made.text(
        'SqueezeNet 1.1 of Iandola, Han, Moskewicz, Ashraf, Dally & Keutzer, "SqueezeNet:\n'
        'AlexNet-level accuracy with 50x fewer parameters", 2016: fire modules.'
    )


def _mobilenet_v2() -> str:
    made = _Layers()
    made.conv_norm("features.0.0", "features.0.1", 32, 3, stride=2)
    made.add("ReLU6", "features.0.2")
    number, maps = 1, 32
    # Table 2 of the paper: expansion, maps, units, stride of the first.
    for expansion, out, count, stride in [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]:
        for unit in range(count):
            before, part, inside = made.last, 0, f"features.{number}.conv"
            if expansion > 1:
                made.conv_norm(f"{inside}.0.0", f"{inside}.0.1", maps * expansion, 1)
                made.add("ReLU6", f"{inside}.0.2")
                part = 1
            step: dict[str, Any] = {"stride": stride} if unit == 0 and stride > 1 else {}
            wide = maps * expansion
            names = f"{inside}.{part}.0", f"{inside}.{part}.1"
            made.conv_norm(*names, wide, 3, groups=wide, **step)
            made.add("ReLU6", f"{inside}.{part}.2")
            made.conv_norm(f"{inside}.{part + 1}", f"{inside}.{part + 2}", out, 1)
            if unit:
                made.add("Add", f"features.{number}", before, made.last)
            number, maps = number + 1, out
    made.conv_norm(f"features.{number}.0", f"features.{number}.1", 1280, 1)
    made.add("ReLU6", f"features.{number}.2")
    made.classifier("classifier.1", 0.2, "classifier.0")
    return made.text(
        'MobileNetV2 of Sandler, Howard, Zhu, Zhmoginov & Chen, "MobileNetV2: inverted residuals\n'
        'and linear bottlenecks", 2018, table 2.'
    )


def _googlenet() -> str:
    made = _Layers()

    def conv(name: str, maps: int, kernel: int, *inputs: str, **settings: Any) -> str:
        names = f"{name}.conv", f"{name}.bn"
        made.conv_norm(*names, maps, kernel, *inputs, eps=0.001, **settings)
        return made.add("ReLU", f"{name}.relu")

    def pool(number: int, kernel: int = 3) -> None:
        settings = {"kernel_size": kernel, "stride": 2, "ceil_mode": True}
        made.add("MaxPool2d", f"maxpool{number}", **settings)

    def inception(name: str, *maps: int) -> None:
        one, three_reduce, three, five_reduce, five, pooled = maps
        name, before = f"inception{name}", made.last
        ends = [conv(f"{name}.branch1", one, 1, before)]
        # torchvision's third branch has a kernel of 3 x 3 where the paper's has 5 x 5.
        for branch, reduced, out in ((2, three_reduce, three), (3, five_reduce, five)):
            conv(f"{name}.branch{branch}.0", reduced, 1, before)
            ends.append(conv(f"{name}.branch{branch}.1", out, 3))
        window = {"kernel_size": 3, "stride": 1, "padding": 1, "ceil_mode": True}
        made.add("MaxPool2d", f"{name}.branch4.0", before, **window)
        ends.append(conv(f"{name}.branch4.1", pooled, 1))
        made.add("Concat", name, *ends)

    conv("conv1", 64, 7, stride=2)
    pool(1)
    conv("conv2", 64, 1)
    conv("conv3", 192, 3)
    pool(2)
    inception("3a", 64, 96, 128, 16, 32, 32)
    inception("3b", 128, 128, 192, 32, 96, 64)
    pool(3)
    inception("4a", 192, 96, 208, 16, 48, 64)
    inception("4b", 160, 112, 224, 24, 64, 64)
    inception("4c", 128, 128, 256, 24, 64, 64)
    inception("4d", 112, 144, 288, 32, 64, 64)
    inception("4e", 256, 160, 320, 32, 128, 128)
    pool(4, 2)
    inception("5a", 256, 160, 320, 32, 128, 128)
    inception("5b", 384, 192, 384, 48, 128, 128)
    made.classifier("fc", 0.2)
    return made.text(
        'GoogLeNet of Szegedy et al., "Going deeper with convolutions", 2015, table 1, as\n'
        "torchvision has it: with batch normalisation, without the auxiliary classifiers and with\n"
        "3 x 3 for 5 x 5."
    )


def _densenet121() -> str:
    made = _Layers()
    maps, growth, widening = 64, 32, 4
    made.conv_norm("features.conv0", "features.norm0", maps, 7, stride=2)
    made.add("ReLU", "features.relu0")
    before = made.add("MaxPool2d", "features.pool0", kernel_size=3, stride=2, padding=1)
    for block, count in enumerate((6, 12, 24, 16), start=1):
        for number in range(1, count + 1):
            name = f"features.denseblock{block}.denselayer{number}"
            made.add("BatchNorm2d", f"{name}.norm1", before)
            made.add("ReLU", f"{name}.relu1")
            made.conv_norm(f"{name}.conv1", f"{name}.norm2", widening * growth, 1)
            made.add("ReLU", f"{name}.relu2")
            made.conv(f"{name}.conv2", growth, 3, bias=False)
            before = made.add("Concat", name, before, made.last)
            maps += growth
        if block < 4:
            name, maps = f"features.transition{block}", maps // 2
            made.add("BatchNorm2d", f"{name}.norm")
            made.add("ReLU", f"{name}.relu")
            made.conv(f"{name}.conv", maps, 1, bias=False)
            before = made.add("AvgPool2d", f"{name}.pool", kernel_size=2)
    made.add("BatchNorm2d", "features.norm5")
    made.add("ReLU", "relu")
    made.classifier("classifier")
    return made.text(
        'DenseNet-121 of Huang, Liu, van der Maaten & Weinberger, "Densely connected\n'
        'convolutional networks", 2017, table 1: growth rate 32.'
    )


def _efficientnet_lite0() -> str:
    made = _Layers()

    def conv(name: str, norm: str, maps: int, kernel: int, stride: int = 1, **settings: Any) -> str:
        if stride > 1:  # TensorFlow's padding of even sizes: one pixel more behind than before
            before, behind = (kernel - stride) // 2, (kernel - stride + 1) // 2
            settings |= {"stride": stride, "padding": [before, behind] * 2}
        return made.conv_norm(name, norm, maps, kernel, eps=0.001, **settings)

    conv("_conv_stem", "_bn0", 32, 3, 2)
    made.add("ReLU6", "_relu0")
    number, maps = 0, 32
    # EfficientNet-B0 without squeeze and excitation: expansion, kernel, maps, units, stride.
    for expansion, kernel, out, count, stride in [
        (1, 3, 16, 1, 1),
        (6, 3, 24, 2, 2),
        (6, 5, 40, 2, 2),
        (6, 3, 80, 3, 2),
        (6, 5, 112, 3, 1),
        (6, 5, 192, 4, 2),
        (6, 3, 320, 1, 1),
    ]:
        for unit in range(count):
            name, before, wide = f"_blocks.{number}", made.last, maps * expansion
            if expansion > 1:
                conv(f"{name}._expand_conv", f"{name}._bn0", wide, 1)
                made.add("ReLU6", f"{name}._relu0")
            step = stride if unit == 0 else 1
            names = f"{name}._depthwise_conv", f"{name}._bn1"
            conv(*names, wide, kernel, step, groups=wide)
            made.add("ReLU6", f"{name}._relu1")
            conv(f"{name}._project_conv", f"{name}._bn2", out, 1)
            if unit:
                made.add("Add", name, before, made.last)
            number, maps = number + 1, out
    conv("_conv_head", "_bn1", 1280, 1)
    made.add("ReLU6", "_relu1")
    made.add("AdaptiveAvgPool2d", "_avg_pooling", output_size=1)
    made.add("Flatten", "_flatten")
    made.add("Dropout", "_dropout", p=0.2)
    made.classes("_fc")
    return made.text(
        'EfficientNet-Lite0: EfficientNet-B0 of Tan & Le, "EfficientNet: rethinking model scaling\n'
        'for convolutional neural networks", 2019, table 1, without squeeze and excitation and\n'
        "with ReLU6.  Names as in the PyTorch port, padding as TensorFlow pads maps of even sizes."
    )


def _unet() -> str:
    made = _Layers()

    def two(name: str, maps: int) -> str:
        for number in (1, 2):
            made.conv(f"{name}.conv{number}", maps, 3, padding=0)
            made.add("ReLU", f"{name}.relu{number}")
        return made.last

    skips, size = [], 572
    for level, maps in enumerate((64, 128, 256, 512), start=1):
        skips.append((two(f"down{level}", maps), size := size - 4))
        made.add("MaxPool2d", f"down{level + 1}.pool", kernel_size=2)
        size //= 2
    two("down5", 1024)
    size -= 4
    for level, maps in zip((4, 3, 2, 1), (512, 256, 128, 64), strict=True):
        up = {"out_channels": maps, "kernel_size": 2, "stride": 2}
        upper = made.add("ConvTranspose2d", f"up{level}.conv", **up)
        skip, wide = skips.pop()
        size *= 2
        copy = made.add("ZeroPad2d", f"up{level}.crop", skip, padding=[-((wide - size) // 2)] * 4)
        made.add("Concat", f"up{level}.concat", copy, upper)
        two(f"up{level}", maps)
        size -= 4
    made.conv("output", "classes", 1, initialisation="glorot")
    return made.text(
        'U-Net of Ronneberger, Fischer & Brox, "U-Net: convolutional networks for biomedical\n'
        'image segmentation", 2015, figure 1: no padding, and maps that are cropped to fit.',
        "572x572x1",
        2,
    )


PUBLISHED: dict[str, Callable[[], str]] = {
    "densenet121": _densenet121,
    "efficientnet-lite0": _efficientnet_lite0,
    "googlenet": _googlenet,
    "mobilenet-v2": _mobilenet_v2,
    "resnet18": lambda: _resnet((2, 2, 2, 2), False),
    "resnet34": lambda: _resnet((3, 4, 6, 3), False),
    "resnet50": lambda: _resnet((3, 4, 6, 3), True),
    "squeezenet1-1": _squeezenet1_1,
    "unet": _unet,
    "vgg16": _vgg16,
}
"""The spec's text of each network, by its name."""
