"""Traces against running the layers by hand, receptive fields against brute force."""

import numpy as np
import pytest

from convlab import Tensor, insight, models, no_grad, random
from convlab.errors import ShapeError, SpecError

pytestmark = pytest.mark.smoke

TAIL = """
[[layer]]
type = "Flatten"

[[layer]]
type = "Linear"
out_features = "classes"
"""


def layer(kind, name, **settings):
    """One [[layer]] of a spec."""
    lines = [f"{key} = {str(value).lower()}" for key, value in settings.items()]
    return "\n".join([f'\n[[layer]]\ntype = "{kind}"\nname = "{name}"', *lines]) + "\n"


def spec(size, *layers):
    return f'input = "{size[0]}x{size[1]}x{size[2]}"\n' + "".join(layers) + TAIL


# Without nonlinear layers: there a change of a pixel could be lost by chance.
LENET_LIKE = spec(
    (20, 22, 2),
    layer("Conv2d", "conv1", out_channels=3, kernel_size=5, padding=2),
    layer("AvgPool2d", "pool1", kernel_size=2),
    layer("Conv2d", "conv2", out_channels=4, kernel_size=[3, 5], padding=[1, 0]),
    layer("Subsample2d", "pool2", kernel_size=2),
)
STRIDED = spec(
    (23, 26, 1),
    layer("Conv2d", "strided", out_channels=2, kernel_size=3, stride=[2, 1], padding=1),
    layer(
        "Conv2d", "uneven", out_channels=2, kernel_size=[2, 4], stride=[1, 3], padding=[1, 0, 2, 1]
    ),
    layer("Conv2d", "dilated", out_channels=2, kernel_size=3, dilation=[1, 2], padding=[2, 2]),
    layer("AvgPool2d", "overlapping", kernel_size=3, stride=2, padding=1),
)
DILATED = spec(
    (30, 30, 1),
    layer("Conv2d", "one", out_channels=2, kernel_size=3, dilation=2, padding=2),
    layer("Conv2d", "two", out_channels=2, kernel_size=3, dilation=3, stride=2),
    layer("Conv2d", "three", out_channels=1, kernel_size=2, stride=2, padding=3),
)


def built(text, input_shape=None):
    """A network with random weights and biases in float64."""
    random.manual_seed(3)
    network = models.build_from_text(text, name="test", input_shape=input_shape).astype(np.float64)
    generator = np.random.default_rng(0)
    for parameter in network.parameters():
        parameter.data = generator.uniform(0.5, 1.5, parameter.shape)
    return network


def changes(network, layer_name, unit, where):
    """(count,) booleans: whether a change of the pixels where[i] changes the unit's output.

    where: (count, rows, columns) of 0 and 1.
    """
    changed = np.random.default_rng(1).standard_normal(network.input_shape) + where[:, np.newaxis]
    images = np.concatenate([changed[:1] - where[0], changed])
    with no_grad():
        value = Tensor(images)
        for name, module in network.named_children():
            value = module(value)
            if name == layer_name:
                break
    outputs = value.numpy()[:, :, unit[0], unit[1]]
    return np.abs(outputs[1:] - outputs[0]).max(1) > 1e-9


def influence(network, layer_name, unit):
    """(rows, columns) booleans: the input pixels whose change changes the unit's output."""
    _, rows, columns = network.input_shape
    single = np.eye(rows * columns).reshape(-1, rows, columns)
    return changes(network, layer_name, unit, single).reshape(rows, columns)


def seen_box(network, layer_name, unit):
    """(top, left, bottom, right) of what the unit sees, by changing whole rows and columns.

    All weights are positive, so that changes cannot cancel each other.
    """
    _, rows, columns = network.input_shape
    whole_rows = np.repeat(np.eye(rows)[:, :, np.newaxis], columns, axis=2)
    whole_columns = np.repeat(np.eye(columns)[:, np.newaxis], rows, axis=1)
    seen = changes(network, layer_name, unit, np.concatenate([whole_rows, whole_columns]))
    in_rows, in_columns = np.flatnonzero(seen[:rows]), np.flatnonzero(seen[rows:])
    return in_rows[0], in_columns[0], in_rows[-1] + 1, in_columns[-1] + 1


def corners_and_middle(size):
    rows, columns = size
    return sorted(
        {
            (0, 0),
            (0, columns - 1),
            (rows - 1, 0),
            (rows - 1, columns - 1),
            (rows // 2, columns // 2),
        }
    )


FIELDS = [
    (text, name)
    for text, names in (
        (LENET_LIKE, ("conv1", "pool1", "conv2", "pool2")),
        (STRIDED, ("strided", "uneven", "dilated", "overlapping")),
        (DILATED, ("one", "two", "three")),
    )
    for name in names
]


@pytest.mark.parametrize("text, name", FIELDS, ids=[name for _, name in FIELDS])
def test_a_units_box_holds_the_pixels_that_change_it_and_no_others(text, name):
    network = built(text)
    _, rows, columns = network.input_shape
    size = insight.unit_field(network, name, None).map_size
    for unit in corners_and_middle(size):
        field = insight.unit_field(network, name, unit)
        assert (field.layer, field.unit, field.map_size) == (name, unit, size)
        top, left, bottom, right = field.box
        inside = np.zeros((rows, columns), bool)
        inside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
        seen = influence(network, name, unit)
        if text is LENET_LIKE:
            np.testing.assert_array_equal(seen, inside)
        else:
            # Dilation and stride leave holes: nothing outside the box is seen.
            assert not (seen & ~inside).any(), unit


@pytest.mark.parametrize("text, name", FIELDS, ids=[name for _, name in FIELDS])
def test_a_units_box_is_exact_where_it_is_padding(text, name):
    """The same unit of a larger input, whose box lies inside it, must have the same box."""
    network = built(text)
    channels, rows, columns = network.input_shape
    size = insight.unit_field(network, name, None).map_size
    # Enough pixels on each side, a multiple of every stride in these networks.
    margin = 24
    larger = built(text, (channels, rows + 2 * margin, columns + 2 * margin))
    for unit in corners_and_middle(size):
        field = insight.unit_field(network, name, unit)
        shift = [margin // axis.stride for axis in (field.rows, field.columns)]
        assert [
            s * axis.stride for s, axis in zip(shift, (field.rows, field.columns), strict=True)
        ] == [
            margin,
            margin,
        ]
        box = seen_box(larger, name, (unit[0] + shift[0], unit[1] + shift[1]))
        assert tuple(edge - margin for edge in box) == field.box, unit


def test_the_last_map_and_its_middle_unit_are_the_usual_ones():
    network = models.build("lenet5")
    field = insight.unit_field(network, None, None)
    # pool2 has 5 x 5 maps; by hand r = 16, S = 4, P = 2, so from 2 * 4 - 2 = 6 to 22.
    assert (field.layer, field.map_size, field.unit) == ("pool2", (5, 5), (2, 2))
    assert field.box == (6, 6, 22, 22)
    assert (field.rows.size, field.rows.stride, field.rows.padding) == (16, 4, 2)
    assert insight.unit_field(network, "pool2", (0, 4)).box == (-2, 14, 14, 30)


def test_unit_field_refuses():
    network = models.build("lenet5")
    with pytest.raises(SpecError) as caught:
        insight.unit_field(network, "fc1", None)
    assert str(caught.value) == (
        "layer: expected one with feature maps, conv1, relu1, pool1, conv2, relu2, pool2, got 'fc1'"
    )
    for unit in ((5, 0), (0, 5), (-1, 0)):
        with pytest.raises(
            ShapeError, match=f"5 × 5 maps of pool2, from 0, got {unit[0]},{unit[1]}"
        ):
            insight.unit_field(network, "pool2", unit)
    with pytest.raises(SpecError, match="dense has no layer with feature maps"):
        insight.unit_field(models.build("dense"), None, None)


def test_behind_a_transposed_convolution_units_see_boxes_of_several_sizes():
    text = spec(
        (9, 9, 1),
        layer("Conv2d", "down", out_channels=2, kernel_size=3, stride=2),
        layer("ConvTranspose2d", "up", out_channels=2, kernel_size=3, stride=2),
        layer("Conv2d", "after", out_channels=2, kernel_size=3),
    )
    network = built(text)
    for name, widths in (("up", {3, 5}), ("after", {5, 7})):
        found = set()
        for unit in ((3, 3), (4, 4), (2, 3)):
            box = insight.unit_field(network, name, unit).box
            assert seen_box(network, name, unit) == box, (name, unit)
            found.add(box[3] - box[1])
        assert found == widths


# --- traces ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998", "dense"])
def test_a_trace_is_what_the_layers_give(name):
    network = models.build(name).train()
    x = np.random.default_rng(0).standard_normal(network.input_shape).astype(np.float32)
    activations = insight.trace(network, x)
    children = list(network.named_children())
    assert [a.name for a in activations] == [child for child, _ in children]
    assert [a.kind for a in activations] == [type(module).__name__ for _, module in children]
    value = Tensor(x[np.newaxis])
    for activation, (_, module), (_, _, _, shape) in zip(
        activations, children, network.shapes(), strict=True
    ):
        value = module(value)
        assert activation.array.shape == shape
        np.testing.assert_array_equal(activation.array, value.numpy()[0])
    for activation in activations:
        (alone,) = insight.trace(network, x, activation.name)
        assert alone.name == activation.name
        np.testing.assert_array_equal(alone.array, activation.array)


def test_a_trace_by_plain_loops():
    network = models.build("lenet5")
    x = np.random.default_rng(0).standard_normal((1, 28, 28)).astype(np.float32)
    conv, relu, pool = insight.trace(network, x)[:3]
    weight = network["conv1"].weight.numpy().astype(np.float64)
    padded = np.pad(x[0].astype(np.float64), 2)
    expected = np.array(
        [
            [[(padded[r : r + 5, c : c + 5] * w[0]).sum() for c in range(28)] for r in range(28)]
            for w in weight
        ]
    )
    np.testing.assert_allclose(conv.array, expected, atol=1e-5)
    np.testing.assert_array_equal(relu.array, np.where(conv.array > 0, conv.array, 0))
    blocks = [relu.array[:, r::2, c::2] for r in (0, 1) for c in (0, 1)]
    np.testing.assert_array_equal(pool.array, np.max(blocks, axis=0))


def test_a_trace_is_without_dropout():
    text = spec((8, 8, 1), layer("Dropout", "drop", p=0.5))
    network = models.build_from_text(text, name="test").train()
    x = np.ones((1, 8, 8), np.float32)
    (activation,) = insight.trace(network, x, "drop")
    np.testing.assert_array_equal(activation.array, x)


def test_trace_refuses():
    network = models.build("lenet5")
    with pytest.raises(ShapeError, match=r"image of shape \(1, 28, 28\), got \(28, 28\)"):
        insight.trace(network, np.zeros((28, 28), np.float32))
    with pytest.raises(
        SpecError, match="layer: expected one of conv1, relu1, .*, fc3, got 'conv9'"
    ):
        insight.trace(network, np.zeros((1, 28, 28), np.float32), "conv9")
