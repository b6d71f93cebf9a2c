"""Encrypted objects on their way: opened for clusters, handed on as they stand for directories and branches.

Each file is decrypted once per run, when the first object of it is about to be written. The plaintext is kept in memory
only, for as long as the run lasts.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.adapters.tools import sops
from reconciler.model.errors import ToolFailed
from reconciler.model.feed import RenderedObject
from reconciler.model.inflation import Seal
from reconciler.model.objects import BlobId, Object, ObjectKey, group_of
from reconciler.model.plan import Work
from reconciler.render.bare import without_server_writes
from reconciler.source import documents
from reconciler.sync.tools import Tools

AT_ONCE = 4
"""Files that are decrypted side by side."""


class Opening:
    """The encrypted files of one run."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._room = asyncio.Semaphore(AT_ONCE)
        self._files: dict[tuple[str, BlobId], asyncio.Task[list[Any]]] = {}

    async def open(self, objects: Sequence[RenderedObject]) -> Mapping[ObjectKey, Object]:
        """The plaintext of encrypted objects, by key. ToolFailed names the file that cannot be opened."""
        sealed = [(rendered, rendered.seal) for rendered in objects if rendered.seal is not None]
        files = await asyncio.gather(*(self._file(seal) for _, seal in sealed), return_exceptions=True)
        failures = {str(failure): failure for failure in files if isinstance(failure, BaseException)}
        if len(failures) > 1 and all(isinstance(failure, ToolFailed) for failure in failures.values()):
            raise ToolFailed("sops-failed", "; ".join(failures))
        for failure in failures.values():
            raise failure
        documents_of = zip(sealed, files, strict=True)
        return {one.key: _plain(one, seal, found) for (one, seal), found in documents_of if isinstance(found, list)}

    async def _file(self, seal: Seal) -> list[Any]:
        name = (seal.path, seal.blob)
        if name not in self._files:
            self._files[name] = asyncio.create_task(self._decrypt(seal), name=f"decrypt {seal.path}")
        # several units wait for one file: the end of one of them must not take it from the others
        return await asyncio.shield(self._files[name])

    async def _decrypt(self, seal: Seal) -> list[Any]:
        content = (await self._tools.blobs.blobs([seal.blob]))[seal.blob]
        cipher = sops.Cipher(seal.path, content, _several(content))
        async with self._room:
            plain = await sops.decrypt(cipher, self._tools.environment)
        parsed = documents.everything(plain)
        return [document.value for document in parsed.documents if not document.broken]


async def as_they_stand(tools: Tools, works: Iterable[Work]) -> Mapping[BlobId, bytes]:
    """The files of encrypted objects by blob, for places that never decrypt; without those of several documents."""
    feeds = (work.feed for work in works if work.feed is not None)
    variants = {id(feed.objects): feed.objects for feed in feeds}
    wanted = {one.seal.blob for objects in variants.values() for one in objects if one.seal is not None}
    contents = await tools.blobs.blobs(sorted(wanted)) if wanted else {}
    return {blob: content for blob, content in contents.items() if not _several(content)}


def _several(content: bytes) -> bool:
    return len(documents.everything(content).documents) > 1


def _plain(rendered: RenderedObject, seal: Seal, found: Sequence[Any]) -> Object:
    """The object as the author wrote it, where rendering put it."""
    key = rendered.key
    for document in found:
        if _names(document, rendered):
            metadata = {name: value for name, value in document["metadata"].items() if name != "namespace"}
            where = {"namespace": key.namespace} if key.namespace else {}
            return without_server_writes({**document, "metadata": {**metadata, **where}})
    raise ToolFailed("sops-changed", f"{seal.path} cannot be used: decrypted, it does not hold {key}")


def _names(document: Any, rendered: RenderedObject) -> bool:
    metadata = document.get("metadata") if isinstance(document, Mapping) else None
    if not isinstance(metadata, Mapping) or document.get("apiVersion") != rendered.api_version:
        return False
    key = rendered.key
    namespace = metadata.get("namespace") or key.namespace
    mine = (group_of(rendered.api_version), document.get("kind"), namespace, metadata.get("name"))
    return mine == (key.group, key.kind, key.namespace, key.name)
