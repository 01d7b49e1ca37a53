"""Receptive fields: published tables, branches, units that see different sizes, and pictures."""

import json
from fractions import Fraction

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from convlab import functional as F
from convlab import insight, lessons, models, nn, random, viz
from convlab.errors import NotFiniteError, ShapeError, SpecError
from convlab.lessons import field_recursion
from convlab.models import build_from_text, receptive_fields
from convlab.pictures._drawn_sums import chain_steps
from convlab.shapes import ReceptiveField, join_fields, misalignment
from convlab.tensors import Tensor


def layer(kind, name, **settings):
    """One [[layer]] of a spec."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join([f'\n[[layer]]\ntype = "{kind}"\nname = "{name}"', *lines]) + "\n"


def spec(size, *layers):
    """A spec for images of ``size`` with a head of ten numbers behind the layers."""
    head = layer("Flatten", "flat") + layer("Linear", "head", out_features="classes")
    return f'input = "{size}"\n' + "".join(layers) + head


def built(text, **settings):
    random.manual_seed(0)
    return build_from_text(text, name="test", source="net.toml", **settings)


def inputs_of(network):
    """What each layer reads: (C, H, W) or (features,)."""
    return {name: shape for name, _, shape, _ in network.shapes()}


def fields_of(network):
    return {row.name: row for row in receptive_fields(network)}


def numbers(field):
    """(r, S, P) along the rows, the same along the columns."""
    rows, columns = field
    assert rows == columns
    return rows.size, rows.stride, rows.padding


# --- published tables ------------------------------------------------------------------------

# Araujo, Norris & Sim 2019 (Distill) and the table of its code: r, S, P.
ALEXNET = {
    "conv1": (11, 4, 0),
    "pool1": (19, 8, 0),
    "conv2": (51, 8, 16),
    "conv3": (99, 16, 32),
    "conv4": (131, 16, 48),
    "conv5": (163, 16, 64),
    "pool5": (195, 32, 64),
}
VGG16 = {
    f"pool{block}": (r, 2**block, p)
    for block, (r, p) in enumerate(
        zip((6, 16, 44, 100, 212), (2, 6, 18, 42, 90), strict=True), start=1
    )
}
RESNET50_SLIM = {"block1": 35, "block2": 99, "block3": 291, "block4": 483}
# LeCun, Bottou, Bengio & Haffner 1998: receptive field and stride after each layer.
LENET5 = {"c1": (5, 1), "s2": (6, 2), "c3": (14, 2), "s4": (16, 4), "c5": (32, 4)}


@pytest.mark.parametrize("model, table", [("alexnet-slim", ALEXNET), ("vgg16", VGG16)])
def test_published_fields_of_a_row_of_layers(model, table):
    rows = fields_of(models.build(model, weights=False))
    assert {name: numbers(rows[name].field) for name in table} == table


def test_published_fields_of_resnet50_in_slims_layout():
    rows = fields_of(models.build("resnet50-slim", weights=False))
    assert {name: rows[name].field[0].size for name in RESNET50_SLIM} == RESNET50_SLIM
    assert numbers(rows["block4"].field) == (483, 32, 239)


def test_published_fields_of_resnet50_in_torchvisions_layout():
    rows = fields_of(models.build("resnet50", weights=False))
    assert numbers(rows["layer4.2"].field) == (427, 32, 213)


def test_published_fields_of_lenet5():
    rows = fields_of(models.build("lenet5-1998"))
    assert {name: numbers(rows[name].field)[:2] for name in LENET5} == LENET5


@pytest.mark.parametrize("model", ["resnet50", "resnet50-slim"])
def test_the_branches_of_a_resnet_are_aligned(model):
    rows = receptive_fields(models.build(model, weights=False))
    joints = [row for row in rows if isinstance(row.layer, nn.Add)]
    assert len(joints) == 16
    assert all(row.misaligned == ("", "") for row in joints)


@pytest.mark.parametrize(
    "model, parameters",
    [
        ("vgg16", 138_357_544),  # Simonyan & Zisserman 2015, table 2: 138 million
        # torchvision's 25,557,032 without the 2 · 26,560 numbers of batch normalisation
        ("resnet50-slim", 25_557_032 - 2 * 26_560),
    ],
)
def test_parameters_of_the_large_networks(model, parameters):
    assert models.build(model, weights=False, classes=1000).parameter_count() == parameters


# --- one axis --------------------------------------------------------------------------------


def test_branches_by_hand():
    """A 3 x 3 kernel, padded or not, beside the identity: the hull, and where it is centred."""
    same = ReceptiveField()
    padded, bare = same.through(3, padding=1), same.through(3)
    assert join_fields([same, padded]) == ReceptiveField(3, 1, 1)
    assert misalignment([same, padded]) == ""
    assert join_fields([same, bare]) == ReceptiveField(3, 1, 0)
    assert misalignment([same, bare]) == "centres 0 and 1"
    strided = same.through(1, 2)
    assert join_fields([same, strided]) is None
    assert misalignment([same, strided]) == "effective strides 1 and 2"


def test_upsampling_by_two_by_hand():
    """k = 4, s = 2, p = 1: output u reads inputs floor((u - 2) / 2) + 1 and the one before it."""
    field = ReceptiveField().through_transposed(4, 2, 1)
    assert (field.size, field.stride) == (2, Fraction(1, 2))
    assert [field.span(u) for u in range(-1, 4)] == [(-1, 1), (-1, 1), (0, 2), (0, 2), (1, 3)]
    # Down again: whole strides, and every unit alike.
    down = field.through(2, 2)
    assert (down.size, down.stride, down.padding, down.period) == (3, 1, 1, ())


def test_a_unit_that_sees_nothing():
    """k = 1, s = 2: every other output of a transposed convolution is its bias alone."""
    field = ReceptiveField().through_transposed(1, 2)
    assert field.span(2) == (1, 2)
    assert field.span(3)[0] == field.span(3)[1]


def test_a_strided_transposed_convolution_and_its_convolution_are_the_identity_in_stride():
    field = ReceptiveField(7, 4, 3).through_transposed(4, 4)
    assert field.stride == 1
    assert field.through(4, 4).stride == 4


# --- boxes against gradients -------------------------------------------------------------------

BOXES = spec(
    "23x20x1",
    layer("Conv2d", "conv", out_channels=2, kernel_size=[3, 2], stride=2, padding=[1, 0]),
    layer("ConvTranspose2d", "up", out_channels=2, kernel_size=[3, 5], stride=[2, 3]),
    layer("AdaptiveAvgPool2d", "adaptive", output_size=[7, 9]),
    layer("ConvTranspose2d", "wide", out_channels=2, kernel_size=[2, 3], stride=[1, 2]),
    layer("Conv2d", "dilated", out_channels=2, kernel_size=[2, 3], dilation=[1, 2], stride=[2, 3]),
)
BRANCHES = spec(
    "19x17x2",
    layer("Conv2d", "stem", out_channels=3, kernel_size=3, stride=2, padding=1),
    layer("Conv2d", "wide", out_channels=3, kernel_size=[5, 3], padding=[2, 1], inputs=["stem"]),
    layer("Conv2d", "low", out_channels=3, kernel_size=[1, 3], padding=[0, 1], inputs=["stem"]),
    layer("Conv2d", "off", out_channels=3, kernel_size=2, padding=[1, 0, 0, 1], inputs=["stem"]),
    layer("Add", "sum", inputs=["wide", "low"]),
    layer("Concat", "cat", inputs=["sum", "off", "stem"]),
    layer("AvgPool2d", "pool", kernel_size=2),
)


def gradient_of(network, name, unit):
    """(rows, columns): what pixels change the unit, all weights being positive."""
    x = Tensor(np.ones((1, *network.input_shape)), requires_grad=True)
    value = next(value for step, _, value in network.steps(x) if step == name)
    value[0, :, unit[0], unit[1]].sum().backward()
    return np.zeros(x.shape[2:]) if x.grad is None else x.grad[0].sum(axis=0)


def positive(network):
    generator = np.random.default_rng(0)
    for parameter in network.parameters():
        parameter.data = generator.uniform(0.5, 1.5, parameter.shape)
    return network


@pytest.mark.parametrize(
    "text, name",
    [(BOXES, name) for name in ("conv", "up", "adaptive", "wide", "dilated")]
    + [(BRANCHES, name) for name in ("stem", "sum", "cat", "pool")],
)
def test_every_units_box_is_what_its_gradient_reaches(text, name):
    network = positive(built(text))
    size = next(after for layer, _, _, after in network.shapes() if layer == name)[1:]
    _, height, width = network.input_shape
    units = list(np.ndindex(*size))
    several = 0
    for unit in units[:: 1 + len(units) // 60]:
        seen = gradient_of(network, name, unit) != 0
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        if not rows.size:
            with pytest.raises(
                SpecError, match=f"unit {unit[0]},{unit[1]} of {name} sees no pixel"
            ):
                insight.unit_field(network, name, unit)
            continue
        top, left, bottom, right = insight.unit_field(network, name, unit).box
        inside = (max(top, 0), max(left, 0), min(bottom, height), min(right, width))
        assert inside == (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1), unit
        several += 1
    assert several >= 9


def test_down_and_up_again_meets_its_shortcut_at_one_stride():
    """As in an encoder and decoder: a quarter of the units, then four times as many."""
    text = spec(
        "12x12x1",
        layer("Conv2d", "down", out_channels=2, kernel_size=2, stride=2),
        layer("ConvTranspose2d", "up", out_channels=2, kernel_size=2, stride=2),
        layer("Conv2d", "across", out_channels=2, kernel_size=3, padding=1, inputs=["input"]),
        layer("Add", "joined", inputs=["up", "across"]),
    )
    row = fields_of(built(text))["joined"]
    # Units 0 and 1 see pixels 0 to 1 from below, and one pixel on each side across.
    assert [row.field[0].span(unit) for unit in (0, 1, 2)] == [(-1, 2), (0, 3), (1, 4)]
    assert row.misaligned == ("centres 0.5 and 0",) * 2


def test_different_strides_are_reported():
    text = spec(
        "8x8x1",
        layer("Conv2d", "a", out_channels=2, kernel_size=4, stride=4),
        layer("Conv2d", "b", out_channels=2, kernel_size=7, inputs=["input"]),
        layer("Concat", "cat", inputs=["a", "b"]),
        layer("ReLU", "after"),
    )
    network = built(text)
    row, shapes = fields_of(network)["cat"], inputs_of(network)
    assert row.field is None
    assert row.misaligned == ("effective strides 4 and 1",) * 2
    lines = ["no one field for all units: effective strides 4 and 1"]
    assert field_recursion(row, shapes["cat"]) == [("", lines)]
    for name in ("cat", "after"):
        with pytest.raises(SpecError, match=f"{name}.*no single box.*strides 4 and 1.* cat"):
            insight.unit_field(network, name, None)


def test_the_recursion_with_its_numbers():
    network = models.build("alexnet-slim", weights=False)
    rows, shapes = fields_of(network), inputs_of(network)
    assert field_recursion(rows["pool1"], shapes["pool1"]) == [
        (
            "",
            [
                "r = 11 + (3 − 1)·4 = 19",
                "S = 4·2 = 8",
                "P = 0 + 0·4 = 0",
                "centre = 0 + (19 − 1)/2 = 9",
            ],
        )
    ]
    assert field_recursion(rows["relu1"], shapes["relu1"]) == []
    network = built(BRANCHES)
    row, shape = fields_of(network)["sum"], inputs_of(network)["sum"]
    ((axis, lines), (other, _)) = field_recursion(row, shape)
    assert (axis, other) == ("rows", "columns")
    # wide: r = 3 + 4·2 = 11, P = 1 + 2·2 = 5, so rows -5 to 6; low: -1 to 2.
    assert lines[0] == "r = max(6, 2) − min(−5, −1) = 11"
    assert "aligned" in lines[3]


def test_the_recursion_of_an_adaptive_pooling():
    # PyTorch's windows of 16 cells in 3: [0, 6), [5, 11), [10, 16); of 16 in 7: 3 or 4 wide.
    text = spec(
        "16x16x1",
        layer("Conv2d", "conv", out_channels=1, kernel_size=3, padding=1),
        layer("AdaptiveAvgPool2d", "pool", output_size=[3, 7]),
    )
    network = built(text)
    row, shape = fields_of(network)["pool"], inputs_of(network)["pool"]
    (axis, even), (other, uneven) = field_recursion(row, shape)
    assert (axis, other) == ("rows", "columns")
    assert even == [
        "16 to 3 cells: kernel 6, stride 5",
        "r = 3 + (6 − 1)·1 = 8",
        "S = 1·5 = 5",
        "P = 1 + 0·1 = 1",
        "centre = −1 + (8 − 1)/2 = 2.5",
    ]
    assert uneven[0] == (
        "16 to 7 cells: windows of 3 and 4, 2 and 3 apart, so no one kernel and stride"
    )
    assert uneven[1] == "r = 5 to 6, not the same for all units"
    assert uneven[2] == "S = 16/7 on average"
    level = lessons.field_pyramid(network, "pool", (0, 0), 0)[-1]
    assert level.text == "kernel 6, stride 5"


# --- networks with branches ------------------------------------------------------------------

RESIDUAL = spec(
    "8x8x2",
    layer("Conv2d", "stem", out_channels=4, kernel_size=3, padding=1),
    layer("ReLU", "on"),
    layer("Conv2d", "body", out_channels=4, kernel_size=3, padding=1),
    layer("Add", "sum", inputs=["on", "body"]),
    layer("Concat", "cat", inputs=["sum", "input"]),
    layer("MaxPool2d", "pool", kernel_size=2),
)


def test_a_graph_computes_what_pytorch_does():
    torch = pytest.importorskip("torch")
    network = built(RESIDUAL).astype(np.float64)
    x = np.random.default_rng(0).standard_normal((3, 2, 8, 8))
    tensor = Tensor(x, requires_grad=True)
    output = network(tensor)
    output.sum().backward()
    state = {
        name: torch.tensor(value, requires_grad=True)
        for name, value in network.state_dict().items()
    }
    conv = torch.nn.functional.conv2d
    other = torch.tensor(x, requires_grad=True)
    on = conv(other, state["stem.weight"], state["stem.bias"], padding=1).relu()
    total = on + conv(on, state["body.weight"], state["body.bias"], padding=1)
    pooled = torch.nn.functional.max_pool2d(torch.cat([total, other], 1), 2).flatten(1)
    expected = pooled @ state["head.weight"].T + state["head.bias"]
    expected.sum().backward()
    np.testing.assert_allclose(output.numpy(), expected.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(tensor.grad, other.grad.numpy(), atol=1e-12)
    for name, parameter in network.named_parameters():
        np.testing.assert_allclose(parameter.grad, state[name].grad.numpy(), atol=1e-12)


def test_a_graph_is_traced_summarised_and_learns():
    network = built(RESIDUAL)
    assert isinstance(network, models.GraphNetwork)
    x = np.random.default_rng(0).standard_normal((2, 8, 8)).astype(np.float32)
    steps = {step.name: step.array for step in insight.trace(network, x)}
    np.testing.assert_array_equal(steps["cat"], np.concatenate([steps["sum"], x]))
    np.testing.assert_allclose(steps["sum"], steps["on"] + steps["body"], rtol=1e-6)
    summary = {row.name: row for row in models.summarise(network)}
    assert summary["cat"].output_shape == summary["cat"].input_shape == (6, 8, 8)
    assert summary["sum"].parameters == 0
    labels = np.array([3])
    loss = network.loss_of(network(Tensor(x[None])), labels)
    loss.backward()
    for parameter in network.parameters():
        parameter.data -= 0.01 * parameter.grad
    assert network.loss_of(network(Tensor(x[None])), labels).item() < loss.item()


def test_a_row_of_layers_that_names_its_inputs_is_none_the_less_a_row():
    text = spec("8x8x1", layer("ReLU", "a", inputs=["input"]), layer("ReLU", "b", inputs=["a"]))
    assert type(built(text)) is models.Network
    assert type(models.build("lenet5")) is models.Network


def test_resnet50_runs():
    network = models.build("resnet50", input_shape=(3, 32, 32))
    x = Tensor(np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype(np.float32))
    assert network.eval()(x).shape == (1, 1000)


CONV = layer("Conv2d", "a", out_channels=2, kernel_size=3)
WRONG = {
    "unknown": (
        [CONV, layer("ReLU", "b", inputs=["c"])],
        "line 9, layer 2 (b): expected inputs among the layers above it or \"input\", got 'c'",
    ),
    "later": (
        [layer("ReLU", "b", inputs=["a"]), CONV],
        "expected inputs among the layers above it or \"input\", got 'a', which stands below it",
    ),
    "cycle": ([layer("ReLU", "b", inputs=["b"])], "got itself: a cycle"),
    "one": ([CONV, layer("Add", "b")], "expected at least two inputs for Add to join, got a"),
    "two": (
        [CONV, layer("ReLU", "b", inputs=["a", "input"])],
        "expected one input, got a, input; Add, Concat and Mul join several",
    ),
    "sum of shapes": (
        [CONV, layer("Add", "b", inputs=["a", "input"])],
        "Add: expected inputs of one shape, got (2, 6, 6) and (1, 8, 8)",
    ),
    "sizes": (
        [CONV, layer("Concat", "b", inputs=["a", "input"])],
        "Concat: expected inputs that differ in channels alone, got (2, 6, 6) and (1, 8, 8)",
    ),
    "no list": ([layer("ReLU", "b", inputs="a")], "expected inputs to list names of layers"),
    "nothing": ([layer("ReLU", "b", inputs=[])], "expected inputs to list names of layers"),
    "unread": (
        [CONV, layer("ReLU", "b", inputs=["input"])],
        "expected every layer to be read by another, a is not",
    ),
    "image": (
        [layer("ReLU", "input")],
        "expected a name of letters, digits and dots that",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_graph_that_cannot_be(case):
    layers, message = WRONG[case]
    with pytest.raises(SpecError) as caught:
        built(spec("8x8x1", *layers))
    assert message in str(caught.value) and str(caught.value).startswith("net.toml")
    assert "\n" not in str(caught.value)


def test_joins_refuse_what_does_not_fit():
    a, b = Tensor(np.ones((1, 2, 3, 3))), Tensor(np.ones((1, 2, 1, 3)))
    with pytest.raises(ShapeError, match=r"Add: expected a shape \(1, 2, 3, 3\), got \(1, 2, 1"):
        nn.Add()(a, b)
    with pytest.raises(ShapeError, match="cat: expected shapes that differ along axis 1 alone"):
        nn.Concat()(a, b)
    with pytest.raises(ShapeError, match="Add: expected at least two inputs, got 1"):
        nn.Add()(a)
    with pytest.raises(ShapeError, match="cat: expected at least one"):
        F.cat([])
    with pytest.raises(ShapeError, match="cat: expected a dim of 4 axes, got 4"):
        F.cat([a, a], 4)


def test_a_graph_is_explained_through_its_branches():
    network = built(RESIDUAL)
    x = np.random.default_rng(0).standard_normal((2, 8, 8)).astype(np.float32)
    outputs = {activation.name: activation.array for activation in insight.trace(network, x)}
    for name, before in (("stem", None), ("body", "on")):
        (told, *_) = insight.explain(network, x, name, (1, 3, 5))
        read = np.pad(x if before is None else outputs[before], ((0, 0), (1, 1), (1, 1)))
        terms = read[:, 3:6, 5:8].astype(float) * network[name].weight.numpy()[1]
        assert told.before == before and told.sees[2] <= 8
        assert told.exact == pytest.approx(terms.sum() + network[name].bias.numpy()[1], abs=1e-6)
        assert told.value == outputs[name][1, 3, 5] == pytest.approx(told.exact, abs=1e-5)
    # Two layers read what the ReLU gives, and a chain goes back as far as one does.
    chain = insight.explain(network, x, "body", (1, 3, 5), deep=True)
    assert [one.layer for one in chain] == ["body", "on", "stem"]
    chain = insight.explain(network, x, "pool", (5, 1, 1), deep=True)
    assert [one.layer for one in chain] == ["pool", "cat"]  # of which map 5 is the input's 1
    assert chain[0].value == chain[1].value == x[1, 2:4, 2:4].max()
    _, *at = chain[1].unit
    assert chain[1].sees == (at[0], at[1], at[0] + 1, at[1] + 1)  # not what other branches see
    chain = insight.explain(network, x, "pool", (3, 1, 1), deep=True)
    assert [one.layer for one in chain[:3]] == ["pool", "cat", "sum"]
    (told,) = (one for one in chain if isinstance(one, insight.BranchSum))
    branches = [outputs[name][told.unit] for name in ("on", "body")]
    assert [cell.value for cell in told.cells] == branches
    assert told.value == told.recomputed == outputs["sum"][told.unit] == sum(branches)
    strongest = max(("on", "body"), key=lambda name: abs(outputs[name][told.unit]))
    assert chain[3].layer == strongest


def test_a_branch_that_is_added_to_itself_is_told_twice():
    twice = [layer("ReLU", "on"), layer("Add", "sum", inputs=["on", "on"])]
    network = built(spec("8x8x2", *twice))
    x = np.random.default_rng(0).standard_normal((2, 8, 8)).astype(np.float32)
    told, *_ = insight.explain(network, x, "sum")
    assert told.value == 2 * x.max()
    steps = chain_steps(told, None)
    assert [step.number for step in steps] == [x.max(), x.max()]


# --- the effective receptive field -------------------------------------------------------------


@pytest.mark.parametrize("count, kernel", [(1, 3), (4, 3), (5, 5), (3, (3, 7))])
def test_the_law_of_luo_et_al(count, kernel):
    """n layers of uniform k x k kernels: a variance of n (k^2 - 1) / 12 along each axis."""
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    convolutions = [
        layer("Conv2d", f"c{at}", out_channels=1, kernel_size=list(sides), padding="same")
        for at in range(count)
    ]
    network = built(spec("31x31x1", *convolutions)).astype(np.float64)
    for at in range(count):
        network[f"c{at}"].weight.data[:] = 1 / (sides[0] * sides[1])
        network[f"c{at}"].bias.data[:] = 0
    images = np.random.default_rng(0).standard_normal((3, 1, 31, 31))
    found = insight.effective_field(network, f"c{count - 1}", None, images)
    for deviation, side in zip(found.deviation, sides, strict=True):
        assert abs(deviation**2 - count * (side**2 - 1) / 12) < 1e-6
    assert found.centre == pytest.approx((15, 15), abs=1e-9)
    assert found.share_inside == pytest.approx(1, abs=1e-12)
    assert found.gradient.sum() == pytest.approx(1, abs=1e-12)


def test_half_of_an_effective_field_by_hand():
    """A 5 x 5 field whose middle pixel weighs 1 and the 24 around it 1 / 30 each: 0.8 outside."""
    network = built(spec("9x9x1", layer("Conv2d", "c", out_channels=1, kernel_size=5)))
    network = network.astype(np.float64)
    weight = np.full((5, 5), 1 / 30)
    weight[2, 2] = -1
    network["c"].weight.data[0, 0] = weight
    found = insight.effective_field(network, "c", (2, 2), np.ones((2, 1, 9, 9)))
    np.testing.assert_allclose(found.gradient[2:7, 2:7], np.abs(weight), atol=1e-15)
    assert found.gradient.sum() == pytest.approx(1.8)
    assert found.half == (4, 4, 5, 5)
    # Only what is asked for has a gradient, and the network learns as before.
    assert all(p.grad is None and p.requires_grad for p in network.parameters())


def test_an_effective_field_is_refused():
    network = models.build("lenet5")
    with pytest.raises(ShapeError, match=r"at least one image, \(N, 1, 28, 28\), got \(0, 1, 28"):
        insight.effective_field(network, None, None, np.zeros((0, 1, 28, 28), np.float32))
    network["conv1"].weight.data[:] = 0
    found = insight.effective_field(network, None, None, np.zeros((2, 1, 28, 28), np.float32))
    assert not found.gradient.any()
    assert found.share_inside is found.centre is found.deviation is found.half is None
    network["conv1"].weight.data[:] = network["conv2"].weight.data[:] = 1e30
    with pytest.raises(NotFiniteError, match="gradient of pool2: expected finite numbers, got "):
        insight.effective_field(network, None, None, np.ones((2, 1, 28, 28), np.float32))


# --- chains and pyramids -----------------------------------------------------------------------


@pytest.mark.parametrize("unit", [None, (0, 0), (4, 2)])
def test_a_chain_is_nested_and_ends_at_its_unit(unit):
    chain = insight.field_chain(models.build("lenet5"), "pool2", unit)
    assert [field.layer for field in chain] == ["conv1", "pool1", "conv2", "pool2"]
    assert [field.rows.size for field in chain] == [5, 6, 14, 16]
    assert chain[-1].unit == (unit or (2, 2))
    for (top, left, bottom, right), outer in zip(
        [field.box for field in chain], [field.box for field in chain[1:]], strict=False
    ):
        assert outer[0] <= top and outer[1] <= left and bottom <= outer[2] and right <= outer[3]


def test_the_chain_of_a_residual_network():
    chain = insight.field_chain(models.build("resnet50", weights=False), "layer1.2", None)
    # After conv1, pool1 and the 3 x 3 convolution of each unit.
    assert [field.rows.size for field in chain] == [7, 11, 19, 27, 35]
    assert chain[-1].layer == "layer1.2"


def test_a_pyramid_by_hand():
    """lenet5, pool2's row 0: conv2's rows 0 and 1, pool1's 0 to 5, conv1's 0 to 11."""
    network = models.build("lenet5")
    levels = {level.name: level for level in lessons.field_pyramid(network, "pool2", (0, 3), 0)}
    assert list(levels) == ["input", "conv1", "pool1", "conv2", "pool2"]
    assert levels["pool2"].reads == {0: (0, 1)}
    assert levels["conv2"].reads == {0: (0, 1, 2, 3, 4), 1: (1, 2, 3, 4, 5)}
    assert levels["pool1"].reads == {at: (2 * at, 2 * at + 1) for at in range(6)}
    assert levels["conv1"].reads[0] == (-2, -1, 0, 1, 2)
    assert list(levels["input"].reads) == list(range(-2, 14))
    assert levels["pool1"].centres[0] == 0.5 and levels["pool1"].centres[3] == 6.5
    columns = lessons.field_pyramid(network, "pool2", (0, 3), 1)
    assert columns[-1].reads == {3: (6, 7)}


def test_a_pyramid_has_one_row_of_layers():
    with pytest.raises(SpecError, match="layers in a row up to sum, branches meet at sum"):
        lessons.field_pyramid(built(RESIDUAL), "sum", None, 0)
    levels = lessons.field_pyramid(built(RESIDUAL), "body", None, 0)
    assert [level.name for level in levels] == ["input", "stem", "body"]


# --- pictures ----------------------------------------------------------------------------------

SIZES = ("slide", "small", "animation", "paper", "paper-wide")
PIXELS = np.random.default_rng(1).integers(0, 256, (3, 64, 48)).astype(np.uint8)
LONG = "a_layer_with_quite_a_long_name_for_a_column"


def nested(count, rows, columns, name="conv"):
    """Boxes round the middle, the last far beyond the borders."""
    middle, boxes = (rows // 2, columns // 3), []
    for at in range(1, count + 1):
        reach = at * at
        box = (middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach + at)
        boxes.append((f"{name}{at}", box, f"stride {at}, padding {reach}"))
    return boxes


CHAINS = {
    "one": dict(input_size=(28, 28), boxes=nested(1, 28, 28)),
    "digit": dict(input_size=(28, 28), boxes=nested(4, 28, 28)),
    "deep": dict(input_size=(224, 224), boxes=nested(40, 224, 224)),
    "wide": dict(input_size=(9, 80), boxes=nested(5, 9, 80)),
    "tall": dict(input_size=(80, 5), boxes=nested(5, 80, 5, LONG)),
    "image": dict(input_size=(64, 48), boxes=nested(6, 64, 48), image=PIXELS),
    "same": dict(input_size=(20, 20), boxes=[(f"c{i}", (3, 3, 9, 9 + i), "") for i in range(5)]),
}


@pytest.mark.sample(12)
@pytest.mark.parametrize("case", CHAINS)
@pytest.mark.parametrize("size", SIZES)
def test_a_chains_texts_are_legible(case, size, assert_legible):
    theme = "dark" if size == "small" else "light"
    figure = viz.field_chain(
        title="Receptive fields on the way to pool2, unit 2,2",
        subtitle="lenet5, input 28 × 28 × 1",
        size=size,
        theme=theme,
        **CHAINS[case],
    )
    assert_legible(figure, size)


EFFECTIVE = {
    "middle": dict(gradient=np.eye(28), box=(6, 6, 22, 22), half=(9, 9, 15, 15)),
    "corner": dict(gradient=np.ones((28, 28)), box=(-90, -90, 20, 9), half=(-2, -2, 3, 3)),
    "wide": dict(gradient=np.ones((5, 90)), box=(-1, 80, 4, 99), half=(1, 85, 3, 90)),
    "tall": dict(gradient=np.ones((90, 5)), box=(0, 0, 90, 5), half=(40, 2, 41, 3)),
    "image": dict(
        gradient=np.random.default_rng(0).uniform(0, 1e-5, (64, 48)),
        box=(10, 10, 50, 40),
        half=(20, 20, 20, 20),
        image=PIXELS,
    ),
}


@pytest.mark.parametrize("case", EFFECTIVE)
@pytest.mark.parametrize("size", SIZES)
def test_an_effective_fields_texts_are_legible(case, size, assert_legible):
    figure = viz.effective_field(
        title="Effective receptive field of pool2, unit 2,2",
        subtitle="lenet5, input 28 × 28 × 1; mean absolute gradient over 32 images of the test set",
        facts=[
            ("inside the theoretical box", "100 %"),
            ("half of the gradient", "within 10 × 10 pixels"),
            ("standard deviation", "rows 3.74, columns 3.7 pixels"),
            ("centre", "row 13.6, column 12.9"),
        ],
        size=size,
        theme="transparent" if size == "small" else "dark",
        **EFFECTIVE[case],
    )
    assert_legible(figure, size)


PYRAMIDS = [("lenet5", "pool2", (0, 0)), ("lenet5", "conv1", None), ("alexnet-slim", "pool5", None)]


@pytest.mark.parametrize("model, name, unit", PYRAMIDS)
@pytest.mark.parametrize("size", SIZES)
def test_a_pyramids_texts_are_legible(model, name, unit, size, assert_legible):
    network = models.build(model, weights=False)
    field = insight.unit_field(network, name, unit)
    levels = lessons.field_pyramid(network, name, field.unit, 0)
    figure = viz.pyramid(
        levels,
        span=field.rows.span(field.unit[0]),
        title=f"What {name} reads, row {field.unit[0]}",
        subtitle=f"{model}, 224 rows of pixels",
        size=size,
    )
    assert_legible(figure, size)


def test_a_pyramid_explains_only_the_dots_that_it_has():
    network = models.build("lenet5", weights=False)

    def words(unit):
        field = insight.unit_field(network, "pool2", unit)
        levels = lessons.field_pyramid(network, "pool2", field.unit, 0)
        span = field.rows.span(field.unit[0])
        figure = viz.pyramid(levels, span=span, title="t", subtitle="s")
        return next(text for text in texts_of(figure) if text.startswith("s, "))

    # Unit 2 sees rows 6 to 21, unit 0 rows -2 to 13.
    assert words((2, 2)) == "s, a dot a unit, pale: not read"
    assert words((0, 0)) == "s, a dot a unit, pale: not read, hollow: padding"


def texts_of(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize(
    ("box", "sides"),
    [
        ((2, 3, 9, 8), []),  # inside: no part of it is dashed
        ((-2, 3, 5, 8), [(-2, 0, 3, 8)]),  # rows from -2 to 0 of columns 3 to 8, and so on
        ((-1, -2, 22, 32), [(-1, 0, -2, 32), (20, 22, -2, 32), (-1, 22, -2, 0), (-1, 22, 30, 32)]),
    ],
)
def test_a_box_is_dashed_where_it_surrounds_padding(box, sides):
    figure = viz.receptive_field(
        input_size=(20, 30), box=box, map_size=(4, 6), unit=(0, 0), title="t", subtitle="s"
    )
    lines = [artist for axes in figure.axes for artist in (*axes.lines, *axes.artists)]
    ground = [line for line in lines if getattr(line, "_color", "") == viz.THEMES["light"].ground]
    # The input's own rectangle says where its pixels are.
    edge = [round(part / 255, 6) for part in bytes.fromhex(viz.THEMES["light"].input[1:])]
    boxes = [p for axes in figure.axes for p in axes.patches]
    (whole,) = (p for p in boxes if np.allclose(p.get_edgecolor()[:3], edge, atol=1e-5))
    side = whole.get_width() / 30
    found = []
    for line in ground:
        xs, ys = (np.array(line.get_xdata()), np.array(line.get_ydata()))
        columns, rows = (xs - whole.get_x()) / side, (ys - whole.get_y()) / side
        found.append((rows.min(), rows.max(), columns.min(), columns.max()))
    np.testing.assert_allclose(np.reshape(found, (-1, 4)), np.reshape(sides, (-1, 4)), atol=1e-6)
    said = [text for text in texts_of(figure) if "dashed: padding" in text]
    assert bool(said) == bool(sides)


def test_a_chain_shows_the_columns_of_each_box_as_a_bar():
    boxes = [("in", (10, 5, 40, 25), ""), ("out", (-5, 0, 75, 45), "")]
    figure = viz.field_chain(input_size=(100, 50), boxes=boxes, title="t")
    bars = [p.get_width() for p in figure.axes[0].patches if p.get_height() < 16]
    # For each box the input's 50 columns and its own: 45 of the outer, 20 of the inner.
    np.testing.assert_allclose(np.array(bars) / bars[0], [1, 0.9, 1, 0.4])
    assert "pale: columns 0 to 49" in texts_of(figure)


def test_the_grid_is_quiet_and_only_where_pixels_are_large():
    from matplotlib.collections import LineCollection

    def grids(side):
        figure = viz.receptive_field(
            input_size=(side, side), box=(0, 0, 3, 3), map_size=(2, 2), unit=(0, 0), title="t"
        )
        lines = [c for c in figure.axes[0].collections if isinstance(c, LineCollection)]
        return [c for c in lines if len(c.get_segments()) == 2 * (side + 1)]

    (grid,) = grids(28)
    assert to_hex(grid.get_colors()[0]).upper() == viz.THEMES["light"].hairline
    assert grids(112) == []


def test_pictures_that_cannot_be():
    with pytest.raises(ShapeError, match="expected boxes"):
        viz.field_chain(input_size=(5, 5), boxes=[("a", (1, 1, 1, 3), "")], title="t")
    with pytest.raises(ShapeError, match=r"expected an image of \(5, 5\) pixels"):
        viz.field_chain(input_size=(5, 5), boxes=[("a", (1, 1, 2, 3), "")], image=PIXELS, title="t")
    with pytest.raises(ShapeError, match=r"expected a gradient \(H, W\)"):
        viz.effective_field(gradient=[1, 2], box=(0, 0, 1, 1), half=(0, 0, 1, 1), title="t")
    vgg = models.build("vgg16", weights=False)
    levels = lessons.field_pyramid(vgg, "pool5", None, 0)
    with pytest.raises(ShapeError, match="expected at most .* levels at this size, got 19"):
        viz.pyramid(levels, span=(0, 212), title="t", size="small")


# --- the commands ------------------------------------------------------------------------------


def test_the_table_and_the_recursion_of_a_command(convlab):
    lines = convlab.works("receptive-field", "alexnet-slim").splitlines()
    assert lines[0].split()[-4:] == ["r", "S", "P", "centre"]
    (pool5,) = (line.split() for line in lines if line.startswith("pool5"))
    assert pool5[-4:] == ["195", "32", "64", "33"]
    assert lines[-1].split() == ["fc6", "Linear", "4096", "all"]
    out = convlab.works("receptive-field", "resnet50", "--explain", "--json-file", "fields.json")
    assert "  r = 19 + (3 − 1)·4 = 27\n" in out and out.endswith("wrote fields.json\n")
    record = json.loads((convlab.folder / "fields.json").read_text())
    (last,) = (row for row in record["layers"] if row["layer"] == "layer4.2")
    assert last["receptive_field"] == [427, 427] and last["effective_padding"] == [213, 213]
    joints = [row["aligned"] for row in record["layers"] if "aligned" in row]
    assert joints == [True] * 16


def test_padding_that_differs_is_shown_on_both_sides(convlab):
    lines = convlab.works("receptive-field", "resnet50-slim").splitlines()
    (pool1,) = (line for line in lines if line.startswith("pool1 "))
    # SAME of TensorFlow for 112 rows, kernel 3 and stride 2: 55 * 2 + 3 - 112 = 1, behind.
    assert pool1.split()[2:7] == ["3", "2", "0", "and", "1"]
    (conv1,) = (line for line in lines if line.startswith("conv1 "))
    assert conv1.split()[2:6] == ["7", "2", "3", "112"]


def test_a_picture_is_cropped_for_a_model_and_that_is_said(convlab):
    # Left, middle and right of 20 x 60 are red, green and blue; LeNet-5 takes 28 x 28 grey.
    pixels = np.zeros((20, 60, 3), np.uint8)
    for third in range(3):
        pixels[:, 20 * third : 20 * third + 20, third] = 255
    Image.fromarray(pixels).save(convlab.folder / "a.png")
    words = ("render", "receptive-field", "lenet5", "--image", "a.png", "--json-file", "b.json")
    out = convlab.works(*words, "--alt", "-o", "b.png")
    assert "centre of a picture of 20 × 60" in out
    image = np.array(json.loads((convlab.folder / "b.json").read_text())["inputs"]["image"])
    assert image.shape == (1, 28, 28)
    assert (np.abs(image[:, :, 4:24] - 150) <= 1).all()  # green as grey: 0.587 of 255


def test_commands_that_draw(convlab, run):
    words = ("render", "receptive-field", run)
    for option, key in (("--chain", "boxes"), ("--pyramid", "levels"), ("--effective", "gradient")):
        convlab.works(*words, option, "--layer", "conv2", "-o", "a.png", "--json-file", "a.json")
        assert key in json.loads((convlab.folder / "a.json").read_text())["result"]
    assert "expected one of --chain" in convlab.misused(*words, "--chain", "--effective")


def test_adaptive_windows_of_one_size_and_step_have_one_stride():
    # 16 cells in 3 windows: [0, 6), [5, 11) and [10, 16).
    field = ReceptiveField().through(3, 2).through_adaptive(16, 3)
    assert (field.size, field.stride, field.padding) == (3 + 5 * 2, 10, 0)
    assert [field.span(unit) for unit in range(3)] == [(0, 13), (10, 23), (20, 33)]
