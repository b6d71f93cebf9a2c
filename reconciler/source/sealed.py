"""Objects in files that are encrypted with SOPS: names and structure in clear, values encrypted.

Nothing is decrypted here, nor in any other pure room. The body is what the file holds, without the `sops` member; the
seal says where the plaintext comes from, once the object is on its way to a cluster. The digest is that of the whole
document, `sops` member included, so that new keys count as a change and nothing is decrypted to find out.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from reconciler.model.inflation import Seal
from reconciler.model.objects import BlobId, Object, digest_of
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Problem
from reconciler.source import kinds
from reconciler.source.documents import ParsedFile
from reconciler.source.opening import Opened, opened
from reconciler.source.rules import problem

_ENCRYPTED: Final = "ENC[AES256_GCM,"
_KEYS: Final = ("age", "pgp")
_IN_FILES: Final = ("directory", "branches")


def objects(path: str, blob: BlobId, parsed: ParsedFile, settings: Settings) -> Iterator[Opened]:
    """All objects of a file, those of encrypted documents with their seal."""
    together = len(parsed.documents) > 1 and settings.delivery.to in _IN_FILES
    for found in opened(path, parsed):
        yield _sealed(found, blob, together=together) if is_sealed(found.body) else _checked(found)


def is_sealed(body: Object) -> bool:
    """Whether a document is encrypted with SOPS."""
    sops = body.get("sops")
    return isinstance(sops, Mapping) and "mac" in sops


def _sealed(found: Opened, blob: BlobId, *, together: bool) -> Opened:
    place, body = found.place, found.body
    open_body = {name: value for name, value in body.items() if name != "sops"}
    hidden = _hidden_identity(open_body)
    if hidden is not None:
        message = f"{'.'.join(hidden)} is encrypted, and only values may be"
        told = problem("sealed-identity", place, place.within(*hidden), message)
        return Opened(place, found.line, _identity(open_body), (told,), whole=False)
    problems = [*found.problems, *_key_problems(found, body["sops"])]
    if together:
        message = "an encrypted document that shares its file cannot be delivered into a file of its own"
        problems.append(problem("sealed-together", place, place.within("sops"), message))
    return msgspec.structs.replace(
        found,
        body=open_body,
        problems=tuple(problems),
        whole=found.whole and len(problems) == len(found.problems),
        digest=digest_of(body),
        seal=Seal(place.path, blob, place.document),
    )


def _hidden_identity(body: Object) -> tuple[str, ...] | None:
    """The first field that must be in clear and is encrypted."""
    for name in ("apiVersion", "kind"):
        if _holds(body.get(name)):
            return (name,)
    metadata = body.get("metadata")
    if isinstance(metadata, Mapping):
        return next((("metadata", str(name)) for name, value in metadata.items() if _holds(value)), None)
    return None


def _identity(body: Object) -> Object:
    """What is in clear of what names an object."""
    metadata = body.get("metadata")
    names = metadata if isinstance(metadata, Mapping) else {}
    clear = {name: names[name] for name in ("name", "namespace") if isinstance(names.get(name), str)}
    head = {name: body[name] for name in ("apiVersion", "kind") if isinstance(body.get(name), str)}
    members = {name: value for name, value in head.items() if not _holds(value)}
    return {**members, "metadata": {name: value for name, value in clear.items() if not _holds(value)}}


def _holds(value: Any) -> bool:
    """Whether a value is encrypted, or a mapping holds one that is."""
    if isinstance(value, Mapping):
        return any(_holds(member) for member in value.values())
    return isinstance(value, str) and value.startswith(_ENCRYPTED)


def _key_problems(found: Opened, sops: Mapping[str, Any]) -> Iterator[Problem]:
    groups = sops.get("key_groups")
    holders = [sops, *(group for group in (groups if isinstance(groups, list) else ()) if isinstance(group, Mapping))]
    if not any(holder.get(name) for holder in holders for name in _KEYS):
        where = found.place.within("sops")
        yield problem("sealed-keys", found.place, where, "this file is encrypted for no age and no PGP key")


def _checked(found: Opened) -> Opened:
    """An object that is not encrypted; a Secret with encrypted values was cut out of a file that was."""
    if not found.whole or kinds.type_of(found.body) != ("", "Secret"):
        return found
    for field in ("data", "stringData"):
        if _holds(found.body.get(field)):
            message = f"{field} holds encrypted values, and the document has no `sops` member to decrypt them with"
            told = problem("sealed-without-keys", found.place, found.place.within(field), message)
            return msgspec.structs.replace(found, problems=(*found.problems, told), whole=False)
    return found
