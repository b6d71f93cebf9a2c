"""Where a rendered object stands in a directory or branch, and its bytes: the same for every way of delivering files.

    <namespace>/<subscription>/<object namespace or _cluster>/<kind.group>_<name>.yaml

Two different objects never share a path, not even on a file system that ignores case; the same object has the same path
and bytes on every machine. kubectl reads the bytes back with identical meaning. Who writes the files is left to others.
"""

import functools
import hashlib
import re
from collections.abc import Sequence
from typing import Any

import yaml

from reconciler.model.objects import Object, ObjectKey

CLUSTER_SCOPED = "_cluster"
"""Stands for the namespace of objects that have none; no encoded namespace starts with an underscore."""
_LONGEST = 95
"""Bytes of one encoded word; two of them with `_` and `.yaml` stay below 200 bytes."""
_SAFE = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
"""Names of devices, which Windows does not give to files."""
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z0-9])|[A-Z][a-z0-9]*[a-z0-9]|[A-Z]+")


@functools.lru_cache(maxsize=65536)
def path_of(subscription: str, key: ObjectKey) -> str:
    """The file of one object of a Subscription (`namespace/name`), relative to the root of its cluster."""
    namespace = word(key.namespace) if key.namespace else CLUSTER_SCOPED
    kind = _kind(f"{key.kind}.{key.group}" if key.group else key.kind)
    return f"{_directory(subscription)}/{namespace}/{kind}_{word(key.name)}.yaml"


def in_directory(cluster: str, subscription: str, key: ObjectKey) -> str:
    """The same file below a directory that holds all clusters, each in a directory of its name."""
    return f"{cluster}/{path_of(subscription, key)}"


@functools.lru_cache(maxsize=4096)
def _directory(subscription: str) -> str:
    namespace, _, name = subscription.partition("/")
    return f"{word(namespace)}/{word(name)}"


@functools.lru_cache(maxsize=65536)
def word(text: str) -> str:
    """A text as a file name: itself where every file system keeps it apart, else legible remains of it and a digest."""
    if len(text) <= _LONGEST and _SAFE.fullmatch(text) and not _RESERVED.fullmatch(text):
        return text
    return _shortened(text)


def _shortened(text: str) -> str:
    remains = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60]
    return f"{remains}~{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


@functools.lru_cache(maxsize=4096)
def _kind(text: str) -> str:
    """`ConfigMap` is `config-map`, `APIService.apiregistration.k8s.io` is `api_service.apiregistration.k8s.io`.

    A word of capitals is followed by `_` and any other by `-`, so that the spelling of a kind can be told from its file
    name; what cannot be spelled so gets a digest.
    """
    kind, dot, group = text.partition(".")
    words = _WORDS.findall(kind)
    name = "".join(_spelled(word) for word in words).removesuffix("-")
    spelled = name + dot + group
    plain = "".join(words) == kind and len(spelled) <= _LONGEST and (not dot or _SAFE.fullmatch(group))
    return spelled if kind and plain else _shortened(text)


def _spelled(word: str) -> str:
    return word.lower() + ("_" if len(word) > 1 and word.isupper() and word.isalpha() else "-")


def digest(content: bytes) -> str:
    """Git's id of a file with this content (SHA-1), so that a tree can be compared without reading its files."""
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


_FIRST = {name: place for place, name in enumerate(("apiVersion", "kind", "metadata", "name", "namespace"))}
_PLAIN = re.compile(r"[A-Za-z_/][-A-Za-z0-9_./]*([ :][-A-Za-z0-9_./]+)*")
_WORDS_OF_YAML = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"))
_BLOCK = re.compile(r"(?![ \t\n])[\n -~\u00a1-\u1fff\u3001-\ud7ff]*[^ \t]")
"""Text whose lines can stand as they are: printable, no white space at either end or before a line's end."""


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - renders share structure, which is no alias
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Plain only where no YAML reader could take it for something else; block style where lines can be kept."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML:
        style = None
    elif "\n" in text and _BLOCK.fullmatch(text) and " \n" not in text:
        style = "|"
    else:
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _members(dumper: _Dumper, members: Object) -> yaml.MappingNode:
    ordered = sorted(members.items(), key=lambda member: (_FIRST.get(member[0], len(_FIRST)), member[0]))
    pairs = [(dumper.represent_data(name), dumper.represent_data(value)) for name, value in ordered]
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=not pairs)


def _items(dumper: _Dumper, items: Sequence[Any]) -> yaml.SequenceNode:
    nodes = [dumper.represent_data(item) for item in items]
    return yaml.SequenceNode("tag:yaml.org,2002:seq", nodes, flow_style=not nodes)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _members)
_Dumper.add_multi_representer(dict, _members)
_Dumper.add_representer(list, _items)
_Dumper.add_representer(tuple, _items)


def serialise(obj: Object) -> bytes:
    """An object as YAML: identity first, then members by name; equal objects have equal bytes."""
    return yaml.dump(obj, Dumper=_Dumper, encoding="utf-8", allow_unicode=True, width=10**9)
