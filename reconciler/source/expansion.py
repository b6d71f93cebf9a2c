"""Which feeds a Subscription has: those that it lists, in order."""

from reconciler.model.snapshot import NamedFeed
from reconciler.source.gather import Gathered


def named(gathered: Gathered) -> dict[str, tuple[NamedFeed, ...]]:
    """All feeds by Subscription, in sorted order of their names."""
    return {
        name: tuple(NamedFeed(feed, ("spec", "feeds", i)) for i, feed in enumerate(sourced.value.spec.feeds))
        for name, sourced in sorted(gathered.subscriptions.items())
    }
