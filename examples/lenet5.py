"""LeNet-5: trained in seconds, then looked into."""

# %% What its layers cost and see
import convlab
from convlab import models, pictures

models.build("lenet5")

# %% Train it on handwritten digits; "convlab train" takes 60 epochs
run = convlab.train("lenet5", "digits", epochs=10, snapshots=True, exist_ok=True)
run

# %% How good is it, and where is it wrong?
print(f"{100 * run.evaluate().accuracy:.1f} % of the test digits")
pictures.confusion(run)

# %% Filters before training, after it, and what training changed
pictures.filters(run, before=True)

# %% What every layer makes of a digit
pictures.features(run, "test:3")

# %% The whole sum behind one value
pictures.explanation(run, "test:3", layer="conv1")

# %% Where it looks, beside a network that has learned nothing
pictures.grad_cam(run, "test:3").save("grad-cam.png", theme="dark")

# %% The network in a page to draw on; it needs nothing but the file
page = convlab.page(run)
page.save("lab.html")
page
