"""Secrets as they may be shown: their values as fingerprints, equal only for equal values of one run.

A fingerprint is a keyed digest; the key is made for each run, so that nobody can try values against what a log holds.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from reconciler.model.objects import Object

_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""An annotation that holds the whole object once more."""
_DIGITS = 8
_LONG = 6
"""Characters of a secret that is looked for inside other texts; shorter ones are found everywhere."""


def fingerprint(value: str | bytes, salt: bytes) -> str:
    """`<sha256:1a2b3c4d>`."""
    content = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return f"<sha256:{hmac.new(salt, content, hashlib.sha256).hexdigest()[:_DIGITS]}>"


def is_secret(body: Object) -> bool:
    """Whether the values of an object must not be shown."""
    return body.get("kind") == "Secret" and body.get("apiVersion") == "v1"


def veiled(body: Object, salt: bytes | None) -> Object:
    """The object as it may be shown; as it is without a salt, and where nothing is secret.

    Text in `stringData` and its Base64 in `data` have the same fingerprint.
    """
    if salt is None or not is_secret(body):
        return body
    shown = dict(body)
    if _is_mapping(body.get("data")):
        shown["data"] = {name: fingerprint(_decoded(value), salt) for name, value in body["data"].items()}
    if _is_mapping(body.get("stringData")):
        shown["stringData"] = {name: fingerprint(str(value), salt) for name, value in body["stringData"].items()}
    annotations = body["metadata"].get("annotations")
    if _is_mapping(annotations) and _APPLIED in annotations:
        hidden = {**annotations, _APPLIED: fingerprint(str(annotations[_APPLIED]), salt)}
        shown["metadata"] = {**body["metadata"], "annotations": hidden}
    return shown


def _decoded(value: Any) -> bytes:
    text = str(value).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return text


def _is_mapping(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def secret_texts(bodies: Iterable[Object]) -> frozenset[str]:
    """The values of all Secrets among some objects, decoded as far as they are text."""
    found: set[str] = set()
    for body in bodies:
        if is_secret(body):
            data, plain = body.get("data"), body.get("stringData")
            found.update(_decoded(value).decode(errors="replace") for value in _values(data))
            found.update(str(value) for value in _values(plain))
    return frozenset(found - {""})


def concealed(value: Any, secrets: frozenset[str], salt: bytes | None) -> Any:
    """A value without the texts that some Secret holds: values of a chart that end in one."""
    if salt is None or not secrets:
        return value
    if isinstance(value, Mapping):
        return {name: concealed(member, secrets, salt) for name, member in value.items()}
    if isinstance(value, list):
        return [concealed(item, secrets, salt) for item in value]
    plain = value if isinstance(value, str) else str(value)
    hidden = plain in secrets or (isinstance(value, str) and any(len(s) >= _LONG and s in value for s in secrets))
    return fingerprint(plain, salt) if hidden else value


def _values(members: Any) -> Iterable[Any]:
    return members.values() if _is_mapping(members) else ()
