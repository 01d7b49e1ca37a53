"""The Python interface with wrong arguments: what it raises are convlab's own errors."""

import re

from .cases import Case, kind

SET_UP = """
import numpy as np
import convlab
from convlab import Tensor, data, functional as F, insight, models, nn, optim, random
from convlab import shapes, tasks, training
rng = np.random.default_rng(0)
x = Tensor(rng.random((2, 3, 6, 6), np.float32), requires_grad=True)
w = Tensor(rng.random((4, 3, 3, 3), np.float32), requires_grad=True)
p = nn.Parameter(np.ones((3, 2), np.float32))
bytes_ = rng.integers(0, 256, (4, 1, 8, 8), np.uint8)
labels = np.array([0, 1, 0, 1])
scaling = data.Scaling((1.0,), (0.0,))
def set_():
    return data.Dataset("a", "train", bytes_, labels, ("a", "b"))
def net():
    return models.build("lenet5")
image = rng.random((1, 28, 28), np.float32)
"""
CALLS = """
F.conv2d(x, w, stride=_)|F.conv2d(x, w, padding=_)|F.conv2d(x, w, dilation=_)|F.conv2d(_, w)
F.conv2d(x, w, groups=_)|F.conv2d(x, _)|F.conv2d(x, w, bias=_)
F.conv_transpose2d(x, w, stride=_)|F.conv_transpose2d(x, w.transpose(1, 0, 2, 3), output_padding=_)
F.max_pool2d(x, _)|F.max_pool2d(x, 2, stride=_)|F.max_pool2d(x, 2, padding=_)|F.max_pool2d(_, 2)
F.avg_pool2d(x, _)|F.avg_pool2d(x, 2, divisor_override=_)|F.adaptive_avg_pool2d(x, _)
F.adaptive_max_pool2d(x, _)|F.linear(x, _)|F.linear(_, p)|F.softmax(x, _)|F.log_softmax(x, _)
F.cross_entropy(p, _)|F.cross_entropy(_, labels)|F.cross_entropy(p, [0, 1, 0], reduction=_)
F.cross_entropy(p, [0, 1, 0], ignore_index=_)|F.cross_entropy(p, [0, 1, 0], weight=_)
F.dropout(x, _)|F.dropout(_)|F.pad(x, _)|F.pad(x, (1, 1), mode=_)|F.pad(x, (1, 1), value=_)
F.cat(_)|F.cat([x, x], _)|F.cat([x, _])|F.relu(_)|F.squared_distance(p, _)|F.lecun_map_loss(p, _)
F.lecun_map_loss(p, [0, 1, 0], margin=_)|Tensor(_)|x.reshape(_)|x.transpose(_)|x.sum(_)|x.mean(_)
x.max(_)|x[_]|x + _|x @ _|x * _|x / _|x ** _|x.backward(_)|x.to(_)|x.sum().backward(_)
nn.Conv2d(_, 4, 3)|nn.Conv2d(3, _, 3)|nn.Conv2d(3, 4, _)|nn.Conv2d(3, 4, 3, stride=_)
nn.Conv2d(3, 4, 3, padding=_)|nn.Conv2d(4, 4, 3, groups=_)|nn.Conv2d(3, 4, 3, dilation=_)
nn.Conv2d(3, 4, 3, padding_mode=_)|nn.Conv2d(3, 4, 3)(_)|nn.ConvTranspose2d(3, 4, _)
nn.MaxPool2d(_)|nn.MaxPool2d(2, _)|nn.AvgPool2d(_)|nn.AdaptiveAvgPool2d(_)(x)|nn.Dropout(_)
nn.Linear(_, 3)|nn.Linear(3, _)|nn.Linear(3, 2, initialisation=_)|nn.Flatten(_)(x)|nn.Softmax(_)(x)
nn.Sequential(_)|nn.Sequential({"a": _})|nn.EuclideanRBF(_)
nn.Sequential({_ if isinstance(_, str) else 2: nn.ReLU()})
nn.TableConv2d(3, 2, 3, _)|nn.Parameter(_)|nn.Conv2d(3, 4, 3).load_state_dict(_)
nn.Subsample2d(_, 2)|nn.Conv2d(3, 4, 3).load_state_dict({"weight": _, "bias": _})
nn.ReLU().to(_)|nn.ReLU()(_)|optim.SGD(_)|optim.SGD([p], lr=_)|optim.SGD([p], momentum=_)
optim.SGD([p], weight_decay=_)|optim.Adam([p], lr=_)|optim.Adam([p], betas=_)|optim.Adam([p], eps=_)
optim.scheduled_rate(_, 0.1, 1, 9)
optim.scheduled_rate("cosine", _, 1, 9)|optim.scheduled_rate("cosine", 0.1, _, 9)
optim.scheduled_rate("cosine", 0.1, 1, _)
data.load(_)|data.load("digits", image_size=_)|data.load("digits", channels=_)
data.load("mnist", data_dir=_, download=False)|data.read_folder(_)|data.read_idx_pair(_, _)
data.read_picture(_, size=(8, 8), channels=1)|data.read_picture("x.png", size=_, channels=1)
data.read_picture("x.png", size=(8, 8), channels=_)|data.photograph(_)|data.fit_images(_)
data.fit_images(bytes_, size=_)|data.fit_images(bytes_, channels=_)|data.as_dark_background(_)
data.to_floats(_, scaling)|data.to_floats(bytes_, scaling, _)|data.Scaling(_, _)
data.Scaling.between(_, 1)|data.Scaling.from_dict(_)|data.Augmentation(shift=_)
data.Augmentation(rotate=_)|data.Augmentation(scale=_)|data.Augmentation(elastic=_)
data.Augmentation(flip=_)|data.Augmentation.parse(_)|data.Augmentation(shift=1).apply(_, rng)
data.Dataset("a", "train", _, labels, ("a", "b"))|data.Dataset("a", "train", bytes_, _, ("a", "b"))
data.Dataset("a", "train", bytes_, labels, _)|data.limit_per_class(set_(), _, 0)
data.limit_per_class(set_(), 1, _)|data.stratified_split(set_(), _, 0)|data.scene(set_(), _)
data.scene(set_(), 0, size=_)|data.scene(set_(), 0, fields=_)|data.scene_crops(set_(), _)
data.Batches(set_(), _, scaling=scaling)|data.Batches(set_(), 2, scaling=scaling, seed=_)
models.build(_)|models.build("lenet5", input_shape=_)|models.build("lenet5", classes=_)
models.build("alexnet", dropout=_, weights=False)|models.build_from_text(_, name="a")
models.encoder_decoder(_, 3)|models.encoder_decoder((32, 32), _)|models.read_spec(_)
training.load(_)|training.history(_)|training.snapshot(_, 1)|training.snapshot("run", _)
training.Settings(epochs=_)|training.Settings(rate=_)|training.Settings(validation=_)
training.Settings(momentum=_)|training.Settings(augment=_)|training.Settings(dropout=_)
training.Settings(weight_decay=_)|training.Settings(batch_size=_)|training.Settings(seed=_)
training.freeze(net(), _)|training.take_over(net(), _)|training.evaluate(net(), _, scaling)
training.prepare(training.Settings(data=_))|training.prepare(training.Settings(model=_))
training.prepare(training.Settings(dropout=_))|training.prepare(training.Settings(limit=_))
insight.trace(net(), _)|insight.trace(net(), image, _)|insight.explain(net(), image, _)
insight.explain(net(), image, "conv1", _)|insight.grad_cam(net(), image, _)
insight.grad_cam(net(), image, 0, _)|insight.saliency(net(), image, _)
insight.saliency(net(), image, 0, _)|insight.saliency(net(), image, 0, baseline=_)
insight.occlusion(net(), image, 0, _, (4, 4))|insight.occlusion(net(), image, 0, (4, 4), _)
insight.unit_field(net(), _, (0, 0))|insight.unit_field(net(), "conv1", _)|insight.embed(_)
insight.embed(rng.random((9, 3)), _)|insight.shift(image[None], _, 0)|tasks.overlaps(_, _)
insight.shift(image[None], 1, 0, border=_)|insight.equivariance(net(), image[None], _)
insight.maximise(net(), _, [0], scaling)|insight.maximise(net(), "conv1", _, scaling)
insight.Ascent(steps=_)|insight.Smoothing(_)|tasks.non_maximum_suppression(_, _)
convlab.manual_seed(_)|convlab.set_num_threads(_)|random.set_state(_)|tasks.gram(_)
shapes.conv_output(_, 3)|shapes.conv_output(9, _)|shapes.conv_output(9, 3, _)
shapes.pool_output(9, 3, _)|shapes.pair(_, "stride")|shapes.padding_sides(_, (3, 3))
shapes.padding_index(5, 1, 1, _)|shapes.adaptive_windows(_, 3)|shapes.adaptive_windows(5, _)
x[_]|convlab.gradcheck(_, [x])|net()(_)|net().load_state_dict(_)
"""
VALUES = """
None|0|-1|-3|10**9|10**30|1.5|float("nan")|float("inf")|True|""|"x"|"²"|b"x"|()|[]|{}|[[]]|"3"
(0, 0)|(-1, 2)|(1, 2, 3)|(1,) * 40|(10**9, 10**9)|[1, "x"]|[None]|"same"|{"a": 1}|(2.0, 2)
np.float32(2)|np.int64(2)|np.array(2)|np.zeros(0, np.float32)|np.zeros((0, 3, 6, 6), np.float32)
np.zeros((2, 3))|np.zeros((2, 3, 6, 6))|np.array(["a"])|np.array([None])|np.zeros(3, complex)
np.full((2, 3, 6, 6), np.nan, np.float32)|np.zeros((1, 28, 28), np.float32)|np.zeros((4, 1), bool)
Tensor([1.0])|Tensor(np.zeros((2, 3, 6, 6)))|Tensor(np.zeros((0, 3, 6, 6), np.float32))|x|p
"nowhere"|"a" * 5000|range(3)|np.array([0, 99])|np.array([0.5, 1])|np.array([-5, 1, 0])
np.zeros((1, 1, 1, 1, 1), np.float32)|np.zeros((3, 3), np.uint8)|"digits"|"run"|[10**30]|-(10**30)
2**63|1e-320|1e300|np.int32(-2)|np.zeros((3, 2), np.float16)|"nan"
"""


HOLE = re.compile(r"\b_\b")


@kind("api", 250)
def api(rng):
    calls = [call for line in CALLS.strip().splitlines() for call in line.split("|")]
    values = [value for line in VALUES.strip().splitlines() for value in line.split("|")]
    while True:
        rng.shuffle(calls)
        for call in calls:
            value = rng.choice(values)
            yield Case(
                [],
                code=f"{SET_UP}value = {value}\n{HOLE.sub('value', call)}\n",
                note=f"{call} with {value}",
                needs=("run",) if "run" in call + value else (),
            )
