"""Checks of the feeds of Subscriptions: there are some, each names an object of the repo, none names it twice."""

from collections.abc import Iterator, Sequence
from itertools import chain

from reconciler.model.authored import Feed
from reconciler.model.objects import ObjectKey
from reconciler.model.snapshot import NamedFeed
from reconciler.source import kinds
from reconciler.source.gather import Fault, Finding, Gathered
from reconciler.source.kustomizations import is_kustomization
from reconciler.source.references import References


def check(gathered: Gathered, references: References) -> Iterator[Finding]:
    """All findings about feeds; each concerns its Subscription."""
    for name, sourced in gathered.subscriptions.items():
        searched = gathered.searches.get(name)
        faults = chain(_faults(gathered.named[name], references, listed=searched is None), searched or ())
        for rule, field, message, hint in faults:
            yield Finding(gathered.problem(rule, sourced.place, field, message, hint), kinds.subscription(name))


def _faults(feeds: Sequence[NamedFeed], references: References, *, listed: bool) -> Iterator[Fault]:
    if not feeds and listed:
        # an empty render never prunes by accident
        yield "feeds-empty", ("spec", "feeds"), "this Subscription has no feeds", ""
    seen: dict[ObjectKey, int] = {}
    for index, named in enumerate(feeds):
        field = named.field
        first = seen.setdefault(named.feed.object, index)
        if first != index:
            yield "feed-duplicate", field, f"{named.feed.object} is named twice in this Subscription", ""
            continue
        if named.via or is_kustomization(named.feed):
            continue  # told where it is built
        fault = _fault(named.feed, references)
        if fault is not None:
            rule, part, message, hint = fault
            yield rule, field + part, message, hint


def _fault(feed: Feed, references: References) -> Fault | None:
    key = feed.object
    if (key.group, key.kind) in kinds.FLEET_KINDS:
        return "feed-control-kind", ("kind",), f"{key} is a control object, which stays in the repo", ""
    if key not in references.versions or key in references.built:
        if references.is_broken(key):
            return None
        return "feed-not-found", ("name",), f"{key} is not in the repo", references.missing_hint(feed)
    version = references.other_version(feed)
    if version:
        hint = f"Write `apiVersion: {version}`."
        return "feed-version", ("apiVersion",), f"{key} is {version} in the repo, not {feed.api_version}", hint
    return None
