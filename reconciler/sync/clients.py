"""Connections that stay open for the length of a program, one per cluster."""

import contextlib

from reconciler.adapters.kube.client import Client, connect
from reconciler.adapters.kube.connection import Connection


class Clients:
    """Connections that stay open for the length of a program, one per cluster."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[Connection, Client]] = {}
        self._stack = contextlib.AsyncExitStack()

    async def get(self, name: str, connection: Connection) -> Client:
        """The open connection of a cluster; a new one when it is reached in another way than before."""
        known = self._open.get(name)
        if known is not None and known[0] == connection:
            return known[1]
        client = await self._stack.enter_async_context(connect(connection))
        self._open[name] = (connection, client)
        return client

    async def aclose(self) -> None:
        """Close all of them."""
        self._open.clear()
        await self._stack.aclose()
