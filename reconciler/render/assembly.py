"""What the feeds of a Subscription make together on some clusters: objects in order, or what clashes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.feed import Read, RenderedObject
from reconciler.model.inflation import Role
from reconciler.model.objects import Digest, ObjectKey, digest_bytes
from reconciler.model.snapshot import Place, Problem
from reconciler.render.chartobjects import namespace_object
from reconciler.render.rendering import Rendering


class Variant(msgspec.Struct, frozen=True):
    """What some clusters get; no objects where an error stopped one of them."""

    objects: tuple[RenderedObject, ...] | None
    digest: Digest
    reads: tuple[Read, ...]
    aside: tuple[RenderedObject, ...] = ()
    claims: Mapping[ObjectKey, ObjectKey] = {}
    """The feed that makes each object and release of a chart."""
    spaces: tuple[str, ...] = ()
    """Namespaces that are made for charts."""
    faults: tuple[Problem, ...] = ()
    at: Mapping[ObjectKey, int] = {}
    """Position of every object."""


class Named(msgspec.Struct, frozen=True):
    """Where a Subscription names its feeds."""

    place: Place
    fields: Mapping[ObjectKey, tuple[str | int, ...]]


def digest_of_objects(objects: Iterable[RenderedObject], aside: Iterable[RenderedObject] = ()) -> Digest:
    """Digest of a feed: its objects, and the hooks among what is aside, for a hook that changes is run."""
    hooks = [found.digest for found in aside if found.role is Role.HOOK]
    return digest_bytes("".join([*[found.digest for found in objects], *(["hooks"] if hooks else []), *hooks]).encode())


def assembled(
    made: Mapping[ObjectKey, Rendering], spaces: Iterable[str], named: Named, reads: tuple[Read, ...]
) -> Variant:
    """What these feeds make, by the key of each feed. `spaces` are the namespaces that nobody else delivers."""
    claims, clashes = _claimed(made)
    faults = (*(fault for one in made.values() for fault in one.faults), *_told(clashes, named))
    if faults or any(one.objects is None for one in made.values()):
        return Variant(None, Digest(""), reads, faults=faults)
    objects = [found for one in made.values() for found in one.objects or ()]
    wanted = {one.namespace for one in made.values()}.intersection(spaces)
    present = {found.key for found in objects} if wanted else set()
    spaced = [found for found in map(namespace_object, sorted(wanted)) if found.key not in present]
    if claims or spaced:
        objects = sorted([*objects, *spaced], key=_by_key)
    aside = tuple(sorted((found for one in made.values() for found in one.aside), key=_by_key))
    return Variant(
        objects=tuple(objects),
        digest=digest_of_objects(objects, aside),
        reads=reads,
        aside=aside,
        claims=claims,
        spaces=tuple(found.key.name for found in spaced),
        at={found.key: position for position, found in enumerate(objects)},
    )


def _by_key(found: RenderedObject) -> Any:
    return found.key, found.digest


_Clashes = dict[tuple[ObjectKey, ObjectKey], list[ObjectKey]]


def _claimed(made: Mapping[ObjectKey, Rendering]) -> tuple[Mapping[ObjectKey, ObjectKey], _Clashes]:
    """Which feed makes what charts make, and what two feeds make."""
    charts = {feed: one for feed, one in made.items() if one.release is not None}
    claims: dict[ObjectKey, ObjectKey] = {}
    clashes: _Clashes = {}
    if charts:
        owner = {found.key: feed for feed, one in made.items() if feed not in charts for found in one.objects or ()}
        for feed, one in charts.items():
            for key in (*((one.release,) if one.release else ()), *(found.key for found in one.objects or ())):
                first = owner.setdefault(key, feed)
                if first == feed:
                    claims[key] = feed
                else:
                    clashes.setdefault((feed, first), []).append(key)
    return claims, clashes


def _told(clashes: _Clashes, named: Named) -> Iterator[Problem]:
    for (feed, first), keys in clashes.items():
        where = named.fields.get(feed, ())
        if keys[0].kind == "Release":
            release = f"{keys[0].namespace}/{keys[0].name}"
            message = f"{chart(feed)} and {chart(first)} are the same Helm release {release} on a cluster"
            yield Problem(named.place, where, "release-twice", message, RELEASE_HINT)
        else:
            message = (
                f"{counted(keys)} of {chart(feed)} {'are' if len(keys) > 1 else 'is'} delivered by {chart(first)} too"
            )
            yield Problem(named.place, where, "delivered-twice", message, "Let one of them deliver it.")


RELEASE_HINT = "Give one of the HelmCharts another name or another `targetNamespace`."


def counted(keys: list[ObjectKey]) -> str:
    """The first of some objects, and how many more there are."""
    more = len(keys) - 1
    return f"{keys[0]}" + (f" and {more} more object{'s' if more > 1 else ''}" if more else "")


def chart(feed: ObjectKey) -> str:
    """A feed as its authors call it."""
    return f"the HelmChart {feed.namespace}/{feed.name}" if feed.kind == "HelmChart" else str(feed)
