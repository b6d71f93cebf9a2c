"""Every resource of an API server that lives in namespaces and can be listed, each in one version only."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

import msgspec

from reconciler.adapters.kube.resources import Resource
from reconciler.model.objects import Object, group_of

Get = Callable[[str], Awaitable[Object]]
"""Path to the answer."""


class Listable(msgspec.Struct, frozen=True):
    """One kind of objects."""

    resource: Resource
    kind: str

    @property
    def group(self) -> str:
        """Its API group."""
        return group_of(self.resource.api_version)


async def listable(get: Get) -> tuple[Listable, ...]:
    """All of them, sorted by group. Raises ApiError when an aggregated API server does not say what it serves."""
    core, groups = await asyncio.gather(get("/api/v1"), get("/apis"))
    preferred = [group["preferredVersion"]["groupVersion"] for group in groups.get("groups") or ()]
    answers = await asyncio.gather(*(get(f"/apis/{version}") for version in preferred))
    return tuple(_found(["v1", *preferred], [core, *answers]))


def _found(versions: Iterable[str], answers: Iterable[Object]) -> Iterator[Listable]:
    for version, answer in sorted(zip(versions, answers, strict=True), key=lambda pair: pair[0]):
        resources: list[Any] = answer.get("resources") or []
        for one in resources:
            if one["namespaced"] and "/" not in one["name"] and "list" in one["verbs"]:
                yield Listable(Resource(version, one["name"], namespaced=True), one["kind"])
