"""The gallery: a catalogue of pictures, each with the command that makes it, and their page."""
