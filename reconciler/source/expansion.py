"""Which feeds a Subscription has: those that it lists, in order, then those that it finds by path or label."""

from collections.abc import Iterable, Iterator

from reconciler.model.authored import Feed
from reconciler.model.objects import ObjectKey
from reconciler.model.snapshot import NamedFeed, Severity
from reconciler.source import feedsfrom, kinds
from reconciler.source.gather import Gathered


def named(gathered: Gathered, paths: Iterable[str], kustomizations: frozenset[str]) -> dict[str, tuple[NamedFeed, ...]]:
    """All feeds by Subscription, in sorted order of their names; kustomizations are still closed.

    `paths` are all files that are not ignored, `kustomizations` the directories that belong to kustomize.
    What is wrong with a search is left in `gathered.searches`.
    """
    feeds = {
        name: tuple(NamedFeed(feed, ("spec", "feeds", i)) for i, feed in enumerate(sourced.value.spec.feeds))
        for name, sourced in sorted(gathered.subscriptions.items())
    }
    searches = {name: feedsfrom.search(sourced.value.metadata) for name, sourced in gathered.subscriptions.items()}
    if any(search is not None for search in searches.values()):
        shelf = feedsfrom.Shelf(_shelved(gathered), paths, kustomizations, _troubled(gathered))
        for name, search in searches.items():
            if search is not None:
                found, faults = shelf.found(search)
                gathered.searches[name] = tuple(faults)
                feeds[name] += tuple(_beside(feeds[name], found))
    return feeds


def _beside(listed: Iterable[NamedFeed], found: Iterable[tuple[Feed, str]]) -> Iterator[NamedFeed]:
    known = {named.feed.object for named in listed}
    for feed, annotation in found:
        if feed.object not in known:
            yield NamedFeed(feed, ("metadata", "annotations", annotation))


def _shelved(gathered: Gathered) -> Iterator[feedsfrom.Shelved]:
    for key, resource in gathered.resources.items():
        if (key.group, key.kind) not in kinds.HUB_KINDS:
            labels = resource.body["metadata"].get("labels") or {}
            yield feedsfrom.Shelved(resource.place.path, _feed(resource.api_version, key), labels)
    for name, chart in gathered.charts.items():
        metadata = chart.value.metadata
        key = ObjectKey(kinds.APPS, chart.value.kind, name.partition("/")[0], metadata.name)
        yield feedsfrom.Shelved(chart.place.path, _feed(chart.value.api_version, key), metadata.labels or {})


def _feed(api_version: str, key: ObjectKey) -> Feed:
    return Feed(api_version=api_version, kind=key.kind, namespace=key.namespace or None, name=key.name)


def _troubled(gathered: Gathered) -> Iterator[str]:
    """Files where something is wrong already, so that what is missing there is no news."""
    for found in gathered.findings:
        if found.problem.severity is Severity.ERROR:
            yield found.problem.place.path
