"""Names that a shell completes: the clusters and Subscriptions that the files of the work tree hold."""

import asyncio
import contextlib
from pathlib import Path

from reconciler.model.errors import ReconcilerError
from reconciler.model.snapshot import Snapshot
from reconciler.sync import reading
from reconciler.sync.options import Options


def clusters(options: Options, incomplete: str) -> list[str]:
    """Names of declared clusters that begin so."""
    snapshot = _snapshot(options)
    names = [sourced.value.name for sourced in snapshot.clusters.values()] if snapshot else []
    return sorted(name for name in names if name.startswith(incomplete))


def subscriptions(options: Options, incomplete: str) -> list[str]:
    """Names (`namespace/name`) of Subscriptions that begin so, or whose bare name does."""
    snapshot = _snapshot(options)
    names = list(snapshot.subscriptions) if snapshot else []
    found = [name for name in names if name.startswith(incomplete)]
    return found or [name.partition("/")[2] for name in names if name.partition("/")[2].startswith(incomplete)]


def _snapshot(options: Options) -> Snapshot | None:
    """What the work tree says; None when there is none that can be read: a shell is told nothing then."""
    with contextlib.suppress(ReconcilerError, OSError):
        if Path(options.repo).is_dir():
            return asyncio.run(reading.snapshot_of(options))
    return None
