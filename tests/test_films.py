"""Films: what their frames show, that nothing jumps, and the files that they become."""

import io
import sys
import time
from importlib import import_module

import av
import numpy as np
import pytest
from matplotlib.text import Text
from scipy import signal

from convlab import lessons, pictures, viz
from convlab.data import photograph
from convlab.errors import ConvlabError, SpecError
from convlab.lessons.stamps import stamps
from convlab.viz import film_grids, film_stamp, film_sum, film_window, sprites, style

SMALL = {"theme": "light", "size": "animation", "seconds": 1.7, "fps": 30}
COUNT, END = 51, 60  # frames of a step, of which the first has three times as many; of the end


def decoded(content):
    """The frames of a film's bytes, and what it says of itself."""
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        return frames, stream.codec_context.name, float(stream.average_rate), container.metadata


@pytest.fixture
def laid(monkeypatch):
    """What is laid on frames in full size and strength: texts with their places."""
    texts, found = {}, []

    def chip(text, *arguments, **more):
        sprite = sprites.chip(text, *arguments, **more)
        texts[id(sprite)] = text, sprite
        return sprite

    def lay(frame, sprite, x, y, strength=1.0):
        if id(sprite) in texts and strength > 0.99:
            found.append((texts[id(sprite)][0], x, y))
        sprites.lay(frame, sprite, x, y, strength)

    for module in (film_grids, film_sum, film_window, film_stamp):
        for name, own in (("chip", chip), ("lay", lay)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, own)
    return found


def flown(laid, film):
    """For each frame of a film what is laid on it."""
    frames = []
    for _ in film.frames:
        frames.append(laid.copy())
        laid.clear()
    return frames


def moment(frames, step, share, before=0):
    """The texts on the frame at a share of a step; after so many frames ``before`` the steps."""
    count = COUNT if step else 3 * COUNT
    begin = before + (step + 2) * COUNT if step else before
    return [text for text, *_ in frames[begin + round(share * (count - 1))]]


def number(value):
    return f"{value + 0.0:g}".replace("-", "−")


def test_products_and_results_of_a_convolution_are_those_of_scipy(laid):
    made = pictures.arithmetic(input=(2, 3), kernel=2, padding=1, step="all")
    x, w = np.pad(made.inputs["input"][0], 1), made.weights["kernel"][0, 0]
    wanted = signal.correlate2d(x, w, "valid") + 1
    frames = flown(laid, made.film(**SMALL))
    assert len(frames) == (wanted.size + 2) * COUNT + END
    for step, (row, column) in enumerate(np.ndindex(wanted.shape)):
        products = (x[row : row + 2, column : column + 2] * w).ravel()
        whole = [*map(number, products), "+", "+", "+", "+", "1", "="]
        result = number(wanted[row, column])
        assert moment(frames, step, 0.81) == [*whole, result]
        assert moment(frames, step, 1.0) == [*whole, result, result]  # in its cell, too
        _, x_end, y_end = frames[(step + 3) * COUNT - 1][-1]
        if step:
            _, x_start, y_start = frames[(step + 2) * COUNT - 1][-1]
            along = (x_end > x_start, y_end == y_start)
            assert along == ((True, True) if column else (False, False))


def test_the_winner_of_a_maximum_rises_and_a_mean_is_written_out(laid):
    made = pictures.pooling("max", input=4, seed=3, step="all")
    wanted = made.inputs["input"][0].reshape(2, 2, 2, 2).max((1, 3)).ravel()
    frames = flown(laid, made.film(**SMALL))
    assert [moment(frames, step, 1.0) for step in range(4)] == [[number(v)] for v in wanted]
    made = pictures.pooling("average", input=4, seed=3, step=1)
    terms = made.inputs["input"][0, :2, 2:].ravel()
    shown = moment(flown(laid, made.film(**SMALL)), 0, 0.81)
    rest = ["+", "+", "+", "(", ") / 4", "=", f"{terms.mean():.2f}"]
    assert shown == [*map(number, terms), *rest]


def test_several_channels_fly_as_their_sums(laid):
    made = pictures.arithmetic(input=3, kernel=2, channels=3, filters=2, step="all")
    frames = flown(laid, made.film(**SMALL))
    x, w = made.inputs["input"], made.weights["kernel"]
    assert len(frames) == (8 + 2) * COUNT + END  # four places of two filters
    for step, (filter, row, column) in enumerate(np.ndindex(2, 2, 2)):
        sums = (x[:, row : row + 2, column : column + 2] * w[filter]).sum((1, 2))
        shown = [text for text in moment(frames, step, 0.81) if "×" not in text]
        assert shown == [*map(number, sums), "+", "+", "+", "1", "=", number(sums.sum() + 1)]
    with pytest.raises(SpecError, match="film: expected at most 4 channels and filters, got 5"):
        pictures.arithmetic(channels=5, step="all").film(**SMALL)


def test_a_true_convolution_turns_its_kernel_first(laid):
    made = pictures.arithmetic(kernel=3, input=3, flip=True, step="all")
    frames = flown(laid, made.film(**SMALL))
    turned = made.weights["kernel"][0, 0, ::-1, ::-1].ravel()
    assert len(frames) == 60 + 3 * COUNT + END
    assert [text for text, *_ in frames[0]] == [*map(number, turned)]
    start, end = (np.array([place for _, *place in frames[at]]) for at in (0, 59))
    # Each number begins on the other side of the middle.
    np.testing.assert_allclose(start[::-1], end, atol=0.01)
    assert len(np.unique(end[:, 0].round(2))) == 3


def test_stamps_add_up_to_the_output(laid):
    made = pictures.stamping(input=(2, 3), kernel=3, stride=(2, 1), padding=1)
    x, w = made.inputs["input"][0], made.weights["kernel"][0, 0]
    whole = np.zeros((5, 5))
    for (row, column), value in np.ndenumerate(x):
        whole[2 * row : 2 * row + 3, column : column + 3] += value * w
        stamp = made.result["stamps"][row * 3 + column]
        alone = np.zeros((5, 5))
        alone[2 * row : 2 * row + 3, column : column + 3] = value * w
        np.testing.assert_array_equal(stamp, alone[1:-1, 1:-1])
    np.testing.assert_array_equal(made.result["output"][0], whole[1:-1, 1:-1])
    frames = flown(laid, made.film(**SMALL))
    assert len(frames) == (6 + 2) * COUNT + END
    for step, value in enumerate(x.ravel()):
        assert moment(frames, step, 0.4) == [number(one) for one in (value * w).ravel()]
    (label, text), *_ = made.facts.items()
    row, column = (int(word.strip(",")) for word in label.split() if word.strip(",").isdigit())
    terms, _, total = text.partition(", where")[0].partition(" = ")
    parts = [int(part.strip("()").replace("−", "-")) for part in terms.split(" + ")]
    assert sum(parts) == int(total.replace("−", "-")) == whole[1 + row, 1 + column]


def test_stamps_that_cannot_be():
    with pytest.raises(Exception, match="stamps: expected a transposed convolution of one map"):
        stamps(lessons.convolution(np.zeros((1, 4, 4)), np.zeros((1, 1, 3, 3))))
    with pytest.raises(SpecError, match="stamping: expected at most 100 stamps on 16 × 16 cells"):
        pictures.stamping(input=9)
    with pytest.raises(SpecError, match="values: expected ints, floats or a .csv file, got none"):
        pictures.stamping(values="none")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_jumps(theme):
    """From frame to frame little changes, and the window is on its way, not here and then there."""
    made = pictures.arithmetic(input=5, kernel=3, step="all")
    frames = list(made.film(**SMALL | {"theme": theme, "seconds": 1.0}).frames)[:150]
    changed = [
        (np.abs(one.astype(int) - other) > 24).any(-1).mean()
        for one, other in zip(frames, frames[1:], strict=False)
    ]
    assert max(changed) < 0.06 and min(changed) == 0
    on_its_way = {frames[at].tobytes() for at in range(90, 96)}
    assert len(on_its_way) == 6


def test_the_curve_of_a_movement():
    shares = np.linspace(0, 1, 101)
    way = np.array([sprites.ease(share) for share in shares])
    np.testing.assert_allclose(way, 6 * shares**5 - 15 * shares**4 + 10 * shares**3)
    assert (np.diff(way) >= 0).all() and np.diff(way)[[0, -1]].max() < 1e-4
    assert sprites.ease(-1) == 0 and sprites.ease(2) == 1


def test_a_sprite_between_two_pixels_and_at_the_edge():
    frame = np.zeros((9, 9, 3), np.uint8)
    box = sprites.Sprite(np.full((3, 3, 3), 200.0, np.float32), np.ones((3, 3), np.float32))
    sprites.lay(frame, box, 4.5, 4.5)
    assert (frame[3:6, 3:6] == 200).all() and frame.sum() == 9 * 3 * 200
    frame[:] = 0
    sprites.lay(frame, box, 4.75, 4.5)
    assert frame[4, 3, 0] == 150 and frame[4, 6, 0] == 50 and frame[4, 4, 0] == 200
    sprites.lay(frame, box, 0.0, 8.9)  # partly outside
    sprites.lay(frame, box, -9.0, 4.0)  # all of it
    assert frame[8, 0, 0] == 200


# --- files --------------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "h264"), (".webm", "vp9")])
def test_a_film_is_a_file_that_plays(convlab, suffix, codec):
    look = ["--size", "animation", "--seconds-per-step", "0.2", "--fps", "60"]
    words = "render", "pooling", "--input", 2, *look, "-o"
    assert convlab.works(*words, f"film{suffix}") == f"wrote film{suffix}\n"
    content = (convlab.folder / f"film{suffix}").read_bytes()
    frames, name, rate, metadata = decoded(content)
    assert (name, rate, len(frames)) == (codec, 60, 3 * 12 + 120)
    assert frames[0].shape == (450, 800, 3)
    said = {key.lower(): value for key, value in metadata.items()}
    assert said["title"] == "Max pooling" and said["comment"].startswith("convlab render pooling")
    # Compressed, yet in the colours that were drawn: the ground of the last frame.
    made = pictures.pooling(input=2, step="all").film(**SMALL)
    *_, last = made.frames
    assert np.abs(frames[-1].astype(int) - last).mean() < 1.5


def test_without_the_package_that_writes_films(monkeypatch):
    made = pictures.pooling(input=2)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(SpecError, match=r"\.mp4: expected the packages of pip install 'convlab\["):
        made.content(".mp4")
    monkeypatch.undo()
    with pytest.raises(SpecError, match=r"expected a file ending in .mp4 or .webm, got '.avi'"):
        viz.film_bytes(viz.Film([], 30), ".avi", title="t", description="d")
    with pytest.raises(SpecError, match=r"expected a file ending in .*\.mp4 or \.webm, got '.avi'"):
        made.content(".avi")


@pytest.mark.slow
def test_a_film_of_25_steps_is_small_and_soon_there():
    made = pictures.arithmetic(input=7, kernel=3, step="all")
    film = made.film(theme="light", size=viz.FILM, seconds=1.0, fps=30)
    begin = time.process_time()
    content = viz.film_bytes(film, ".mp4", title="t", description="d")
    assert time.process_time() - begin < 180  # of both cores together
    assert len(content) < 3_000_000
    frames, *_ = decoded(content)
    assert len(frames) == 90 + 24 * 30 + 60 and frames[0].shape == (1080, 1920, 3)


def test_one_signal_turns_glides_and_slides_over_the_other(monkeypatch):
    module = import_module("convlab.pictures._convolution_1d")
    monkeypatch.setattr(module, "_TURNING", 5)
    monkeypatch.setattr(module, "_SLIDING", 12)
    moments, draw = [], viz.convolution_1d

    def drawn(found, **page):
        moments.extend(found)
        return draw(found, **page)

    monkeypatch.setattr(viz, "convolution_1d", drawn)
    made = pictures.convolution_1d("box", "ramp")
    frames = [*made.film(theme="light", size="animation").frames]
    assert len(frames) == 30 + 5 + 5 + 12 + 60 and frames[0].shape == (450, 800, 3)
    still, turning, turned = moments[0], moments[1:6], moments[6]
    # As it is, then its mirror image, where it stands; nothing is multiplied yet.
    np.testing.assert_allclose(still.slid, turning[0].slid, atol=1e-9)
    np.testing.assert_allclose(still.slid[::-1], turned.slid, atol=1e-9)
    assert still.taus[np.argmax(still.slid)] == -turned.taus[np.argmax(turned.slid)]
    assert not any(np.isfinite(one.product).any() for one in moments[:7])
    assert not any(np.isfinite(one.result).any() for one in moments[:7])
    # What has come out grows, and in the end it is what NumPy computes.
    sliding = moments[-12:]
    assert [one.at for one in sliding] == sorted(one.at for one in sliding)
    known = [np.isfinite(one.result).sum() for one in sliding]
    assert known == sorted({*known})
    f, g = made.inputs["f"], made.inputs["g"]
    wanted = np.convolve(f, g) * made.parameters["step"]
    assert np.nanmax(sliding[-1].result) == pytest.approx(wanted.max(), rel=1e-6)


def test_numbers_stay_at_whole_places():
    made = pictures.convolution_1d("1,2,3", "0,1,0.5")
    frames = [*made.film(theme="light", size="animation").frames]
    places = [n for n in range(5) if np.convolve([1, 2, 3], [0, 1, 0.5])[n]]
    assert len(frames) == 30 + 15 * (places[0] + 1) + 15 * len(places) + 60
    with pytest.raises(SpecError, match="expected a file ending in"):
        pictures.convolution_1d(show="three").content(".mp4")


def test_a_window_on_a_photograph_has_the_numbers_of_scipy(laid):
    made = pictures.photo_window("china", "sobel-x", at=(21, 43))
    x, w = made.inputs["image"][0].astype(float), np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    assert x.shape == (64, 96)
    # Of the photograph itself, made smaller by means of blocks instead of by Pillow.
    blocks = np.asarray(photograph("china"), float) @ [0.299, 0.587, 0.114]
    rows, columns = np.linspace(0, 427, 65).astype(int), np.linspace(0, 640, 97).astype(int)
    means = np.add.reduceat(np.add.reduceat(blocks, rows[:-1], 0), columns[:-1], 1)
    means /= np.diff(rows)[:, None] * np.diff(columns)
    assert np.abs(x - means).mean() < 8
    wanted = signal.correlate2d(x, w, "valid")
    assert np.array_equal(made.result["output"], wanted)
    assert made.parameters["steps"] == [(21, column) for column in range(41, 46)]
    assert np.array_equal(made.result["values"].ravel(), wanted[21, 41:46])
    patch = x[21:24, 43:46]
    texts = [text.get_text() for text in made.figure.findobj(Text)]
    for value in [*patch.ravel(), *w.ravel(), *wanted[21, 41:44]]:
        assert number(value) in texts
    assert number(wanted[21, 44]) not in texts  # not computed yet
    frames = flown(laid, made.film(**SMALL | {"size": viz.FILM}))
    assert len(frames) == (5 + 2) * COUNT + 6 * 30 + END
    for step in range(5):
        products = (x[21:24, 41 + step : 44 + step] * w).ravel()
        total = number(wanted[21, 41 + step])
        assert moment(frames, step, 0.4) == [*map(number, products)]
        assert moment(frames, step, 0.81) == [*map(number, products), *"++++++++", "=", total]


@pytest.mark.slow
def test_the_map_on_a_film_grows_in_the_order_of_the_loop():
    made = pictures.photo_window("china", "sobel-x", at=(21, 43))
    empty = style.rgb_bytes(style.theme_named("light").hairline_fill)
    frames = list(made.film(theme="light", seconds=0.2, fps=30).frames)
    done = [(frame == empty).all(-1).sum() for frame in frames]
    assert done[-1] < 0.05 * done[0]
    assert all(after <= before + 400 for before, after in zip(done, done[1:], strict=False))
    assert (
        max(before - after for before, after in zip(done, done[1:], strict=False)) < 0.1 * done[0]
    )


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"kernel": "sobel"}, "kernel: expected one kernel such as sobel-x, got sobel"),
        ({"at": (62, 0)}, "at: expected a result of the map, .* 62 × 94, got row 62, column 0"),
        ({"kernel": "box:41"}, "kernel: expected one whose numbers have room"),
    ],
)
def test_windows_on_a_photograph_that_cannot_be(settings, message):
    with pytest.raises(ConvlabError, match=message):
        pictures.photo_window("china", **settings).draw(theme="light", size="slide")
