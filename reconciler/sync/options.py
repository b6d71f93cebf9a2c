"""What one invocation of `sync` was asked to do."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from reconciler.adapters.git.revision import Revision
from reconciler.model.objects import Digest
from reconciler.model.settings import Signatures


class Narrow(msgspec.Struct, frozen=True):
    """What the command line asked for; everything when nothing was named."""

    clusters: frozenset[str] = frozenset()
    """Names or ids of clusters."""
    subscriptions: frozenset[str] = frozenset()
    """`namespace/name`, or a bare name in any namespace."""
    selector: str = ""
    """Label selector over clusters, in kubectl's syntax."""

    @property
    def everything(self) -> bool:
        """True when the run is not narrowed at all."""
        return not (self.clusters or self.subscriptions or self.selector)


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
    lease_timeout: float = 60.0
    """Seconds to wait for another run that works on a cluster; 0 leaves at once."""
    stays: bool = False
    """The program follows the repo, and keeps its Leases from one run to the next."""
    interval: float = 60.0
    """Seconds between two looks at the remote."""
    dry_run: bool = False
    check_drift: bool = False
    revert_commit: bool = False
    """Prepare a revert, as a commit on a branch, of what a rollout halted over."""
    acknowledged: frozenset[Digest] = frozenset()
    directory: Path | None = None
    """Deliver here instead of where `fleet.yaml` says."""
    offline: bool = False
    """Fetch no charts."""
    trusted: Signatures | None = None
    """Signing keys that the operator vouches for: what is trusted where no earlier run is remembered."""


def cache_directory(environment: Mapping[str, str], home: Path) -> Path:
    """Where blobs and mirrors are remembered; may be deleted at any time."""
    named = environment.get("RECONCILER_CACHE")
    return Path(named) if named else Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "reconciler"
