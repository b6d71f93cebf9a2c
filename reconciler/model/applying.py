"""How objects are applied: the annotations by which authors say so, on objects and on Subscriptions."""

import enum

import msgspec

APPLY = "reconciler.clusternet.io/apply"
"""On an object: how it is written, one of `Policy`."""
ADOPT = "reconciler.clusternet.io/adopt"
"""On an object or a Subscription: what becomes of an object that is there and not ours, one of `Adopt`."""
ADOPTED = "reconciler.clusternet.io/adopted"
"""On an object of a cluster, put there by us: it was there before us, which its inventory may forget."""
RECREATE = "reconciler.clusternet.io/recreate"
"""On an object: `enabled` lets it be deleted and made anew when an immutable field changes."""
PRUNE = "reconciler.clusternet.io/prune"
"""On an object: `disabled`, in the repo or on the cluster, keeps it when it leaves its feed."""
PROPAGATION = "reconciler.clusternet.io/propagation"
"""On an object: how its dependents are deleted with it, one of `Propagation`."""
WAVE = "reconciler.clusternet.io/wave"
"""On an object: a whole number; lower ones are written, and healthy, before higher ones start. Without it: 0."""
ARGO_WAVE = "argocd.argoproj.io/sync-wave"
"""Argo CD's spelling of `WAVE`, honoured where ours is absent."""
DEPENDS_ON = "reconciler.clusternet.io/depends-on"
"""On a Subscription: names of others (`namespace/name`, or a name of its own namespace), separated by commas."""
ON_REMOVAL = "reconciler.clusternet.io/on-removal"
"""On a Subscription: what becomes of its objects when it, or a cluster of it, goes, one of `Removal`."""
DRIFT = "reconciler.clusternet.io/drift"
"""On a Subscription: what is done about drift, one of `Drift`."""


class Policy(enum.StrEnum):
    """How one object is written (Flux's words)."""

    OVERRIDE = "Override"
    """Our fields are enforced, and what `kubectl apply` and earlier tools left behind is removed."""
    MERGE = "Merge"
    """Our fields are enforced, fields that others added stay."""
    IF_NOT_PRESENT = "IfNotPresent"
    """Made when it is not there, never changed afterwards."""
    IGNORE = "Ignore"
    """Neither written nor deleted."""


class Adopt(enum.StrEnum):
    """What becomes of an object that is there and not ours."""

    NEVER = "never"
    IF_UNOWNED = "if-unowned"
    """Taken over unless another tool, fleet or Subscription says that it is theirs."""
    ALWAYS = "always"


class Propagation(enum.StrEnum):
    """Kubernetes' propagation policies of deletes."""

    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


class Removal(enum.StrEnum):
    """What becomes of objects when their Subscription or cluster goes."""

    DELETE = "delete"
    ORPHAN = "orphan"


class Drift(enum.StrEnum):
    """What `--check-drift` does about an object that somebody else changed."""

    CORRECT = "correct"
    REPORT = "report"


class Wishes(msgspec.Struct, frozen=True):
    """What a Subscription says about how its objects are applied."""

    after: tuple[str, ...] = ()
    """Subscriptions (`namespace/name`) that must be ready on a cluster before this one is written there."""
    adopt: Adopt | None = None
    drift: Drift | None = None
    orphan: bool = False
    """Its objects stay when it, or a cluster of it, goes."""


def whole(text: object) -> int | None:
    """A whole number between -2^31 and 2^31-1; None for all else."""
    try:
        number = int(text) if isinstance(text, str) and text.isascii() and "_" not in text else None
    except ValueError:
        return None
    return number if number is not None and -(2**31) <= number < 2**31 else None
