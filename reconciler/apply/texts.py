"""Rendered objects as files, for directories and branches: each written out once, however many clusters get it.

An encrypted object is the file of the repo, byte for byte: whoever applies it can decrypt it, and nobody before.
"""

from collections.abc import Mapping

from reconciler.model.errors import ToolFailed
from reconciler.model.feed import RenderedObject
from reconciler.model.objects import BlobId, Digest
from reconciler.planning import filenames


class Texts:
    """What was written out in this run, by digest."""

    def __init__(self, sealed: Mapping[BlobId, bytes]) -> None:
        """`sealed` are the encrypted files of the repo that hold one document."""
        self._sealed = sealed
        self._texts: dict[Digest, tuple[bytes, str]] = {}

    def of(self, obj: RenderedObject) -> tuple[bytes, str]:
        """The file of an object, and git's id of it."""
        text = self._texts.get(obj.digest)
        if text is None:
            content = self._content(obj)
            text = self._texts[obj.digest] = (content, filenames.digest(content))
        return text

    def _content(self, obj: RenderedObject) -> bytes:
        if obj.seal is None:
            return filenames.serialise(obj.body)
        if obj.seal.blob not in self._sealed:
            message = f"{obj.seal.path} is encrypted and holds several documents, which sops signs as one"
            raise ToolFailed("sealed-together", f"{message}, so that {obj.key} cannot stand in a file of its own")
        return self._sealed[obj.seal.blob]
