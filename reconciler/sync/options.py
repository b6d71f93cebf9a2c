"""What one invocation of `sync` was asked to do."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from reconciler.adapters.git.revision import Revision
from reconciler.model.objects import Digest
from reconciler.sync.selection import Narrow


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The command line of `sync`, with the environment that it was given in."""

    repo: str
    cache: Path
    environment: Mapping[str, str]
    home: Path
    revision: Revision = Revision()
    path: str = ""
    """Directory of the repo that holds `fleet.yaml`."""
    narrow: Narrow = Narrow()
    wait: bool = True
    timeout: float = 300.0
    """Seconds to wait for readiness."""
    interval: float = 60.0
    """Seconds between two looks at the remote."""
    dry_run: bool = False
    check_drift: bool = False
    acknowledged: frozenset[Digest] = frozenset()
    directory: Path | None = None
    """Deliver here instead of where `fleet.yaml` says."""
