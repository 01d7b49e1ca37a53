"""What the names of a data set's files and folders say: which part they are, and what they hold."""

from __future__ import annotations

import re
from typing import NamedTuple

TRAIN, TEST, VALIDATION = "train", "test", "validation"
IMAGES, LABELS, NAMES = "images", "labels", "names"

_SPLITS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("test", "testing", "t10k"), TEST),
    **dict.fromkeys(("val", "valid", "validation", "dev"), VALIDATION),
}
_KINDS = {
    **dict.fromkeys(("images", "image", "imgs", "img", "pixels", "x"), IMAGES),
    **dict.fromkeys(("labels", "label", "targets", "target", "y"), LABELS),
    **dict.fromkeys(("names", "classes", "classmap", "mapping"), NAMES),
}
# They say how a file is written, or nothing: np.savez calls what has no name arr_0.
_FORMAT = re.compile(r"gz|csv|tsv|txt|tar|np[yz]|idx\d?|ubyte|int|data|arr|\d|\d+x\d+")
_WORD = re.compile(r"[^\W_]+")
_NEW_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")  # trainImages


class Words(NamedTuple):
    """What a name says.  set: its other words; split and kind: "" if it says none."""

    set: str
    split: str
    kind: str

    @classmethod
    def of(cls, name: str) -> Words:
        """The words of a file's name, or of an array's in an .npz file."""
        split, kinds, rest = "", set(), []
        for word in _WORD.findall(_NEW_WORD.sub(" ", name).lower()):
            if word in _SPLITS:
                split = _SPLITS[word]
            elif word in _KINDS:
                kinds.add(_KINDS[word])
            elif not _FORMAT.fullmatch(word):
                rest.append(word)
        # The names of labels are names.
        kind = next((kind for kind in (NAMES, LABELS, IMAGES) if kind in kinds), "")
        return cls("-".join(rest), split, kind)


def split_of(folder: str) -> str:
    """The part that a folder is by its name, in any case; "" if it is none."""
    return _SPLITS.get(folder.lower(), "")
