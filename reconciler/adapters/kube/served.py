"""Every kind that an API server serves: two requests where it answers with everything at once, else one per version."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from reconciler.model.errors import ApiError
from reconciler.model.objects import Object

AT_ONCE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
"""Accept header that asks for all groups, versions and resources in one answer (Kubernetes 1.30 and newer)."""
_LIST = "APIGroupDiscoveryList"

Get = Callable[[str, str], Awaitable[Object]]
"""Path and Accept header to the answer."""


async def served(get: Get) -> dict[str, bool]:
    """Whether objects live in namespaces, by `apps/v1/Deployment`, sorted. Kinds of subresources are left out."""
    core, groups = await asyncio.gather(get("/api", AT_ONCE), get("/apis", AT_ONCE))
    found: dict[str, bool] = {}
    for answer, top in ((core, "/api"), (groups, "/apis")):
        found.update(_at_once(answer) if answer.get("kind") == _LIST else await _one_by_one(get, answer, top))
    return dict(sorted(found.items()))


def _at_once(answer: Object) -> Iterator[tuple[str, bool]]:
    for group in answer.get("items") or ():
        name = group["metadata"].get("name")
        for version in group.get("versions") or ():
            told = f"{name}/{version['version']}" if name else version["version"]
            for resource in version.get("resources") or ():
                kind = (resource.get("responseKind") or {}).get("kind")
                if kind:
                    yield f"{told}/{kind}", resource.get("scope") == "Namespaced"


async def _one_by_one(get: Get, answer: Object, top: str) -> list[tuple[str, bool]]:
    groups: list[Any] = answer.get("groups") or []
    versions = [version["groupVersion"] for group in groups for version in group["versions"]]
    versions += answer.get("versions") or []
    return [
        pair for pairs in await asyncio.gather(*(_of(get, f"{top}/{one}", one) for one in versions)) for pair in pairs
    ]


async def _of(get: Get, path: str, version: str) -> list[tuple[str, bool]]:
    """The kinds of one version; none where an aggregated API server is down, which hides no others."""
    try:
        answer = await get(path, "application/json")
    except ApiError as error:
        if error.status in (404, 503):
            return []
        raise
    resources = answer.get("resources") or ()
    return [(f"{version}/{one['kind']}", bool(one["namespaced"])) for one in resources if "/" not in one["name"]]
