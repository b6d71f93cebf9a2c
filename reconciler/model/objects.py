"""Identity, canonical bytes and digest of Kubernetes objects.

Objects of Kubernetes are plain read-only mappings: nothing here or above mutates one, and renders share structure.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NewType

import msgspec

Object = Mapping[str, Any]
"""A Kubernetes object as read from JSON or YAML. Read-only by agreement."""

CommitId = NewType("CommitId", str)
"""40 (or 64) hexadecimal digits of a Git commit."""
BlobId = NewType("BlobId", str)
"""Git's id of a file's content; work trees compute the same id."""
Digest = NewType("Digest", str)
"""First 40 hexadecimal digits of a SHA-256 over canonical JSON."""

_encoder = msgspec.json.Encoder(order="sorted")


class ObjectKey(msgspec.Struct, frozen=True, order=True):
    """What makes two manifests the same object on a cluster. The API version is not part of it."""

    group: str
    kind: str
    namespace: str
    """Empty for cluster-scoped objects."""
    name: str

    def __str__(self) -> str:
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


@lru_cache(maxsize=1 << 12)
def group_of(api_version: str) -> str:
    """The API group of an `apiVersion`; empty for the core group."""
    group, slash, _ = api_version.partition("/")
    return group if slash else ""


def key_of(obj: Object) -> ObjectKey:
    """Identity of a manifest. Precondition: `apiVersion`, `kind` and `metadata.name` are text."""
    metadata = obj["metadata"]
    return ObjectKey(group_of(obj["apiVersion"]), obj["kind"], metadata.get("namespace") or "", metadata["name"])


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: keys sorted, no white space, UTF-8."""
    return _encoder.encode(value)


def digest_of(value: Any) -> Digest:
    """Digest of a value's canonical JSON."""
    return digest_bytes(canonical(value))


def digest_bytes(content: bytes) -> Digest:
    """Digest of bytes that are canonical already."""
    return Digest(hashlib.sha256(content).hexdigest()[:40])
