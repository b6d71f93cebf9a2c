"""Opening encrypted objects in one run: each file once, whoever asks and however often."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import pytest

from reconciler.adapters.cache import Cache
from reconciler.model.errors import ToolFailed
from reconciler.model.feed import RenderedObject
from reconciler.model.inflation import Seal
from reconciler.model.objects import BlobId, Digest, ObjectKey
from reconciler.sync.opening import Opening
from reconciler.sync.tools import Tools
from tests.plugins.fleet import tool
from tests.wire.sops.keys import CANARY, Age, encrypted, secret

pytestmark = [pytest.mark.needs_tool("sops"), pytest.mark.needs_tool("age-keygen")]
FILE = BlobId("one")


class Contents:
    """Files in memory."""

    def __init__(self, content: str) -> None:
        self._content = content.encode()

    async def blobs(self, ids: Iterable[BlobId]) -> Mapping[BlobId, bytes]:
        return dict.fromkeys(ids, self._content)


def tools(content: str, tmp_path: Path, keys: Mapping[str, str]) -> Tools:
    """sops behind a script that counts how often it is called."""
    counting = tmp_path / "sops"
    counting.write_text(f'#!/bin/sh\necho called >> "{tmp_path}/calls"\nexec "{tool("sops")}" "$@"\n')
    counting.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "RECONCILER_SOPS": str(counting), "HOME": str(tmp_path), **keys}
    return Tools(Contents(content), Cache(tmp_path / "cache", "x", "1"), environment)


def sealed(name: str, namespace: str = "web") -> RenderedObject:
    key = ObjectKey("", "Secret", namespace, name)
    return RenderedObject(key, "v1", {}, Digest(name), seal=Seal("a/secret.yaml", FILE))


def calls(tmp_path: Path) -> int:
    return len((tmp_path / "calls").read_text().splitlines())


def test_file_is_decrypted_once_for_all_who_need_it(age: Age, tmp_path: Path) -> None:
    content = encrypted(f"{secret('one', 'web')}---\n{secret('two', 'web', 'other')}", age)

    async def many() -> list[Mapping[ObjectKey, object]]:
        opening = Opening(tools(content, tmp_path, age.environment))
        return await asyncio.gather(*(opening.open([sealed("one"), sealed("two")]) for _ in range(20)))

    first, *others = asyncio.run(many())
    assert all(found == first for found in others)
    assert [body["stringData"]["password"] for body in first.values()] == [CANARY, "other"]  # type: ignore[index]
    assert calls(tmp_path) == 1


def test_failure_is_told_to_everybody_and_tried_once(age: Age, nobody: dict[str, str], tmp_path: Path) -> None:
    content = encrypted(secret("one", "web"), age)

    async def many() -> list[object]:
        opening = Opening(tools(content, tmp_path, nobody))
        return await asyncio.gather(*(opening.open([sealed("one")]) for _ in range(5)), return_exceptions=True)

    found = asyncio.run(many())
    assert {type(error) for error in found} == {ToolFailed}
    assert calls(tmp_path) == 1


def test_all_files_that_cannot_be_opened_are_told_at_once(age: Age, nobody: dict[str, str], tmp_path: Path) -> None:
    content = encrypted(secret("one", "web"), age)
    other = msgspec.structs.replace(sealed("two"), seal=Seal("b/other.yaml", FILE))
    with pytest.raises(ToolFailed) as caught:
        asyncio.run(Opening(tools(content, tmp_path, nobody)).open([sealed("one"), other]))
    assert "a/secret.yaml cannot" in caught.value.message
    assert "b/other.yaml cannot" in caught.value.message


def test_end_of_one_who_waits_does_not_end_the_others(age: Age, tmp_path: Path) -> None:
    content = encrypted(secret("one", "web"), age)

    async def two() -> Mapping[ObjectKey, object]:
        opening = Opening(tools(content, tmp_path, age.environment))
        first = asyncio.create_task(opening.open([sealed("one")]))
        second = asyncio.create_task(opening.open([sealed("one")]))
        await asyncio.sleep(0.01)
        first.cancel()
        return await second

    assert len(asyncio.run(two())) == 1
    assert calls(tmp_path) == 1


def test_object_is_put_where_rendering_put_it(age: Age, tmp_path: Path) -> None:
    content = encrypted(secret("one", "web").replace("  namespace: web\n", ""), age)
    rendered = sealed("one", "default")
    found = asyncio.run(Opening(tools(content, tmp_path, age.environment)).open([rendered]))
    assert found[rendered.key]["metadata"] == {"name": "one", "namespace": "default"}


def test_object_that_the_file_does_not_hold_is_refused(age: Age, tmp_path: Path) -> None:
    content = encrypted(secret("other", "web"), age)
    with pytest.raises(ToolFailed, match="does not hold Secret web/one"):
        asyncio.run(Opening(tools(content, tmp_path, age.environment)).open([sealed("one")]))
