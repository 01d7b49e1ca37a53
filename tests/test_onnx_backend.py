"""ONNX's own tests of backends, run on convlab; its networks also with random weights."""

import functools
import os
import re
import unittest
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test
import onnxruntime
import pytest
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

from convlab import onnx_backend
from convlab.errors import ConvlabError, SpecError

OPERATORS = {
    *("Add", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat"),
    *("Constant", "ConstantOfShape", "Conv", "ConvTranspose", "Div", "Dropout"),
    *("Elu", "Flatten", "Gather", "Gelu", "Gemm", "GlobalAveragePool"),
    *("GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity", "InstanceNormalization", "LRN"),
    *("LeakyRelu", "LogSoftmax", "MatMul", "MaxPool", "Mul", "PRelu"),
    *("Pad", "Range", "ReduceMean", "Relu", "Reshape", "Resize"),
    *("Selu", "Shape", "Sigmoid", "Slice", "Softmax", "Softplus"),
    *("Squeeze", "Sub", "Sum", "Tanh", "Transpose", "Unsqueeze"),
    *("Upsample"),
}
WINDOWS = {"AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "MaxPool"}
FLOAT, WHOLE = 1, (6, 7, 9)
LEFT_OUT = {
    "batchnorm_(example|epsilon)_training_mode": "statistics of the batch as outputs",
    "training_dropout(_default)?(_mask)?": "random numbers",
    "maxpool_with_argmax_2d_precomputed_(pads|strides)": "the places of the maxima as output",
}
# Of the networks, those that take seconds.
QUICK = ("inception_v1", "shufflenet", "squeezenet")
LIGHT = Path(onnx.backend.test.__file__).parent / "data" / "light"


def is_chosen(case) -> bool:
    """Two-dimensional, of floats, and of the operators that convlab reads."""
    model = case.model or onnx.load(os.path.join(case.model_dir, "model.onnx"))
    kinds = {node.op_type for node in model.graph.node}
    known = {one.name for one in model.graph.initializer}
    inputs = [one.type.tensor_type for one in model.graph.input if one.name not in known]
    outputs = [one.type.tensor_type for one in model.graph.output]
    floats = all(one.elem_type in (FLOAT, *WHOLE) for one in [*inputs, *outputs])
    first = inputs[0] if inputs else None
    if not kinds <= OPERATORS or not floats or (first and first.elem_type != FLOAT):
        return False
    flat = first is not None and len(first.shape.dim) != 4 and kinds & WINDOWS
    whole = not inputs and outputs[0].elem_type != FLOAT
    return not flat and not whole


@functools.cache
def suite():
    """ONNX's tests of this module: the names of those chosen, and the cases by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runner = onnx.backend.test.BackendTest(onnx_backend, __name__)
        kinds = ("node", "simple", "pytorch-converted", "pytorch-operator")
        cases = [case for kind in kinds for case in load_model_tests(kind=kind)]
        chosen = [case.name for case in cases if is_chosen(case)]
    for name in chosen:
        runner.include(f"^{name}_cpu$")
    for path in LIGHT.glob("*.onnx"):
        runner.include(f"^test_{path.stem.removeprefix('light_')}_cpu$")
    found = {}
    for case in runner.test_cases.values():
        for name in unittest.defaultTestLoader.getTestCaseNames(case):
            if not getattr(getattr(case, name), "__unittest_skip__", False):
                found[name.removesuffix("_cpu")] = case(name)
    return chosen, found


def ran(names):
    """The errors of ONNX's tests of these names, by name."""
    _, cases = suite()
    errors = {}
    for name in names:
        result = unittest.TestResult()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cases[name].run(result)
        assert result.testsRun == 1 and not result.skipped, name
        for _, text in result.failures + result.errors:
            errors[name] = text
    return errors


def test_onnx_own_operators_and_converted_models():
    chosen, cases = suite()
    left = [name for name in chosen if any(re.fullmatch(f"test_{one}", name) for one in LEFT_OUT)]
    assert len(chosen) >= 330 and len(left) == 8
    assert ran(name for name in chosen if name not in left) == {}
    errors = ran(left)
    assert errors.keys() == set(left)
    for name, text in errors.items():  # each in one line that says why
        assert "convlab.errors." in text.splitlines()[-1], name


def models(*quick: str):
    """A parameter for each of ONNX's networks; those not named take long."""
    for path in sorted(LIGHT.glob("*.onnx")):
        name = path.stem.removeprefix("light_")
        yield pytest.param(path, id=name, marks=[] if name in quick else pytest.mark.campaign)


@pytest.mark.slow
def test_onnx_own_networks(tmp_path, monkeypatch):
    monkeypatch.setenv("ONNX_MODELS", str(tmp_path))
    names = [f"test_{path.stem.removeprefix('light_')}" for path in LIGHT.glob("*.onnx")]
    assert len(names) == 9 and ran(names) == {}


def with_random_weights(path: Path, seed: int = 0) -> onnx.ModelProto:
    """A network of ONNX's suite, whose weights are all one number, with weights drawn at random."""
    model, rng = onnx.load(path), np.random.default_rng(seed)
    shapes = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    variances = {n.input[4] for n in model.graph.node if n.op_type == "BatchNormalization"}
    known = [node for node in model.graph.node if node.op_type == "ConstantOfShape"]
    for node in known:
        shape = tuple(shapes[node.input[0]])
        values = rng.standard_normal(shape, np.float32) / np.sqrt(max(1, np.prod(shape[1:])))
        if node.output[0] in variances:
            values = rng.uniform(0.5, 1.5, shape)
        model.graph.initializer.append(
            numpy_helper.from_array(values.astype(np.float32), node.output[0])
        )
        model.graph.node.remove(node)
    return model


@pytest.mark.parametrize("path", list(models(*QUICK)))
def test_networks_with_random_weights_answer_as_onnxruntime_does(path):
    model = with_random_weights(path)
    x = np.random.default_rng(1).standard_normal((1, 3, 224, 224), np.float32)
    known = {one.name for one in model.graph.initializer}
    (name,) = (one.name for one in model.graph.input if one.name not in known)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (expected,) = session.run(None, {name: x})
    assert expected.std() > 1e-6
    (answer,) = onnx_backend.run_model(model, [x])
    np.testing.assert_allclose(answer, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_one_node_by_itself():
    node = onnx.helper.make_node("Concat", ["a", "b"], ["c"], axis=0)
    a, b = np.ones((2, 3), np.float32), np.zeros((1, 3), np.float32)
    (c,) = onnx_backend.run_node(node, [a, b])
    np.testing.assert_array_equal(c, np.concatenate([a, b]))


def test_a_device_and_inputs_that_there_are_not():
    assert onnx_backend.supports_device("CPU") and not onnx_backend.supports_device("CUDA:1")
    model = onnx.load(LIGHT / "light_squeezenet.onnx")
    with pytest.raises(ConvlabError, match="expected the device CPU, got 'CUDA'"):
        onnx_backend.prepare(model, "CUDA")
    with pytest.raises(SpecError, match="expected 1 inputs, data_0, got 2"):
        onnx_backend.prepare(model).run([np.zeros(1), np.zeros(1)])
