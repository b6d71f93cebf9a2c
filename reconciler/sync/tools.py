"""What programs outside are given, and where they find the files of the tree."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from reconciler.adapters.cache import Cache
from reconciler.model.objects import BlobId


class Blobs(Protocol):
    """Whoever has the bytes behind a tree: a mirror for commits, the work tree for itself."""

    async def blobs(self, ids: Iterable[BlobId]) -> Mapping[BlobId, bytes]:
        """Contents by blob id."""


class Tools(msgspec.Struct, frozen=True):
    """What programs outside are given."""

    blobs: Blobs
    cache: Cache
    environment: Mapping[str, str]
    offline: bool = False
    """Fetch nothing; what is missing is a fault that says so."""
