"""Chart repositories over HTTP(S): the index, and archives, bounded in time and size.

helm itself could fetch them, but knows no bearer tokens, trusts a private authority instead of the system's and not
beside them, and tells failures in words only. TLS is always verified. A redirect is followed, with credentials only to
the same origin, and never from https to http.
"""

import asyncio
import base64
import http.client
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
import yaml

from reconciler.adapters.tools.chartaccess import Access, Unfetched, check_secrecy, origin, shown
from reconciler.adapters.tools.chartfiles import LARGEST

PATIENCE = 15.0
"""Seconds of silence after which a server counts as unreachable."""
_DEADLINE = 120.0
"""Seconds for one file."""
_INDEX = 64 << 20
"""Bytes of an index."""
_CHUNK = 1 << 16
_ANEW = "Look at the server; `helm repo index` makes an index anew."
_AGAIN = "This may pass: run again, or look at the server."


class Version(msgspec.Struct, frozen=True):
    """One version of a chart that an index offers."""

    version: str
    url: str = ""
    digest: str = ""
    """SHA-256 of the archive, where the index says it."""


class HttpRepo:
    """One chart repository."""

    def __init__(self, url: str, access: Access, environment: Mapping[str, str]) -> None:
        """`environment` is that of the process, for proxies. Raises Unfetched where credentials would be in clear."""
        check_secrecy(url, access, plain=origin(url)[0] == "http")
        self.url = url if url.endswith("/") else f"{url}/"
        self._access = access
        self._opener = urllib.request.build_opener(
            _Proxies(environment), _Redirects(access), urllib.request.HTTPSHandler(context=_trust(access))
        )

    async def index(self) -> bytes:
        """The index, as it stands there. Raises Unfetched."""
        return await self._get(urljoin(self.url, "index.yaml"), _INDEX)

    async def versions(self, index: bytes, name: str) -> Sequence[Version]:
        """The versions of a chart, in the order of the index; none of a chart that is not in it. Raises Unfetched."""
        try:
            return await asyncio.to_thread(_versions, index, name, self.url)
        except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError) as error:
            raise Unfetched("chart-invalid", f"the index of {shown(self.url)} is no chart index", _ANEW) from error

    async def archive(self, version: Version) -> bytes:
        """The archive of a version. Raises Unfetched."""
        return await self._get(version.url, LARGEST)

    async def provenance(self, version: Version) -> bytes | None:
        """The provenance file of a version; None when there is none. Raises Unfetched."""
        try:
            return await self._get(f"{version.url}.prov", 1 << 20)
        except Unfetched as error:
            if error.fault.rule == "chart-not-found":
                return None
            raise

    async def _get(self, url: str, limit: int) -> bytes:
        return await asyncio.to_thread(self._read, url, limit)

    def _read(self, url: str, limit: int) -> bytes:
        if urlsplit(url).scheme not in ("http", "https"):
            raise Unfetched("chart-invalid", f"the index of {shown(self.url)} names an address without http", _ANEW)
        headers = {"User-Agent": "reconciler", "Accept-Encoding": "identity"}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 the scheme was looked at just now
        if origin(url) == origin(self.url):
            _authorise(request, self._access)
        try:
            with self._opener.open(request, timeout=PATIENCE) as answer:
                return _bounded(answer, limit, shown(url))
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error.code, shown(url)) from None
        except (OSError, http.client.HTTPException) as error:
            raise _silence(error, shown(url)) from None


def _versions(content: bytes, name: str, base: str) -> Sequence[Version]:
    # CBaseLoader is a safe loader that makes text of everything: a version `1.10` stays one
    said = yaml.load(_only(content, name) or content, Loader=yaml.CBaseLoader)  # noqa: S506
    return [_version(entry, base) for entry in said["entries"].get(name) or ()]


def _only(content: bytes, name: str) -> bytes:
    """An index of one chart, cut out of one as helm writes it; nothing where it is written otherwise.

    Reading all of a large index takes seconds.
    """
    begin = re.findall(rb"^entries:\n", content, re.MULTILINE)
    block = rb"^  " + re.escape(name.encode()) + rb":\n(?:  (?:- |  )[^\n]*\n|[ ]*\n)+"
    found = re.findall(block, content, re.MULTILINE)
    return begin[0] + found[0] if len(begin) == len(found) == 1 else b""


def _version(entry: Mapping[str, Any], base: str) -> Version:
    urls = entry.get("urls") or [""]
    digest = str(entry.get("digest") or "").removeprefix("sha256:")
    return Version(str(entry.get("version")), urljoin(base, urls[0]) if urls[0] else "", digest)


def _bounded(answer: Any, limit: int, url: str) -> bytes:
    content = bytearray()
    until = time.monotonic() + _DEADLINE
    while chunk := answer.read(_CHUNK):
        content += chunk
        if len(content) > limit:
            raise Unfetched("chart-invalid", f"{url} is larger than {limit >> 20} MiB", _ANEW)
        if time.monotonic() > until:
            raise TimeoutError
    return bytes(content)


def _refusal(status: int, url: str) -> Unfetched:
    if status in (401, 403, 407):
        hint = "Give credentials: `charts.repositories` or `charts.pullSecrets` in fleet.yaml, or a `chartPullSecret`."
        return Unfetched("chart-refused", f"{url} refuses these credentials, or wants some (HTTP {status})", hint)
    if status in (404, 410):
        return Unfetched("chart-not-found", f"there is no {url} (HTTP {status})", "Correct `repo`.")
    return Unfetched("chart-unreachable", f"{url} answers HTTP {status}", _AGAIN)


def _silence(error: Exception, url: str) -> Unfetched:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        what = f"the certificate of {url} is not trusted: {reason.verify_message}"
        return Unfetched("chart-refused", what, "Name its authority: `charts.repositories[].caFile` in fleet.yaml.")
    if isinstance(reason, TimeoutError):
        return Unfetched("chart-unreachable", f"{url} does not answer in time", _AGAIN)
    why = reason.strerror if isinstance(reason, OSError) and reason.strerror else "the connection broke"
    return Unfetched("chart-unreachable", f"{url} cannot be reached: {why}", _AGAIN)


def _trust(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if access.authorities:
        try:
            context.load_verify_locations(cadata=access.authorities)
        except (ssl.SSLError, ValueError) as error:
            hint = "Correct the file that `charts.repositories[].caFile` names."
            raise Unfetched("chart-refused", "the certificate authorities are no PEM", hint) from error
    return context


def _authorise(request: urllib.request.Request, access: Access) -> None:
    # an unredirected header stays with this request
    if access.token:
        request.add_unredirected_header("Authorization", f"Bearer {access.token}")
    elif access.given:
        pair = base64.b64encode(f"{access.username}:{access.password}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {pair}")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, with credentials only where they belong."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        allowed = ("https",) if urlsplit(req.full_url).scheme == "https" else ("http", "https")
        if urlsplit(newurl).scheme not in allowed:
            hint = "Correct the server, or name the address that it leads to."
            raise Unfetched("chart-refused", f"{shown(req.full_url)} leads to an address without TLS", hint)
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None and origin(newurl) == origin(req.full_url) and req.has_header("Authorization"):
            _authorise(request, self._access)
        return request


class _Proxies(urllib.request.ProxyHandler):
    """Proxies of the environment that we were given."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        lowered = {name.lower(): value for name, value in environment.items() if name.lower().endswith("_proxy")}
        self._without = lowered.get("no_proxy", "")
        super().__init__({sort: lowered[f"{sort}_proxy"] for sort in ("http", "https") if lowered.get(f"{sort}_proxy")})

    def proxy_open(self, req: Any, proxy: str, type: str) -> Any:
        if urllib.request.proxy_bypass_environment(req.host, {"no": self._without}):  # type: ignore[attr-defined]
            return None
        return super().proxy_open(req, proxy, type)
