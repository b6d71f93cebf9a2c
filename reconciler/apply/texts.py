"""Rendered objects as files, for directories and branches: each written out once, however many clusters get it."""

from reconciler.model.feed import RenderedObject
from reconciler.model.objects import Digest
from reconciler.planning import filenames


class Texts:
    """What was written out in this run, by digest."""

    def __init__(self) -> None:
        self._texts: dict[Digest, tuple[bytes, str]] = {}

    def of(self, obj: RenderedObject) -> tuple[bytes, str]:
        """The file of an object, and git's id of it."""
        text = self._texts.get(obj.digest)
        if text is None:
            content = filenames.serialise(obj.body)
            text = self._texts[obj.digest] = (content, filenames.digest(content))
        return text
