"""The wire of the fault proxy: an aiohttp server and client in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import aiohttp
from aiohttp import web
from yarl import URL

from tests.plugins.fleet import Cluster
from tests.plugins.proxy_credentials import client_tls, server_tls

if TYPE_CHECKING:
    from tests.plugins.faults import Fault

_T = TypeVar("_T")
_NOT_FORWARDED = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "host", "content-length"}
_REASONS = {410: "Expired", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}
_UNLIMITED = aiohttp.ClientTimeout(total=None, sock_connect=10)


class ProxyServer:
    """Forwards requests to the cluster's API server as `decide(method, path)` says."""

    def __init__(self, cluster: Cluster, scratch: Path, decide: Callable[[str, str], Fault]) -> None:
        self.port = 0
        self._upstream = cluster
        self._scratch = scratch
        self._decide = decide
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._site: web.TCPSite | None = None

    def start(self) -> None:
        self._thread.start()
        self._run(self._open())

    def stop(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def refuse(self) -> None:
        self._run(self._stop_listening())
        self.reset_connections()

    def accept(self) -> None:
        self._run(self._listen())

    def reset_connections(self) -> int:
        return self._run(self._reset_all())

    def _run(self, coroutine: Coroutine[None, None, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _open(self) -> None:
        self._tls = server_tls(self._upstream, self._scratch)
        self._sessions = {
            administrator: aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=client_tls(self._upstream, administrator=administrator), limit=0),
                timeout=_UNLIMITED,
                auto_decompress=False,
            )
            for administrator in (True, False)
        }
        self._web = web.Server(self._answer, handler_cancellation=True)
        self._runner = web.ServerRunner(self._web, shutdown_timeout=0)
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        if self._site is None:
            self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls)
            await self._site.start()
            self.port = self._runner.addresses[0][1]

    async def _stop_listening(self) -> None:
        if self._site is not None:
            await self._site.stop()
            self._site = None

    async def _close(self) -> None:
        await self._stop_listening()
        await self._reset_all()
        await self._runner.cleanup()
        for session in self._sessions.values():
            await session.close()

    async def _reset_all(self) -> int:
        transports = [connection.transport for connection in self._web.connections]
        for transport in transports:
            _reset(transport)
        return sum(transport is not None for transport in transports)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        fault = self._decide(request.method, request.raw_path)
        await asyncio.sleep(fault.delay)
        if fault.cut_request:
            return _cut(request)
        if fault.status is not None and not fault.work_first:
            return _refusal(fault.status, fault.retry_after, fault.body)
        try:
            return await self._forward(request, fault)
        except aiohttp.ClientError:
            return _cut(request)

    async def _forward(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _NOT_FORWARDED]
        session = self._sessions["Authorization" not in request.headers]
        url = URL(self._upstream.server + request.raw_path, encoded=True)
        body = await request.content.read()
        async with session.request(request.method, url, headers=headers, data=body or None) as upstream:
            await asyncio.sleep(fault.stall)
            if fault.status is not None:
                return _refusal(fault.status, fault.retry_after, fault.body)
            if fault.cut_answer_after == 0:
                return _cut(request)
            kept = [(name, value) for name, value in upstream.headers.items() if name.lower() not in _NOT_FORWARDED]
            answer = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=kept)
            await answer.prepare(request)
            left = fault.cut_answer_after
            async for chunk in upstream.content.iter_any():
                await _send(answer, chunk if left is None else chunk[:left], fault.bytes_per_second)
                if left is not None and (left := left - len(chunk)) <= 0:
                    return _cut(request)
            await answer.write_eof()
            return answer


async def _send(answer: web.StreamResponse, chunk: bytes, bytes_per_second: int) -> None:
    """Write in tenths of a second's worth, so that a slow answer flows evenly."""
    if not bytes_per_second:
        await answer.write(chunk)
        return
    portion = max(1, bytes_per_second // 10)
    for start in range(0, len(chunk), portion):
        part = chunk[start : start + portion]
        await answer.write(part)
        await asyncio.sleep(len(part) / bytes_per_second)


def _refusal(status: int, retry_after: int | None, body: str | None) -> web.Response:
    """What an API server itself would say: a Status object; or what a test wants it to say."""
    content = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": "injected by the fault proxy",
        "reason": _REASONS.get(status, ""),
        "code": status,
    }
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    text = json.dumps(content) if body is None else body
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")


def _cut(request: web.BaseRequest) -> web.Response:
    """Reset the connection; the response is for aiohttp alone and never leaves."""
    _reset(request.transport)
    return web.Response()


def _reset(transport: asyncio.BaseTransport | None) -> None:
    """Close so that the peer sees a reset, not an orderly end."""
    if not isinstance(transport, asyncio.Transport):
        return
    open_socket = transport.get_extra_info("socket")
    if open_socket is not None and open_socket.fileno() >= 0:
        open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
