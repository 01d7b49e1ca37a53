"""Pictures part by part: one layout, of which each file, page or frame shows one part more."""

import io
import re

import pytest
from PIL import Image

from convlab import pictures
from convlab.errors import SpecError


def texts(svg):
    """The words of an SVG file with their places."""
    return set(re.findall(r"<text.*?</text>", svg.decode(), re.DOTALL))


BUILT = [
    (pictures.arithmetic, {"padding": 1}, ("Input", "Kernel", "×", "Output", "output size")),
    (pictures.arithmetic, {"channels": 3}, ("Input", "Kernel", "", "adds|Output", "output size")),
    (pictures.pooling, {}, ("Input", "Max|2 × 2", "", "Output", "output size")),
    (pictures.stamping, {}, ("x", "w", "", "", "", "", "y", "row")),
]


@pytest.mark.parametrize(("make", "settings", "come"), BUILT)
def test_each_file_has_one_part_more_in_the_same_places(make, settings, come):
    made = make(**settings)
    files = made.build(".svg")
    assert len(files) == len(come)
    shown = [texts(file) for file in files]
    for before, after, word in zip([set(), *shown], shown, come, strict=False):
        assert before <= after
        new = " ".join(re.sub("<.*?>", "", text) for text in after - before)
        assert any(each in new for each in word.split("|")), (word, new)
    sizes = [len(file) for file in files]
    assert sizes == sorted(sizes) and len({*sizes}) == len(sizes)
    assert files[-1] == made.content(".svg")


def test_pages_and_frames_are_one_file():
    made = pictures.backward()
    (pdf,), (gif,), pngs = made.build(".pdf"), made.build(".gif"), made.build(".png", size="small")
    pages = int(re.search(rb"/Count (\d+)", pdf)[1])
    # x, w, b, y, t, ∂L/∂y; x, ∂L/∂y, ∂L/∂w, the new w; ∂L/∂y, w, ∂L/∂x; the sums in words
    assert pages == Image.open(io.BytesIO(gif)).n_frames == len(pngs) == 14


def test_what_has_no_parts_is_said():
    with pytest.raises(
        SpecError, match=r"^build: expected a picture that has parts, got one whole$"
    ):
        pictures.architecture("lenet5").build(".png")
    with pytest.raises(
        SpecError, match=r"^build: expected a file ending in .* or .gif, got '.mp4'$"
    ):
        pictures.arithmetic().build(".mp4")


def test_files_are_numbered(convlab):
    out = convlab.works("render", "arithmetic", "--build", "-o", "a/step.png")
    names = [f"step-{number}.png" for number in range(1, 6)]
    assert out.splitlines() == [f"wrote a/{name}" for name in names]
    assert sorted(path.name for path in (convlab.folder / "a").iterdir()) == names
    convlab.works("render", "backward", "--build", "-o", "b.png", "--size", "small")
    assert (convlab.folder / "b-01.png").exists() and (convlab.folder / "b-14.png").exists()
    convlab.works("render", "arithmetic", "--build", "-o", "c.gif")
    assert Image.open(convlab.folder / "c.gif").n_frames == 5  # the parts, not the steps
    said = convlab.misused("render", "arithmetic", "--build", "--step", "all", "-o", "c.gif")
    assert "--build: expected one --step, part by part, got all" in said
    said = convlab.misused("render", "arithmetic", "--build", "-o", "-")
    assert "expected -o FILE for 5 files, got -" in said
