"""What one delivery brings: the namespaces and kinds that objects of it may have to wait for."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from reconciler.model.feed import RenderedFeed
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import Change


class Expected(msgspec.Struct, frozen=True):
    """What one delivery brings, so that a refusal for the lack of it is worth waiting for."""

    namespaces: frozenset[str] = frozenset()
    kinds: frozenset[tuple[str, str]] = frozenset()
    definitions: Mapping[tuple[str, str], str] = {}
    """Names of the definitions of these kinds."""

    def covers(self, key: ObjectKey) -> bool:
        """Whether the namespace or the kind of an object is among it."""
        return key.namespace in self.namespaces or (key.group, key.kind) in self.kinds


def expected_of(feeds: Iterable[RenderedFeed]) -> Expected:
    """The namespaces and kinds that feeds define."""
    objects = [obj for feed in feeds for obj in feed.objects]
    spaces = frozenset(obj.key.name for obj in objects if obj.key.kind == "Namespace" and not obj.key.group)
    found = ((defined(obj.body), obj.key.name) for obj in objects if obj.key.kind == "CustomResourceDefinition")
    definitions = {kind: name for kind, name in found if kind}
    return Expected(spaces, frozenset(definitions), definitions)


def defined(definition: Object) -> tuple[str, str] | None:
    """Group and kind that a CustomResourceDefinition defines; None when it does not say."""
    spec = definition.get("spec") or {}
    group, kind = spec.get("group"), (spec.get("names") or {}).get("kind")
    return (group, kind) if group and kind else None


def brings(change: Change) -> Iterator[str | tuple[str, str]]:
    """What others lack when this fails: a namespace by its name, a kind by its group and name."""
    if change.key.kind == "Namespace" and not change.key.group:
        yield change.key.name
    kind = defined(change.wanted.body) if change.wanted and is_definition(change.key) else None
    if kind:
        yield kind


def lacks(key: ObjectKey, failed: set[str | tuple[str, str]]) -> str:
    """What an object lacks of what failed, in words; empty when nothing."""
    if key.namespace and key.namespace in failed:
        return f"Namespace {key.namespace} could not be written"
    if (key.group, key.kind) in failed:
        return f"the definition of {key.kind} could not be written"
    return ""


def is_definition(key: ObjectKey) -> bool:
    """Whether an object defines a kind."""
    return key.kind == "CustomResourceDefinition"
