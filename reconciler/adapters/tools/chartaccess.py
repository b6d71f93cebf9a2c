"""How a chart repository or registry is spoken to, and where credentials may go.

Credentials are sent to the one origin they are for, and never without TLS, except to this machine itself.
"""

from urllib.parse import SplitResult, urlsplit

import msgspec

from reconciler.model.inflation import Fault

_PORTS = {"https": 443, "http": 80}
_HERE = {"localhost", "127.0.0.1", "::1"}


class Access(msgspec.Struct, frozen=True):
    """Credentials, and who is trusted."""

    username: str = ""
    password: str = ""
    token: str = ""
    """A bearer token, instead of user name and password."""
    authorities: str = ""
    """PEM of certificate authorities that are trusted beside the system's."""

    def __repr__(self) -> str:
        return f"Access(credentials={self.given}, authorities={bool(self.authorities)})"

    @property
    def given(self) -> bool:
        """Whether there is anything to keep secret."""
        return bool(self.username or self.password or self.token)


class Unfetched(Exception):
    """A chart that cannot be had, with the fault that says why."""

    def __init__(self, rule: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.fault = Fault(rule, message, hint)


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what must be equal for credentials to be sent."""
    parts = urlsplit(url)
    return parts.scheme.lower(), (parts.hostname or "").lower(), _port(parts)


def covers(url: str, other: str) -> bool:
    """Whether `other` lies below `url`: the same origin, and a path that begins with all of its parts."""
    if origin(url) != origin(other):
        return False
    above = [part for part in urlsplit(url).path.split("/") if part]
    below = [part for part in urlsplit(other).path.split("/") if part]
    return ".." not in below and below[: len(above)] == above


def shown(url: str) -> str:
    """A URL without what may be secret in it."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def check_secrecy(url: str, access: Access, *, plain: bool) -> None:
    """Raises Unfetched where credentials would travel in clear."""
    host = urlsplit(url).hostname or ""
    if access.given and plain and host not in _HERE:
        what = f"credentials are never sent to {host} without TLS"
        raise Unfetched("chart-refused", what, "Use https (without `plainHTTP`), or leave the credentials out.")


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port or _PORTS.get(parts.scheme.lower())
    except ValueError:
        return -1
