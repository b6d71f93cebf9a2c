"""Requests over aiohttp: kept connections, deadlines, retries by class of error, one renewal of the credential.

Answers are bytes with their status; what a status means is for `client` to say. Retried are only answers that say
"later" (429, 500, 502, 503, 504) and connections that broke; never another 4xx. This module imports aiohttp, so it is
imported when a connection is opened, not before.
"""

import asyncio
import contextlib
import datetime
import io
import random
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime

import msgspec
from multidict import CIMultiDict
from yarl import URL

from reconciler.adapters import clock
from reconciler.adapters.kube.answers import LATER
from reconciler.adapters.kube.authorized import Authorized
from reconciler.adapters.kube.connection import ClientCertificate, Connection
from reconciler.adapters.kube.credentials import authorize
from reconciler.adapters.kube.lightly import aiohttp
from reconciler.adapters.kube.tls import context_of
from reconciler.model.errors import Unreachable, Untrusted

ATTEMPTS = 5
FIRST_DELAY = 0.2
LONGEST_DELAY = 5.0
LONGEST_WISH = 30.0
"""Seconds of a Retry-After that we follow; who asks for more is tried after this."""
WHOLE_SECONDS = 150.0
"""Within this all attempts of a request begin, so that a run ends whatever servers do."""
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
"""Deadline of one attempt; the API server gives up after 60 seconds itself."""
QUIET_SECONDS = 90.0
"""How long a watch may tell nothing; API servers send a bookmark every minute, so that a dead connection shows."""
IDLE_SECONDS = 30.0
"""How long an idle connection is kept; shorter than what servers and balancers allow, so that we close first."""
_BIG_BODY = 1 << 20

_jitter = random.SystemRandom()


class Answer(msgspec.Struct, frozen=True):
    """What the server answered; the body may hold anything, so it is never printed."""

    status: int
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status})"


class Transport:
    """An open connection: at most `in_flight` requests at once, and any number of watches beside them."""

    def __init__(self, connection: Connection, authorized: Authorized) -> None:
        self._connection = connection
        self._slots = asyncio.Semaphore(connection.in_flight)
        self._renewal = asyncio.Lock()
        self._base = connection.server
        self._proxy = connection.proxy or None
        self._server_name = connection.tls.server_name or None
        self.heard = asyncio.get_running_loop().time()
        """When the server answered last, on the loop's clock; when the connection was opened before that."""
        self._not_before = 0.0
        """When a server that is too busy wants to hear from us again: its flow control holds for all our requests."""
        self._lost: tuple[float, Exception] | None = None
        """When a request was given up while nothing at all was answered, and why."""
        self._use(authorized)

    def _use(self, authorized: Authorized) -> None:
        self._authorized = authorized
        self._stale_at = asyncio.get_running_loop().time() + authorized.lifetime
        headers = [*self._connection.headers, ("Accept", "application/json"), ("User-Agent", "reconciler")]
        if authorized.header:
            headers.append(("Authorization", authorized.header))
        self._session = aiohttp.ClientSession(
            connector=self._connector(authorized.certificate),
            headers=headers,
            skip_auto_headers=("Accept-Encoding", "Content-Type"),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS),
        )

    def _connector(self, certificate: ClientCertificate | None) -> aiohttp.TCPConnector:
        context = context_of(self._connection, certificate) if self._connection.server.startswith("https:") else True
        return aiohttp.TCPConnector(ssl=context, limit=0, keepalive_timeout=IDLE_SECONDS)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], *, urgent: bool = False
    ) -> Answer:
        """One answer, whatever its status, after the retries that its class allows.

        An urgent one does not queue behind those that wait for their turn.
        Untrusted when TLS or the credential fails; Unreachable when no answer comes.
        """
        time = asyncio.get_running_loop().time
        attempt, renewed, asked, began = 0, False, time(), 0.0
        deadline = asked + WHOLE_SECONDS
        while True:
            attempt += 1
            used = await self._fresh()
            wish = 0.0
            try:
                async with contextlib.nullcontext() if urgent else self._slots:
                    self._give_up_with_others(asked)
                    began = began or time()
                    answer, wish = await self._once(method, path, body, headers)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                delay = _delay(attempt, wish)
                if attempt >= ATTEMPTS or time() + delay >= deadline or not _may_repeat(method, error):
                    if self.heard < began and (attempt > 1 or isinstance(error, TimeoutError)):
                        self._lost = time(), error
                    raise self._failed(error) from error
            else:
                if answer.status == 401 and used.renewable and not renewed:
                    renewed = True
                    await self._renew(used, refused=True)
                    continue
                delay = _delay(attempt, wish)
                if answer.status not in LATER or attempt >= ATTEMPTS or time() + delay >= deadline:
                    return answer
                self._heed(answer.status, delay)
            await asyncio.sleep(delay)

    def _heed(self, status: int, delay: float) -> None:
        """Leave a server alone that is too busy; what it says to one request holds for all."""
        if status == 429:
            self._not_before = max(self._not_before, asyncio.get_running_loop().time() + min(delay, LONGEST_WISH * 1.1))

    def _give_up_with_others(self, asked: float) -> None:
        """Who queued behind a request that was given up fails with it, instead of one after the other."""
        if self._lost is not None and self._lost[0] > asked and self._lost[0] > self.heard:
            raise self._failed(self._lost[1])

    async def _fresh(self) -> Authorized:
        """The credential, renewed where it is due; not before the server wants to hear from us again."""
        time = asyncio.get_running_loop().time
        if (pause := self._not_before - time()) > 0:
            await asyncio.sleep(pause + FIRST_DELAY * _jitter.random())
        if time() >= self._stale_at:
            await self._renew(self._authorized)
        return self._authorized

    async def _once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[Answer, float]:
        data = aiohttp.BytesIOPayload(_stream(body)) if body and len(body) > _BIG_BODY else body
        url = URL(self._base + path, encoded=True)
        async with self._session.request(
            method,
            url,
            data=data,
            headers=headers,
            allow_redirects=False,
            proxy=self._proxy,
            server_hostname=self._server_name,
        ) as response:
            self.heard = asyncio.get_running_loop().time()
            content = await response.read()
            self.heard = asyncio.get_running_loop().time()
            wish = response.headers.get("Retry-After", "") if response.status in LATER else ""
            return Answer(response.status, content), wished(wish, clock.now())

    @asynccontextmanager
    async def stream(
        self, path: str, seconds: float, headers: Sequence[tuple[str, str]] = ()
    ) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """Status and chunks of an answer that may take `seconds`; not counted as in flight, never repeated."""
        whole = seconds + CONNECT_SECONDS
        timeout = aiohttp.ClientTimeout(total=whole, sock_connect=CONNECT_SECONDS, sock_read=QUIET_SECONDS)
        url = URL(self._base + path, encoded=True)
        try:
            await self._fresh()
            async with self._session.get(
                url,
                headers=CIMultiDict(headers),
                allow_redirects=False,
                timeout=timeout,
                proxy=self._proxy,
                server_hostname=self._server_name,
            ) as response:
                self.heard = asyncio.get_running_loop().time()
                self._heed(response.status, wished(response.headers.get("Retry-After", ""), clock.now()))
                yield response.status, response.content.iter_any()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._failed(error) from error

    async def _renew(self, used: Authorized, *, refused: bool = False) -> None:
        """Ask the credential again, once for all requests that found it stale."""
        async with self._renewal:
            if self._authorized is not used:
                return
            old, authorized = self._session, await authorize(self._connection.credential, used if refused else None)
            if authorized.certificate == used.certificate:
                old.headers.update({"Authorization": authorized.header} if authorized.header else {})
                self._authorized = authorized
                self._stale_at = asyncio.get_running_loop().time() + authorized.lifetime
                return
            self._use(authorized)
            await old.close()

    def _failed(self, error: Exception) -> Unreachable | Untrusted:
        where = str(self._connection)
        match error:
            case aiohttp.ClientConnectorCertificateError():
                return Untrusted("bad-certificate", f"{where}: {_reason(error.certificate_error)}")
            case aiohttp.ClientConnectorSSLError() | ssl.SSLError() | aiohttp.ServerFingerprintMismatch():
                return Untrusted("tls-failed", f"{where}: {_reason(error)}")
            case TimeoutError():
                return Unreachable("no-answer", f"{where} does not answer in time")
            case aiohttp.ClientConnectorError():
                return Unreachable("unreachable", f"{where} cannot be reached: {error.os_error.strerror or error}")
            case _:
                return Unreachable("connection-lost", f"the connection to {where} broke: {_reason(error)}")


@asynccontextmanager
async def opened(connection: Connection) -> AsyncIterator[Transport]:
    """Ask the credential, make the TLS settings, and close everything at the end. No request is made."""
    transport = Transport(connection, await authorize(connection.credential))
    try:
        yield transport
    finally:
        await transport.close()


def _may_repeat(method: str, error: Exception) -> bool:
    """A refused connection and one that broke may be tried again; a full timeout has waited long enough.

    A broken POST may have been done, so only one that never left is repeated.
    """
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError | TimeoutError):
        return False
    return method != "POST" or isinstance(error, aiohttp.ClientConnectorError)


def _delay(attempt: int, wish: float) -> float:
    if wish:
        return min(wish, LONGEST_WISH) * _jitter.uniform(1.0, 1.1)
    return min(FIRST_DELAY * 2.0 ** (attempt - 1), LONGEST_DELAY) * _jitter.uniform(0.5, 1.0)


def wished(text: str, now: datetime.datetime) -> float:
    """Seconds that a Retry-After asks for: a number, or a date (RFC 9110); 0 for what is neither, or over."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=datetime.UTC)
    return max(0.0, (at - now).total_seconds())


def _reason(error: Exception) -> str:
    return (getattr(error, "verify_message", "") or str(error) or type(error).__name__)[:200]


def _stream(body: bytes) -> io.BytesIO:
    return io.BytesIO(body)
