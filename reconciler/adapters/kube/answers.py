"""What a refusal of an API server may say to people: its own words, without bodies and without values of Secrets.

API servers echo values that they find invalid, and admission webhooks say what they like, so for Secrets only the
fields and reasons are told.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.errors import ApiError

LATER = frozenset({429, 500, 502, 503, 504})
"""Statuses that say "later" and are worth another try; no other refusal is."""
LONGEST = 512
WITHHELD = "its words are withheld, because they may hold values of the Secret"
NO_MATCH = "NoMatch"
"""Our reason for a 404 that means: this API server does not serve such a kind (or version of it)."""
_SECRET = re.compile(r"^/api/v1/(namespaces/[^/?]+/)?secrets(/|\?|$)")


class Cause(msgspec.Struct, frozen=True):
    """One entry of `details.causes`."""

    reason: str | None = None
    message: str | None = None
    field: str | None = None


class Details(msgspec.Struct, frozen=True):
    """`details` of a Status."""

    name: str | None = None
    causes: tuple[Cause, ...] | None = None


class Status(msgspec.Struct, frozen=True):
    """`metav1.Status`, what we read of it."""

    reason: str | None = None
    message: str | None = None
    details: Details | None = None


_status = msgspec.json.Decoder(Status)


def refusal(status: int, content: bytes, path: str, sent: bytes | None) -> ApiError:
    """The error that an answer of 400 and above means."""
    try:
        said = _status.decode(content)
    except msgspec.MsgspecError:
        said = Status()
    details = said.details or Details()
    reason = said.reason or {404: NO_MATCH, 429: "TooManyRequests"}.get(status, str(status))
    if status == 404 and not details.name and said.reason in (None, "", "NotFound"):
        reason = NO_MATCH
    message = said.message or f"the API server answered {status}"
    if _SECRET.match(path):
        message = _masked(status, message, details, sent)
    return ApiError(status, reason, message if len(message) <= LONGEST else message[: LONGEST - 1] + "…")


def _masked(status: int, message: str, details: Details, sent: bytes | None) -> str:
    causes = details.causes or ()
    conflicts = [cause for cause in causes if cause.reason == "FieldManagerConflict"]
    if conflicts:
        return "; ".join(f"{cause.message}: {cause.field}" for cause in conflicts)
    if causes:
        told = "; ".join(f"{cause.field}: {cause.reason}{_fixed(cause)}" for cause in causes)
        return f"Secret {details.name!r} is refused: {told} ({WITHHELD})"
    if status in (400, 413, 415, 422, 500):
        return f"the API server refused the Secret; {WITHHELD}"
    for value in sorted(set(_values(sent)), key=len, reverse=True):
        message = message.replace(value, "***")
    return message


def _fixed(cause: Cause) -> str:
    """The one word of a refusal that tells what to do and can hold no value."""
    return ", immutable" if "immutable" in (cause.message or "") else ""


def _values(sent: bytes | None) -> Iterator[str]:
    try:
        body = msgspec.json.decode(sent or b"{}")
    except msgspec.DecodeError:
        return
    for member in ("data", "stringData"):
        values = body.get(member) if isinstance(body, Mapping) else None
        for value in values.values() if isinstance(values, Mapping) else ():
            yield from _spellings(value)


def _spellings(value: Any) -> Iterator[str]:
    text = str(value)
    if not text:
        return
    yield text
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return
    if decoded:
        yield decoded
