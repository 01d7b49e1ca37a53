"""``convlab render embedding``: which images a network treats as similar."""

from convlab_cli import drawing, options, runs


@options.command()
@options.whole(
    "--images", least=4, default=500, help="Test images, spread evenly over the test set."
)
@options.choice(
    "--method", "pca", "tsne", help="Largest variance, or neighbours that stay neighbours."
)
@options.layer("Whose output; the last hidden layer by default.")
@runs.about_run()
@drawing.draws("embedding.png")
def command(pictures, **settings):
    """Test images in a plane: those are close together for which a layer's outputs are similar.

    Mistakes of the network are ringed; if they are few, the true class and its answer are beside
    them.
    """
    return pictures.embedding(**settings)
