"""Kustomizations built, each once per content: the answers are remembered across runs.

A build with a Secret is not remembered, because what is remembered lies on a disk; it is made again when it is needed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from reconciler.adapters.tools import kustomize
from reconciler.model.errors import ReconcilerError
from reconciler.model.inflation import Build, Built, Fault
from reconciler.model.objects import Digest, digest_of
from reconciler.model.settings import Settings
from reconciler.source import documents
from reconciler.sync.tools import Tools

AT_ONCE = 4
"""Builds that run side by side."""
REMEMBERED = 16 << 20
"""Bytes of builds that are remembered, the latest first."""
_RECORD = "kustomizations"


class Remembered(msgspec.Struct, frozen=True):
    """The builds of earlier runs, by digest of their question, the latest first."""

    builds: dict[Digest, bytes] = {}


async def built(tools: Tools, _settings: Settings, wanted: Sequence[Build]) -> Mapping[Build, Built]:
    """An answer for every question."""
    known = tools.cache.record(_RECORD, Remembered) or Remembered()
    digests = {question: digest_of(question) for question in wanted}
    made: dict[Digest, bytes] = {}
    room = asyncio.Semaphore(AT_ONCE)

    async def one(question: Build) -> Built:
        remembered = known.builds.get(digests[question])
        if remembered is None:
            async with room:
                text = await _build(tools, question)
        else:
            text = remembered
        answer = text if isinstance(text, Fault) else _read(text)
        if isinstance(answer, Fault):
            return Built(fault=answer)
        if isinstance(text, bytes) and not question.remote and not any(map(_is_secret, answer)):
            made[digests[question]] = text
        return Built(answer, tuple(path for path, _ in question.files))

    answers = await asyncio.gather(*(one(question) for question in wanted))
    if made.keys() - known.builds.keys():
        tools.cache.keep(_RECORD, _bounded({**made, **known.builds}))
    return dict(zip(wanted, answers, strict=True))


async def _build(tools: Tools, question: Build) -> bytes | Fault:
    if question.remote and tools.offline:
        return Fault("kustomization-remote", "it fetches something from elsewhere, and nothing is fetched offline")
    try:
        contents = await tools.blobs.blobs({blob for _, blob in question.files})
    except ReconcilerError as error:
        return Fault("kustomization-failed", error.message, error.hint)
    files = {path: contents[blob] for path, blob in question.files}
    return await kustomize.build(question.directory, files, tools.environment, remote=question.remote)


def _read(text: bytes) -> tuple[Any, ...] | Fault:
    parsed = documents.everything(text)
    broken = next((document for document in parsed.documents if document.broken), None)
    if broken is not None:
        return Fault("kustomization-failed", "what it gives is not YAML as kubectl reads it")
    return tuple(document.value for document in parsed.documents)


def _is_secret(document: Any) -> bool:
    """Whether an object, or one of a List, is a Secret."""
    if not isinstance(document, Mapping):
        return False
    items = document.get("items")
    kinds = [document.get("kind"), *(item.get("kind") for item in items or () if isinstance(item, Mapping))]
    return "Secret" in kinds or "sops" in document


def _bounded(builds: Mapping[Digest, bytes]) -> Remembered:
    kept: dict[Digest, bytes] = {}
    size = 0
    for digest, text in builds.items():
        size += len(text)
        if size > REMEMBERED:
            break
        kept[digest] = text
    return Remembered(kept)
