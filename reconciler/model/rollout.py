"""In which order a change reaches the clusters: the section `rollouts` of `fleet.yaml`.

What status remembers of a rollout under way is `RolloutStatus` in `model/status.py`.
"""

from typing import Annotated, Literal

from msgspec import Meta

from reconciler.model.applysettings import Duration
from reconciler.model.core import LabelSelector
from reconciler.model.setting import Setting

Part = Annotated[str, Meta(pattern=r"^[0-9]+%?$", description="A number of clusters, or a part of them: `3`, `25%`.")]


Name = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$", description="As the value of a label.")
]


class Window(Setting, frozen=True, kw_only=True):
    """When a group may be changed."""

    days: tuple[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ...] = ()
    """Days of the week; all of them when empty."""
    start: Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "00:00"
    """Time of the day at which it begins."""
    end: Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")] = "24:00"
    """Time of the day at which it ends; before `start` it is one of the next day."""
    time_zone: str = "UTC"
    """Name in the IANA time zone database: `Europe/Berlin`."""


class Group(Setting, frozen=True, kw_only=True):
    """Clusters that are changed together, after the groups before them."""

    name: Name
    """What the timetable calls it."""
    clusters: LabelSelector = LabelSelector()
    """Which clusters; one that several groups select belongs to the first of them."""
    at_once: Part = "100%"
    """How many clusters of it may be on their way at a time."""
    max_failures: Part = "0"
    """So many clusters may fail; one more, and the rollout halts. Clusters that were broken before do not count."""
    soak: Duration = "0s"
    """How long all of it must have been healthy before the next group begins."""
    approval: bool = False
    """Whether somebody must approve before it begins."""
    windows: tuple[Window, ...] = ()
    """When its clusters may be changed; always when empty."""


class Rollout(Setting, frozen=True, kw_only=True):
    """In which order a change of some Subscriptions reaches the clusters. Clusters of no group come last, together."""

    name: Name
    """What messages call it."""
    subscriptions: tuple[str, ...] = ()
    """`namespace/name`, `*` as in a shell; every Subscription when empty."""
    groups: tuple[Group, ...]
    """One after the other."""
    paused: bool = False
    """Nothing new is begun while this is true."""
