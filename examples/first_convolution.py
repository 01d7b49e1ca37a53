"""A first convolution: by hand, as an operation, as a picture."""

# %% A vertical edge, and a kernel that finds it
import numpy as np

from convlab import Tensor, functional, pictures

image = np.array([[0, 0, 0, 9, 9, 9]] * 5, np.float32)
kernel = np.array([[-1, 0, 1]] * 3, np.float32)

# %% One number of the output, by hand: the window's numbers times the kernel's, added up
window = image[0:3, 1:4]
by_hand = float((window * kernel).sum())
print(by_hand)

# %% All of them, by the engine: batch and channels come first, as in PyTorch
output = functional.conv2d(Tensor(image[None, None]), Tensor(kernel[None, None]))
assert output.data[0, 0, 0, 1] == by_hand
output

# %% The same as a picture, window by window
steps = pictures.arithmetic(values=image, kernel_values=kernel, step="all")
steps

# %% It moves as a GIF, and has a page for each step as a PDF
steps.save("convolution.gif")
steps.save("convolution.pdf")

# %% On a photograph
sobel = pictures.apply("china", "sobel")
sobel.save("sobel.png")
sobel
