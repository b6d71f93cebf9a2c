"""What programs outside are given, and where they find the files of the tree."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

import msgspec

from reconciler.adapters.cache import Cache
from reconciler.model.objects import BlobId
from reconciler.model.settings import Settings

T = TypeVar("T")


class Blobs(Protocol):
    """Whoever has the bytes behind a tree: a mirror for commits, the work tree for itself."""

    async def blobs(self, ids: Iterable[BlobId]) -> Mapping[BlobId, bytes]:
        """Contents by blob id."""


Secrets = Callable[[Settings, str, str], Awaitable[Mapping[str, str] | None]]
"""The data of a Secret of the hub that the settings name, by namespace and name; None when there is none."""


class Once:
    """What one run has asked outside: every question is asked once, and has one answer to its end."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, asyncio.Task[Any]] = {}

    async def ask(self, question: Hashable, way: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer, or the same failure to everybody who asks."""
        if question not in self._asked:
            self._asked[question] = asyncio.create_task(way())
        answer: T = await self._asked[question]
        return answer


class Tools(msgspec.Struct, frozen=True):
    """What programs outside are given."""

    blobs: Blobs
    cache: Cache
    environment: Mapping[str, str]
    offline: bool = False
    """Fetch nothing; what is missing is a fault that says so."""
    files: Mapping[str, BlobId] = {}
    """The files of the tree that is evaluated: keyrings and certificate authorities are among them."""
    secrets: Secrets | None = None
    """Where there is a hub that holds credentials of charts."""
    once: Once = msgspec.field(default_factory=Once)

    def anew(self) -> "Tools":
        """The same for another run, which asks anew."""
        return msgspec.structs.replace(self, once=Once())

    def at(self, files: Mapping[str, BlobId]) -> "Tools":
        """The same for one tree."""
        return msgspec.structs.replace(self, files=files)
