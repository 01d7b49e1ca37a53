"""Wrong arguments of the whole Python API: each ends in one line of an error of convlab."""

import time

import numpy as np
import pytest

import convlab
from convlab import (
    Tensor,
    data,
    gradcheck,
    insight,
    models,
    nn,
    optim,
    shapes,
    tasks,
    training,
)
from convlab import functional as F
from convlab.checks import LARGEST, LARGEST_SIDE
from convlab.errors import ConvlabError

SPEC = """
input = "8x8x1"
layer = [
    { type = "Conv2d", name = "conv", out_channels = 2, kernel_size = 3 },
    { type = "ReLU", name = "relu" },
    { type = "Flatten" },
    { type = "Linear", name = "fc", out_features = "classes" },
]
"""
NETWORK = models.build_from_text(SPEC, name="small", classes=3)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 1, 8, 8), dtype=np.uint8)
DATASET = data.Dataset("few", "train", IMAGES, np.arange(6) % 3, ("a", "b", "c"))
SCALING = data.Scaling.standardise(DATASET)
IMAGE = RNG.standard_normal((1, 8, 8)).astype(np.float32)
MAPS, ROWS = Tensor(np.ones((2, 2, 6, 6), np.float32)), Tensor(np.ones((2, 3), np.float32))
WEIGHT = Tensor(np.ones((4, 2, 3, 3), np.float32))
GIVEN = {"network": NETWORK, "dataset": DATASET, "scaling": SCALING}
HUGE, NAN = 10**9, float("nan")

# A function, good arguments, and for some of them values that are wrong, each on its own.
TABLE = [
    (Tensor, {"array": [1.0]}, {"array": [None, "text", 1j, [[1], [1, 2]], {}, object()]}),
    (nn.Parameter, {"array": [1.0]}, {"array": [None, "text", [None]]}),
    (
        lambda **given: Tensor([1.0, 2.0], requires_grad=True).backward(**given),
        {"gradient": [1.0, 1.0]},
        {"gradient": ["a", 1.0, [1.0], np.zeros((2, 2)), [None, 1]]},
    ),
    (ROWS.to, {"device": "cpu"}, {"device": [None, 0, "tpu", np.ones(2), []]}),
    *(
        (
            lambda shape, f=f: f(shape),
            {"shape": good},
            {"shape": [None, "ab", 1.5, HUGE, (0, 9), NAN]},
        )
        for f, good in ((ROWS.reshape, (3, 2)), (ROWS.transpose, (1, 0)))
    ),
    *(
        (
            f,
            {"axis": 0, "keepdims": False},
            {
                "axis": ["0", 1.5, HUGE, (0, 0), [None], True],
                "keepdims": ["yes", None, 2, np.ones(2)],
            },
        )
        for f in (ROWS.sum, ROWS.mean, ROWS.max)
    ),
    (lambda key: ROWS[key], {"key": 0}, {"key": ["a", 1.5, HUGE, {}, [[0], [0, 1]], object()]}),
    *(
        (
            lambda other, f=f: f(other),
            {"other": 1.0},
            {"other": ["a", None, {}, np.ones(4), 1j]},
        )
        for f in (ROWS.__add__, ROWS.__mul__, ROWS.__truediv__)
    ),
    (
        lambda other: ROWS @ other,
        {"other": np.ones((3, 1), "f4")},
        {"other": [None, 1.0, np.ones(4)]},
    ),
    (lambda exponent: ROWS**exponent, {"exponent": 2}, {"exponent": ["2", None, ROWS, []]}),
    (
        gradcheck,
        {"function": lambda a: a.sum(), "inputs": [Tensor(np.ones(1), True)]},
        {"function": ["f", None], "inputs": [None, 1, ["a"]]},
    ),
    (convlab.manual_seed, {"seed": 0}, {"seed": [-1, 1.5, NAN, "0", None, []]}),
    (convlab.set_num_threads, {"count": 1}, {"count": [0, -1, HUGE, 1.5, "1", None]}),
    (
        F.conv2d,
        {"input": MAPS, "weight": WEIGHT, "bias": None, "stride": 1, "padding": 0, "groups": 1},
        {
            "input": [None, np.ones((1, 2, 6, 6)), ROWS, "a"],
            "weight": [None, 1, np.ones((4, 2, 3, 3)), ROWS],
            "bias": ["a", 1.0, ROWS],
            "stride": [0, -1, 1.5, NAN, "2", None, True, (1, 2, 3), HUGE, np.ones((2, 2))],
            "padding": [-1, NAN, "all", None, True, HUGE, (1, 1, 1), (HUGE, 0)],
            "groups": [0, -1, 3, 1.5, "1", None],
        },
    ),
    (
        F.conv_transpose2d,
        {"input": MAPS, "weight": Tensor(np.ones((2, 4, 3, 3), "f4")), "stride": 1},
        {"input": [None], "weight": [None, ROWS], "stride": [0, NAN, HUGE, LARGEST_SIDE, "a"]},
    ),
    (
        F.pad,
        {"input": MAPS, "pad": (1, 1), "mode": "constant", "value": None},
        {
            "pad": [1, None, "ab", (1.5, 1), (HUGE, HUGE), (-9, 0)],
            "mode": [None, 0, "x", []],
            "value": ["a", [1, 2]],
        },
    ),
    (
        F.cat,
        {"tensors": [ROWS, ROWS], "dim": 0},
        {"tensors": [None, [], 1, ["a"]], "dim": [5, 1.5, "0", None]},
    ),
    *(
        (
            f,
            {"input": MAPS, "kernel_size": 2, "stride": None, "padding": 0},
            {
                "input": [None, ROWS, "a"],
                "kernel_size": [0, -1, NAN, None, "2", HUGE, 7],
                "stride": [0, 1.5, HUGE, "2"],
                "padding": [-1, 2, NAN, HUGE, None],
            },
        )
        for f in (F.max_pool2d, F.avg_pool2d)
    ),
    *(
        (
            f,
            {"input": MAPS, "output_size": 2},
            {
                "input": [None, ROWS],
                "output_size": [0, -1, NAN, "2", HUGE, (HUGE, 1), (1, 2, 3), 40_000],
            },
        )
        for f in (F.adaptive_avg_pool2d, F.adaptive_max_pool2d)
    ),
    (
        F.linear,
        {"input": ROWS, "weight": Tensor(np.ones((4, 3), "f4"))},
        {"input": [None, np.ones((2, 3)), MAPS, 1], "weight": [None, ROWS.numpy(), MAPS]},
    ),
    *(
        (f, {"input": ROWS}, {"input": [None, 1.0, "a", ROWS.numpy()]})
        for f in (F.relu, F.sigmoid, F.tanh, F.scaled_tanh)
    ),
    (
        F.dropout,
        {"input": ROWS, "p": 0.5},
        {"input": [None, 1.0], "p": [-1, 2, NAN, "a", None, True]},
    ),
    *(
        (f, {"input": ROWS, "dim": 1}, {"input": [None, 1.0], "dim": [2, -3, 1.5, "1", None, HUGE]})
        for f in (F.softmax, F.log_softmax)
    ),
    (
        F.cross_entropy,
        {
            "input": ROWS,
            "target": [0, 1],
            "weight": None,
            "reduction": "mean",
            "label_smoothing": 0.0,
        },
        {
            "input": [None, 1.0, Tensor(1.0), ROWS.numpy()],
            "target": [None, "ab", [0], [0, 3], [0, -1], [0.5, 1], 1, [[0], [0, 1]]],
            "weight": ["a", [1, 2], 1.0, [None] * 3],
            "reduction": [None, "average", 1, []],
            "label_smoothing": [-1, 2, NAN, "a", None],
        },
    ),
    (
        F.squared_distance,
        {"input": ROWS, "centres": np.ones((2, 3))},
        {"input": [None, MAPS], "centres": [None, 1, "a", np.ones(3), np.ones((2, 4))]},
    ),
    (
        F.lecun_map_loss,
        {"distances": ROWS, "target": [0, 1], "margin": 0.1},
        {"distances": [None, MAPS], "target": [None, [3, 0], "a"], "margin": ["a", None]},
    ),
    *(
        (
            f,
            {
                "in_channels": 2,
                "out_channels": 2,
                "kernel_size": 3,
                "stride": 1,
                "padding": 0,
                "groups": 1,
                "initialisation": "he",
            },
            {
                "in_channels": [0, -1, 1.5, NAN, "2", None, True, HUGE, []],
                "out_channels": [0, -2, 2.0, "2", None, HUGE],
                "kernel_size": [0, 1.5, NAN, "3", None, HUGE, (3,), (30_000, 30_000)],
                "stride": [0, NAN, "1", HUGE],
                "padding": [-1, NAN, HUGE],
                "groups": [0, 3, "1", None],
                "initialisation": ["x", 1, []],
            },
        )
        for f in (nn.Conv2d, nn.ConvTranspose2d)
    ),
    (
        nn.Linear,
        {"in_features": 3, "out_features": 2},
        {"in_features": [0, -1, 1.5, "3", None, HUGE, True], "out_features": [0, NAN, [], HUGE]},
    ),
    (
        nn.Subsample2d,
        {"channels": 2, "kernel_size": 2},
        {"channels": [0, -1, 1.5, "2", None, HUGE], "kernel_size": [0, None, HUGE]},
    ),
    (
        nn.TableConv2d,
        {"in_channels": 2, "out_channels": 1, "kernel_size": 3, "connections_table": [[1, 1]]},
        {"in_channels": [0, "a"], "connections_table": [None, [], [[1]], [[0, 0]], [[1], [1, 1]]]},
    ),
    (nn.EuclideanRBF, {"centres": np.ones((2, 3))}, {"centres": [None, "a", 1, [], [[1], [1, 2]]]}),
    (nn.Dropout, {"p": 0.5}, {"p": [-1, 1.5, NAN, "a", None, True, []]}),
    (nn.MaxPool2d, {"kernel_size": 2}, {"kernel_size": [0, NAN, "2", None, HUGE, ()]}),
    *(
        (lambda x, f=f: f(x), {"x": MAPS}, {"x": [None, 1.0, "a", [], IMAGES]})
        for f in (
            nn.Conv2d(2, 2, 3),
            nn.MaxPool2d(2),
            nn.AdaptiveAvgPool2d(1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Softmax(1),
            nn.Subsample2d(2, 2),
            nn.Sequential(nn.Conv2d(2, 2, 3), nn.ReLU()),
        )
    ),
    (lambda a: nn.Add()(MAPS, a), {"a": MAPS}, {"a": [None, 1.0, ROWS, "a"]}),
    (lambda a: nn.Concat()(MAPS, a), {"a": MAPS}, {"a": [None, 1.0, ROWS, "a"]}),
    (lambda m: nn.Sequential(nn.ReLU(), m), {"m": nn.ReLU()}, {"m": [None, 1, "a", nn.ReLU]}),
    (lambda key: nn.Sequential(nn.ReLU())[key], {"key": 0}, {"key": [3, "a", None, 1.5, []]}),
    (
        lambda d: nn.Linear(2, 2).astype(d),
        {"d": "f8"},
        {"d": ["f2", int, "float33", object, None, 1]},
    ),
    (
        lambda w: nn.Linear(2, 2, bias=False).load_state_dict(w),
        {"w": {"weight": np.ones((2, 2))}},
        {
            "w": [
                None,
                1,
                "a",
                {},
                {"weight": None},
                {"weight": "a"},
                {"weight": np.ones(2)},
                {1: 2},
            ]
        },
    ),
    *(
        (
            f,
            {"params": [nn.Parameter([1.0])], "lr": 0.1, "weight_decay": 0.0},
            {
                "params": [None, 1, [], [1.0], "ab", [nn.ReLU()]],
                "lr": [-1, NAN, "a", None, True, 1e999],
                "weight_decay": [-1, NAN, "a", None],
            },
        )
        for f in (optim.SGD, optim.Adam)
    ),
    (
        optim.Adam,
        {"params": [nn.Parameter([1.0])], "betas": (0.9, 0.9), "eps": 1e-8},
        {"betas": [None, 0.9, (1, 1), ("a", 0), (0.9,), (NAN, 0)], "eps": [-1, NAN, "a", None]},
    ),
    (
        optim.scheduled_rate,
        {"schedule": "cosine", "peak": 0.1, "step": 0, "total": 9},
        {
            "schedule": [None, 1, "x", np.ones(2)],
            "peak": ["a", NAN],
            "step": [-1, 1.5, None],
            "total": [0, -1, NAN, "9"],
        },
    ),
    (
        shapes.conv_output,
        {"size": 5, "kernel": 3, "stride": 1},
        {"size": ["5", None], "kernel": [None, "3"], "stride": [0, None, 1.5, np.zeros(3)]},
    ),
    (
        shapes.pool_output,
        {"size": 9, "kernel": 3, "stride": 2},
        {"size": ["5", 1.5], "kernel": [None, np.ones(2)], "stride": [0, np.zeros((3, 2))]},
    ),
    (
        shapes.conv2d_geometry,
        {
            "in_channels": 1,
            "out_channels": 1,
            "input": (6, 6),
            "kernel": (3, 3),
            "padding": (0, 0, 0, 0),
        },
        {
            "in_channels": [0, "a", None, HUGE],
            "input": [6, None, "ab", (1, 1), [6, 6], (HUGE, HUGE)],
            "kernel": [None, 3, (7, 7)],
            "padding": [1, None, (HUGE,) * 4],
        },
    ),
    (
        shapes.pool_windows,
        {"input": (6, 6), "kernel": (2, 2), "stride": (2, 2)},
        {"input": [6, None, (1, 1)], "kernel": [None, [2, 2]], "stride": [None, (0, 0), "ab"]},
    ),
    (
        shapes.adaptive_windows,
        {"size": 5, "output": 2},
        {"size": [0, None, "5", NAN], "output": [0, -1, HUGE, None, 1.5]},
    ),
    (
        shapes.padding_index,
        {"size": 5, "before": 1, "after": 1, "mode": "zeros"},
        {"size": [None, "5"], "before": [NAN, HUGE], "after": [HUGE, None], "mode": ["x", 1, []]},
    ),
    (
        shapes.ReceptiveField().through_transposed,
        {"kernel": 3, "stride": 2},
        {"kernel": [None, "3", HUGE], "stride": [0, -1, HUGE, NAN]},
    ),
    (
        data.Dataset,
        {
            "name": "n",
            "split": "train",
            "images": IMAGES,
            "labels": DATASET.labels,
            "classes": ("a", "b", "c"),
        },
        {
            "images": [None, "a", IMAGE, IMAGES[0]],
            "labels": [None, [0], np.ones(6)],
            "classes": [None, 1, ("a",)],
        },
    ),
    (DATASET.subset, {"indices": [0]}, {"indices": [None, "a", [9], 0, [0.5], [None]]}),
    (
        data.stratified_split,
        {"dataset": DATASET, "fraction": 0.5, "seed": 0},
        {"dataset": [None, "a"], "fraction": [0, 1, NAN, "a", None], "seed": [-1, 1.5, "a"]},
    ),
    (
        data.Scaling,
        {"scale": (1.0,), "offset": (0.0,)},
        {"scale": [None, 1, (), "a", (NAN,)], "offset": [None, (0, 0), (1e999,)]},
    ),
    (
        data.Scaling.from_dict,
        {"numbers": {"scale": [1], "offset": [0]}},
        {"numbers": [None, 1, {}, "a"]},
    ),
    (
        data.to_floats,
        {"images": IMAGES, "scaling": SCALING, "index": None},
        {
            "images": [None, "a", IMAGE, IMAGES[0]],
            "scaling": [None, 1],
            "index": ["a", np.array([9])],
        },
    ),
    (
        lambda **given: next(data.Batches(**given).epoch(0)),
        {
            "dataset": DATASET,
            "batch_size": 2,
            "scaling": SCALING,
            "seed": 0,
            "augmentation": None,
            "shuffle": True,
            "device": "cpu",
        },
        {
            "dataset": [None, "a", IMAGES],
            "batch_size": [0, -1, 1.5, "2", None, HUGE, True],
            "scaling": [None, 1],
            "seed": [-1, 1.5, "a", NAN],
            "augmentation": ["flip", 1],
            "shuffle": [np.ones(2), None, "a"],
            "device": [None, "tpu", []],
        },
    ),
    (
        data.Batches(DATASET, 2, scaling=SCALING).epoch,
        {"number": 0, "start": 0},
        {"number": [-1, "a", None], "start": [-1, HUGE, "a"]},
    ),
    (
        data.Augmentation,
        {"shift": 0, "rotate": 0, "scale": 0, "elastic": 0},
        {
            "shift": [-1, NAN, "a", None, 1.5, HUGE],
            "rotate": [-1, NAN, "a", 1e999],
            "scale": [1, -1, None],
            "elastic": [-1, NAN, "a", []],
        },
    ),
    (
        data.Augmentation.parse,
        {"text": "flip"},
        {"text": [None, 1, "x", "shift=a", "shift", b"flip"]},
    ),
    (
        data.load,
        {"source": "digits", "image_size": None, "channels": None},
        {
            "source": [None, 1, "nothing", []],
            "image_size": [0, 8, (0, 8), "ab", NAN],
            "channels": [0, 2, "a"],
        },
    ),
    (data.fit_images, {"images": IMAGES}, {"images": [None, "a", IMAGE[0], 1]}),
    (
        models.build,
        {"model": "lenet5", "classes": 10},
        {"model": [None, 1, "nothing", []], "classes": [0, -1, 1.5, "a", HUGE]},
    ),
    (models.summarise, {"network": NETWORK}, {"network": [None, "lenet5", nn.ReLU()]}),
    (
        models.encoder_decoder,
        {"size": (8, 8), "classes": 2},
        {"size": [None, (0, 8), "ab"], "classes": [0, "a", HUGE, None]},
    ),
    (
        models.GraphNetwork,
        {"layers": {"a": nn.ReLU()}, "branches": {"a": ("input",)}},
        {"layers": [None, {}, {"a": 1}], "branches": [None, {}, {"b": ("input",)}]},
    ),
    (lambda x: NETWORK(x), {"x": Tensor(IMAGE[None])}, {"x": [None, IMAGE, "a", Tensor(IMAGE[0])]}),
    (
        insight.trace,
        {"network": NETWORK, "x": IMAGE, "layer": "conv"},
        {"network": [None, "a"], "x": [None, "a", IMAGES], "layer": [1, "x", []]},
    ),
    (
        insight.saliency,
        {
            "network": NETWORK,
            "x": IMAGE,
            "target": 0,
            "method": "smooth",
            "steps": 2,
            "smoothing": insight.Smoothing(2),
        },
        {
            "network": [None],
            "x": [None, "a", IMAGE[0]],
            "target": [-1, 3, "a", None, NAN],
            "method": [None, "x", 1],
            "smoothing": [None, 2],
        },
    ),
    (
        insight.Smoothing,
        {"samples": 2, "noise": 0.1},
        {"samples": [0, 1.5, "a", HUGE], "noise": [-1, NAN, "a", None]},
    ),
    (
        insight.occlusion,
        {"network": NETWORK, "x": IMAGE, "target": 0, "patch": (4, 4), "stride": (4, 4)},
        {"patch": [0, (0, 4), (9, 9), None, "ab"], "stride": [0, (0, 1), None, (NAN, 1)]},
    ),
    (
        insight.grad_cam,
        {"network": NETWORK, "x": IMAGE, "target": 0, "layer": None},
        {"target": [9, None], "layer": ["x", "fc", 1, []]},
    ),
    (
        insight.unit_field,
        {"network": NETWORK, "layer": "conv", "unit": (0, 0)},
        {"network": [None], "layer": ["x", 1], "unit": [0, (9, 9), "ab", (NAN, 0), (-1, 0)]},
    ),
    (
        insight.maximise,
        {
            "network": NETWORK,
            "layer": "conv",
            "units": [0],
            "scaling": SCALING,
            "ascent": insight.Ascent(1),
        },
        {
            "layer": ["x", None],
            "units": [[9], None, "a", [NAN], 0],
            "scaling": [None],
            "ascent": [None, 1],
        },
    ),
    (
        insight.Ascent,
        {"steps": 1},
        {
            "steps": [0, "a", NAN, None, 1.5],
            "rate": [0, NAN, "a"],
            "decay": [-1, 1, None],
            "blur": [-1, NAN, "a"],
            "shift": [-1, 0.5, HUGE],
            "seed": [-1, 0.5, None],
        },
    ),
    (
        insight.top_patches,
        {
            "network": NETWORK,
            "layer": "conv",
            "units": [0],
            "images": IMAGES,
            "scaling": SCALING,
            "count": 1,
        },
        {"units": [[9], None], "images": [None, IMAGE, "a"], "count": [0, "a", NAN]},
    ),
    (
        insight.embed,
        {"features": np.eye(5), "method": "pca"},
        {
            "features": [None, "a", np.ones(3), np.ones((2, 2)), np.full((5, 2), NAN)],
            "method": [None, "x"],
        },
    ),
    (
        insight.layer_outputs,
        GIVEN | {"layer": "conv"},
        {"dataset": [None, IMAGES], "layer": ["x", 1]},
    ),
    (
        insight.equivariance,
        {"network": NETWORK, "x": IMAGE[None], "amounts": [1], "transform": "shift"},
        {"x": [None, IMAGE], "amounts": [[], [NAN], [0.5], None, "a"], "transform": [None, "x"]},
    ),
    (
        insight.explain,
        {"network": NETWORK, "x": IMAGE, "layer": "conv", "unit": (0, 0, 0)},
        {"x": [None, IMAGE[0]], "layer": ["x", None], "unit": [(9, 0, 0), "abc", 1, (NAN, 0, 0)]},
    ),
    (
        tasks.overlaps,
        {"boxes": np.ones((1, 4)), "others": np.ones((1, 4))},
        {"boxes": [None, "a", np.ones(3)], "others": [{}, np.ones((2, 3))]},
    ),
    (
        training.Settings,
        {"epochs": 1, "batch_size": 2, "validation": 0.1},
        {
            "epochs": [0, -1, 1.5, "a", True],
            "batch_size": [0, "a", NAN, HUGE],
            "validation": [0, 1, NAN, "a"],
        },
    ),
    (
        training.evaluate,
        GIVEN,
        {"network": [None, "a"], "dataset": [None, IMAGES], "scaling": [None, 1]},
    ),
    (
        training.take_over,
        {"network": NETWORK, "weights": NETWORK.state_dict()},
        {"weights": [None, 1, {}, "a"]},
    ),
    (
        training.centred_images,
        {"images": IMAGES, "size": (8, 8)},
        {"images": [None, IMAGE], "size": [None, 8, (1, 1), "ab", (NAN, 8)]},
    ),
    (
        tasks.pixel_confusion,
        {"truth": np.zeros(4, int), "answers": np.zeros(4, int), "classes": 2},
        {
            "truth": [None, "a", np.full(4, -9)],
            "answers": [np.zeros(3, int)],
            "classes": ["a", None, -1],
        },
    ),
]


def named(value):
    return getattr(value, "__qualname__", type(value).__name__)


@pytest.mark.parametrize(
    ("function", "good", "wrong"),
    TABLE,
    ids=[f"{n}-{named(row[0])}" for n, row in enumerate(TABLE)],
)
def test_wrong_arguments(function, good, wrong):
    if good:
        function(**good)
    for argument, values in wrong.items():
        for value in values:
            begin = time.perf_counter()
            try:
                function(**good | {argument: value})
            except ConvlabError as error:
                assert "expected" in str(error) or "does not fit" in str(error), (argument, value)
                assert "\n" not in str(error), (argument, value)
                assert len(str(error)) < 600, (argument, value)
            else:
                pytest.fail(f"{argument} {value!r}: expected an error, got none")
            assert time.perf_counter() - begin < 5, (argument, value)


def test_the_limits_are_in_the_messages():
    with pytest.raises(ConvlabError, match=f"{LARGEST:,} numbers, got 500,000,000 × 2 × 3"):
        nn.initial_weight((HUGE // 2, 2, 3))
    with pytest.raises(
        ConvlabError, match=f"^padding: expected at most {LARGEST_SIDE:,}, got .1000000000"
    ):
        nn.Conv2d(1, 1, 3, padding=HUGE)
    with pytest.raises(
        ConvlabError, match=f"^output: expected at most {LARGEST:,} numbers, got 40,000"
    ):
        nn.AdaptiveAvgPool2d(40_000).output_shape((1, 8, 8))


def test_a_failed_call_names_the_argument_and_keeps_its_cause():
    with pytest.raises(
        ConvlabError, match="^saliency: expected steps of type int, got 'many'$"
    ) as caught:
        insight.saliency(NETWORK, IMAGE, 0, "integrated-gradients", steps="many")
    assert isinstance(caught.value.__cause__, TypeError)
    with pytest.raises(TypeError, match="missing a required argument|missing 1 required"):
        insight.embed()  # not a wrong value: a call that Python itself refuses
