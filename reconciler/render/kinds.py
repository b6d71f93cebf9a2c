"""Feeds that are more than one object: HelmCharts."""

from reconciler.model.authored import Feed, HelmChart
from reconciler.model.snapshot import Snapshot, Sourced


def chart_named_by(feed: Feed, snapshot: Snapshot) -> Sourced[HelmChart] | None:
    """The HelmChart that a feed names; None when it names something else, or one that is not there."""
    if feed.kind != "HelmChart" or not feed.api_version.startswith("apps.clusternet.io/"):
        return None
    sourced = snapshot.charts.get(f"{feed.namespace or 'default'}/{feed.name}")
    return sourced if sourced is not None and sourced.value.api_version == feed.api_version else None
