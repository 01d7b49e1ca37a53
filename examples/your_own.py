"""Your own network on your own pictures: a folder with a folder for each class."""

# %% A small set of pictures: discs and squares, as PNG files like any others
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import convlab
from convlab import pictures

rng = np.random.default_rng(0)
for kind in ("disc", "square"):
    folder = Path("shapes") / kind
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(60):
        picture = Image.new("L", (32, 32))
        left, top, side = *rng.integers(2, 14, 2).tolist(), int(rng.integers(10, 16))
        draw = ImageDraw.Draw(picture)
        shape = draw.ellipse if kind == "disc" else draw.rectangle
        shape((left, top, left + side, top + side), fill=255)
        picture.save(folder / f"{number:02}.png")

# %% A network in a file: the layers' names and arguments are PyTorch's
Path("small.toml").write_text("""
input = "32x32x1"
layer = [
    {type = "Conv2d", name = "edges", out_channels = 8, kernel_size = 5, padding = 2},
    {type = "ReLU"},
    {type = "MaxPool2d", kernel_size = 4},
    {type = "Conv2d", name = "corners", out_channels = 16, kernel_size = 3, padding = 1},
    {type = "ReLU"},
    {type = "MaxPool2d", kernel_size = 2},
    {type = "Flatten"},
    {type = "Linear", out_features = "classes"},
]
""")
pictures.architecture("small.toml")

# %% Train it; a fifth of each class is held out as test images
run = convlab.train("small.toml", "shapes", epochs=20, rate=0.05, exist_ok=True)
run

# %% What it says of a picture, and which pixels speak for that
answer = run.predict("shapes/disc/07.png")[0]
print(answer)
pictures.saliency(run, "shapes/disc/07.png")

# %% In a loop of your own: the network is a module, as in PyTorch
x = convlab.Tensor(np.stack([run.network_input(run.image("shapes/square/03.png").pixels)]))
print(run.network(x))
