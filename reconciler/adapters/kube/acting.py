"""One connection used as somebody else: the same requests with impersonation headers, over the same slots.

Who acts as another has only that one's rights: API servers decide about the impersonated user. A connection that
impersonates already cannot do it again.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from multidict import CIMultiDict

if TYPE_CHECKING:
    from reconciler.adapters.kube.transport import Answer, Transport

Headers = tuple[tuple[str, str], ...]


def as_user(user: str, groups: tuple[str, ...] = ()) -> Headers:
    """The headers that make a request somebody else's."""
    return (("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups))


def impersonates(headers: Headers) -> bool:
    """Whether requests with these headers are somebody else's already."""
    return any(name.lower().startswith("impersonate-") for name, _ in headers)


class Acting:
    """A transport whose requests carry more headers. It shares everything else, and is closed with the other."""

    def __init__(self, transport: "Transport | Acting", headers: Headers) -> None:
        self._transport = transport
        self._headers = headers

    @property
    def heard(self) -> float:
        """As `Transport.heard`."""
        return self._transport.heard

    async def request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], *, urgent: bool = False
    ) -> "Answer":
        """As `Transport.request`."""
        both = CIMultiDict([*headers.items(), *self._headers])
        return await self._transport.request(method, path, body, both, urgent=urgent)

    def stream(
        self, path: str, seconds: float, headers: Headers = ()
    ) -> AbstractAsyncContextManager[tuple[int, AsyncIterator[bytes]]]:
        """As `Transport.stream`."""
        return self._transport.stream(path, seconds, (*headers, *self._headers))
