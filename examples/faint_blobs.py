"""Unequal classes: grey images of noise, one in ten with a faint blob, as a folder of one's own.

Generated images, no patients.  docs/medical.md goes on from here.
"""

# %% Cloudy noise, brighter towards the middle, as in no picture of a patient
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

import convlab
from convlab import pictures

rng = np.random.default_rng(0)
rows, columns = np.mgrid[:32, :32]


def bump(row, column, width):
    """A round spot of height 1."""
    return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * width**2))


def scan(blob):
    """An image (32, 32) of bytes, with or without a faint blob somewhere in it."""
    clouds = gaussian_filter(rng.standard_normal((32, 32)), 2)
    image = 90 + 40 * bump(15.5, 15.5, 12) + 8 * clouds / clouds.std()
    image += 5 * rng.standard_normal((32, 32))
    if blob:
        image += rng.uniform(20, 70) * bump(*rng.uniform(6, 26, 2), rng.uniform(2, 3))
    return image.clip(0, 255).astype(np.uint8)


# %% A folder for training and one for testing, in each a folder for each class
for split, clear, with_blob in (("train", 1800, 200), ("test", 900, 100)):
    for name, count in (("clear", clear), ("blob", with_blob)):
        folder = Path("scans") / split / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.fromarray(scan(name == "blob")).save(folder / f"{number:04}.png")

# %% Train on it
run = convlab.train("lenet5", "scans", epochs=8, exist_ok=True)
run

# %% How many are right?  Nine in ten would be with "clear" for every image
print(f"{100 * run.evaluate().accuracy:.1f} % right")

# %% How many of the blobs are found, and how many clear images are taken for one?
found = pictures.roc(run, "blob")
print(*found.lines(), sep="\n")
found.save("roc.png")
found

# %% The images that it got wrong
pictures.mistakes(run)
