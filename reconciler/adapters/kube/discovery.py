"""Which resource of an API server holds the objects of a kind, remembered for the life of a connection.

Built-in kinds cost no request. Any other kind costs one request for its group and version, which is exact where the
list of everything lags behind a definition that was created a moment ago. A kind that was unknown is asked for again.
"""

import asyncio
from collections.abc import Awaitable, Callable

from reconciler.adapters.kube.answers import NO_MATCH
from reconciler.adapters.kube.resources import Resource, built_in
from reconciler.model.errors import ApiError
from reconciler.model.objects import Object, group_of

Get = Callable[[str], Awaitable[Object]]


class Discovery:
    """The kinds of one API server, asked for as they are needed."""

    def __init__(self, get: Get) -> None:
        self._get = get
        self._known: dict[tuple[str, str], Resource] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        """One question at a time per API version: a hundred objects of one kind ask once."""

    async def resource(self, api_version: str, kind: str) -> Resource:
        """The resource of a kind in one API version; ApiError with reason `NoMatch` when it is not served."""
        known = built_in(api_version, kind) or self._known.get((api_version, kind))
        if known:
            return known
        async with self._asking.setdefault(api_version, asyncio.Lock()):
            if (api_version, kind) not in self._known:
                await self._ask(api_version)
        known = self._known.get((api_version, kind))
        if known is None:
            raise ApiError(404, NO_MATCH, f'no matches for kind "{kind}" in version "{api_version}"')
        return known

    async def any_version(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind in whatever version of its group is served; None when it is served in none.

        An API server that cannot tell (an aggregated one that is down) is an ApiError, never a None.
        """
        group = group_of(api_version)
        try:
            versions = (await self._get(f"/apis/{group}" if group else "/api"))["versions"]
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        for version in versions:
            name = version["groupVersion"] if group else version
            await self._ask(name)
            if found := self._known.get((name, kind)):
                return found
        return None

    def forget(self) -> None:
        """Ask again for everything: the server did not know something that it knew before."""
        self._known.clear()

    async def _ask(self, api_version: str) -> None:
        try:
            answer = await self._get(f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}")
        except ApiError as error:
            if error.status == 404:
                return
            raise
        for found in answer.get("resources") or ():
            if "/" not in found["name"]:
                resource = Resource(api_version, found["name"], bool(found["namespaced"]))
                self._known[api_version, found["kind"]] = resource
