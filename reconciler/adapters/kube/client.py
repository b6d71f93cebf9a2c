"""The verbs of a Kubernetes API server on plain JSON objects.

Every verb raises ApiError with the server's own words (never a body, never a value of a Secret), Unreachable when no
answer comes, Untrusted when TLS or the credential is refused. Retries and deadlines are those of `transport`.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from reconciler.adapters.kube.acting import Acting, Headers, impersonates
from reconciler.adapters.kube.answers import LATER, NO_MATCH, refusal
from reconciler.adapters.kube.connection import AuthProvider, Connection
from reconciler.adapters.kube.discovery import Discovery
from reconciler.adapters.kube.resources import Resource
from reconciler.adapters.kube.served import served
from reconciler.model.errors import ApiError, Unreachable, Untrusted, UsageError
from reconciler.model.objects import Object

if TYPE_CHECKING:
    from reconciler.adapters.kube.transport import Transport

PAGE = 500
WATCH_SECONDS = 300
"""How long one watch request stays open before it is resumed."""
WATCH_FAILURES = 9
"""Failures in a row after which a watch is given up: about half a minute, in which an API server starts anew."""
WATCH_DELAY = 5.0
SHORTEST_WATCH = 1.0
"""A watch that ends sooner counts as failed, so that nobody asks again and again without a pause."""
STANDING_WATCH = 60.0
"""A watch that stood for so long before it broke is a first failure again."""
_jitter = random.SystemRandom()
_JSON = {"Content-Type": "application/json"}
_APPLY = {"Content-Type": "application/apply-patch+yaml"}
_MERGE = {"Content-Type": "application/merge-patch+json"}
_JSON_PATCH = {"Content-Type": "application/json-patch+json"}
_GZIP = {"Accept-Encoding": "gzip"}
_METADATA_ONLY = {**_GZIP, "Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
_encode = msgspec.json.Encoder().encode
_decode: Any = msgspec.json.Decoder().decode


class Written(msgspec.Struct, frozen=True):
    """The object as the server answered it, and whether it is new."""

    created: bool
    object: Object


class Listing(msgspec.Struct, frozen=True):
    """A whole collection and the moment it was taken at, from which it can be watched."""

    items: tuple[Object, ...]
    resource_version: str


class Client:
    """An open connection to one API server. Make one with `connect`."""

    def __init__(self, connection: Connection, transport: "Transport | Acting") -> None:
        self.connection = connection
        self._transport = transport
        self._discovery = Discovery(self.get)

    def acting(self, name: str, headers: Headers) -> "Client":
        """The same connection as somebody else (`acting.as_user`): its slots are shared, its rights are not.

        UsageError when this connection is somebody else's already.
        """
        if impersonates(self.connection.headers):
            what = f"{self.connection} impersonates somebody already, so that nobody else can be impersonated over it"
            raise UsageError("impersonates-already", what, "use a context of the kubeconfig without `as`")
        mine = msgspec.structs.replace(self.connection, name=name, headers=(*self.connection.headers, *headers))
        return Client(mine, Acting(self._transport, headers))

    def heard(self) -> float:
        """When the server answered last, on the loop's clock."""
        return self._transport.heard

    async def resource(self, api_version: str, kind: str) -> Resource:
        """Where the objects of a kind live. ApiError with reason `NoMatch` when the server does not serve it."""
        return await self._discovery.resource(api_version, kind)

    async def any_version(self, api_version: str, kind: str) -> Resource | None:
        """As `resource`, in whatever version is served; None when the server serves the kind in none."""
        return await self._discovery.any_version(api_version, kind)

    async def get(self, path: str, *, urgent: bool = False) -> Object:
        """One object, or whatever JSON lives at a path (`/version`, `/apis/apps/v1`).

        An urgent request does not queue behind others.
        """
        return self._object(await self._send("GET", path, None, {}, urgent=urgent))

    async def served(self) -> Mapping[str, bool]:
        """Every kind that is served (`apps/v1/Deployment`), and whether its objects live in namespaces; sorted."""
        return await served(self._accepting)

    async def text(self, path: str) -> str:
        """What a path answers as text (`/readyz`)."""
        return (await self._send("GET", path, None, {"Accept": "*/*"})).decode(errors="replace")

    async def list(
        self, path: str, *, labels: str = "", fields: str = "", metadata_only: bool = False, cached: bool = False
    ) -> Listing:
        """A whole collection, in pages. `cached`: as fresh as the server's own cache, which costs etcd nothing."""
        query = {"labelSelector": labels, "fieldSelector": fields}
        query |= {"resourceVersion": "0"} if cached else {"limit": str(PAGE)}
        items: list[Object] = []
        headers = _METADATA_ONLY if metadata_only else _GZIP
        while True:
            try:
                page = self._object(await self._send("GET", path + _query(query), None, headers))
            except ApiError as error:
                if error.status != 410 or "continue" not in query:
                    raise
                items, query = [], {name: query[name] for name in ("labelSelector", "fieldSelector")}
                continue
            items += _typed(page)
            metadata = page.get("metadata") or {}
            if not metadata.get("continue"):
                return Listing(tuple(items), metadata.get("resourceVersion") or "")
            query["continue"] = metadata["continue"]

    async def watch(self, path: str, since: str, fields: str = "") -> AsyncGenerator[tuple[str, Object], None]:
        """Events (`ADDED`, `MODIFIED`, `DELETED`) after a moment, resumed for ever; use it with `aclosing`.

        ApiError 410 when the server has forgotten that moment: list again.
        """
        clock = asyncio.get_running_loop().time
        failures = 0
        while True:
            began = clock()
            query = {"watch": "true", "resourceVersion": since, "allowWatchBookmarks": "true", "fieldSelector": fields}
            query["timeoutSeconds"] = str(WATCH_SECONDS)
            try:
                async with aclosing(self._events(path + _query(query))) as events:
                    async for kind, obj in events:
                        failures, since = 0, obj["metadata"]["resourceVersion"]
                        if kind != "BOOKMARK":
                            yield kind, obj
                if clock() - began >= SHORTEST_WATCH:
                    failures = 0
                    continue
                error: Unreachable | ApiError = Unreachable("watch-ends", f"{self.connection} ends watches at once")
            except (Unreachable, ApiError) as failure:
                error = failure
            failures = failures + 1 if clock() - began < STANDING_WATCH else 1
            if failures > WATCH_FAILURES or (isinstance(error, ApiError) and error.status not in LATER):
                raise error
            await asyncio.sleep(min(0.2 * 2**failures, WATCH_DELAY) * _jitter.uniform(0.5, 1.0))

    async def _events(self, path: str) -> AsyncGenerator[tuple[str, Object], None]:
        async with self._transport.stream(path, WATCH_SECONDS) as (status, chunks):
            if status >= 300:
                raise self._refused(status, b"".join([chunk async for chunk in chunks]), path, None)
            rest = b""
            async for chunk in chunks:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in filter(None, lines):
                    event = self._object(line)
                    if event["type"] == "ERROR":
                        raise self._refused(event["object"].get("code") or 500, _encode(event["object"]), path, None)
                    yield event["type"], event["object"]

    async def apply(
        self, path: str, obj: Object, manager: str, *, force: bool = False, dry_run: bool = False
    ) -> Written:
        """Server-side apply. Without `force` a field that another manager owns is refused with that manager's name."""
        query = {"fieldManager": manager, "force": "true" if force else "false"} | _dry(dry_run=dry_run)
        return await self._write("PATCH", path + _query(query), obj, _APPLY)

    async def create(self, path: str, obj: Object, manager: str, *, dry_run: bool = False) -> Object:
        """POST to a collection. ApiError 409 `AlreadyExists`."""
        written = await self._write(
            "POST", path + _query({"fieldManager": manager} | _dry(dry_run=dry_run)), obj, _JSON
        )
        return written.object

    async def replace(
        self, path: str, obj: Object, manager: str, *, dry_run: bool = False, urgent: bool = False
    ) -> Object:
        """PUT; with `metadata.resourceVersion` in it, ApiError 409 `Conflict` when somebody was faster.

        An urgent one does not queue behind other requests.
        """
        query = _query({"fieldManager": manager} | _dry(dry_run=dry_run))
        return (await self._write("PUT", path + query, obj, _JSON, urgent=urgent)).object

    async def merge_patch(self, path: str, patch: Object, manager: str, *, dry_run: bool = False) -> Object:
        """JSON merge patch (RFC 7386)."""
        written = await self._write(
            "PATCH", path + _query({"fieldManager": manager} | _dry(dry_run=dry_run)), patch, _MERGE
        )
        return written.object

    async def json_patch(
        self, path: str, steps: Sequence[Mapping[str, Any]], manager: str, *, dry_run: bool = False
    ) -> Object:
        """JSON patch (RFC 6902); a step that sets `/metadata/resourceVersion` is a precondition: ApiError 409."""
        written = await self._write(
            "PATCH", path + _query({"fieldManager": manager} | _dry(dry_run=dry_run)), steps, _JSON_PATCH
        )
        return written.object

    async def post(self, path: str, obj: Object) -> Object:
        """POST to a subresource, such as `…/serviceaccounts/NAME/token`."""
        return (await self._write("POST", path, obj, _JSON)).object

    async def delete(
        self,
        path: str,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: str = "Background",
        dry_run: bool = False,
    ) -> Object | None:
        """DELETE; the object when it is still there and waits for its finalizers, None when it is gone.

        With `uid` or `resource_version`, ApiError 409 `Conflict` when the object is another one by now.
        """
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        if any(preconditions.values()):
            options["preconditions"] = {name: value for name, value in preconditions.items() if value}
        content = await self._send("DELETE", path + _query(_dry(dry_run=dry_run)), _encode(options), _JSON)
        left = self._object(content)
        pending = left.get("kind") != "Status" and left.get("metadata", {}).get("deletionTimestamp")
        return left if pending else None

    async def _write(
        self, method: str, path: str, obj: Any, headers: Mapping[str, str], *, urgent: bool = False
    ) -> Written:
        body = _encode(obj)
        answer = await self._transport.request(method, path, body, headers, urgent=urgent)
        if answer.status >= 300:
            raise self._refused(answer.status, answer.body, path, body)
        return Written(answer.status == 201, self._object(answer.body))

    async def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], *, urgent: bool = False
    ) -> bytes:
        answer = await self._transport.request(method, path, body, headers, urgent=urgent)
        if answer.status >= 300:
            raise self._refused(answer.status, answer.body, path, body)
        return answer.body

    async def _accepting(self, path: str, accept: str) -> Object:
        return self._object(await self._send("GET", path, None, {**_GZIP, "Accept": accept}))

    def _refused(self, status: int, content: bytes, path: str, sent: bytes | None) -> ApiError | Untrusted:
        error = refusal(status, content, path, sent)
        if error.reason == NO_MATCH:
            self._discovery.forget()
        if status == 401:
            hint = "`kubectl get namespaces` renews it" if isinstance(self.connection.credential, AuthProvider) else ""
            return Untrusted("credential-refused", f"{self.connection} does not accept our credential", hint)
        return error

    def _object(self, content: bytes) -> Object:
        try:
            obj = _decode(content)
        except msgspec.DecodeError as error:
            raise Unreachable(
                "not-an-api-server", f"{self.connection} answers with something else than JSON"
            ) from error
        if not isinstance(obj, dict):
            raise Unreachable("not-an-api-server", f"{self.connection} does not answer with an object")
        return obj


@asynccontextmanager
async def connect(connection: Connection) -> AsyncIterator[Client]:
    """Open a connection for as long as the block runs; nothing is sent before the first verb."""
    from reconciler.adapters.kube.transport import opened

    async with opened(connection) as transport:
        yield Client(connection, transport)


def _typed(page: Object) -> list[Object]:
    """The items of a page with their kind, which lists of built-in kinds leave out."""
    kind = {"apiVersion": page["apiVersion"], "kind": page["kind"].removesuffix("List")}
    return [item if "kind" in item else kind | item for item in page.get("items") or ()]


def _query(values: Mapping[str, str]) -> str:
    text = urlencode({name: value for name, value in values.items() if value})
    return f"?{text}" if text else ""


def _dry(*, dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}
