"""The least rights that a fleet needs in a child, computed from the feeds that it renders for that child.

Namespaced kinds get a Role in each namespace that they use. Cluster-wide are only cluster-scoped kinds, and kinds in a
namespace that a feed itself creates, because no Role can stand in a namespace that does not exist yet. RBAC objects in
feeds need `escalate` and `bind`, given for the named roles only; `notes` says so, because whoever holds these can give
itself more.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from reconciler.model.feed import RenderedFeed, RenderedObject
from reconciler.model.inflation import Role
from reconciler.model.inventory import Entry
from reconciler.model.objects import Object

VERBS = ("create", "delete", "get", "list", "patch", "watch")
TO_PRUNE = ("delete", "get", "list", "watch")
RBAC = "rbac.authorization.k8s.io"
_ROLES = {"Role": "roles", "ClusterRole": "clusterroles"}
_BINDINGS = {"RoleBinding", "ClusterRoleBinding"}
_RUN_PODS = {
    *(("apps", kind) for kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")),
    ("batch", "Job"),
}
_LATER = (
    "namespace {} may not be there yet: once it is, a Role in it must allow to list everything before it is deleted, "
    "and pods and events to say why pods do not start"
)
EVERYWHERE = ""
"""In place of a namespace: the rights of a ClusterRole."""

KindKey = tuple[str, str]
"""Group and kind."""
Right = tuple[str, str, str, str]
"""Group, plural, verb, and the name that it is limited to; empty for all."""


class Served(msgspec.Struct, frozen=True):
    """How a kind is served."""

    plural: str
    namespaced: bool


class Rights(msgspec.Struct, frozen=True):
    """Rules of one ClusterRole and of a Role per namespace, as RBAC writes them."""

    rules: Mapping[str, tuple[Object, ...]]
    """By namespace; `EVERYWHERE` for the ClusterRole."""
    notes: tuple[str, ...] = ()
    """What the user should know: rights that are dangerous, kinds and namespaces that are not there."""


class Footing(msgspec.Struct, frozen=True):
    """What the rights depend on in the child."""

    served: Mapping[KindKey, Served]
    namespaces: frozenset[str]
    """Those that exist, or are made first."""
    held: tuple[Entry, ...] = ()
    """What the fleet's inventory holds there: what leaves the feeds must still be pruned."""
    prepared: frozenset[str] = frozenset()
    """Namespaces that feeds create and that whoever gives the rights makes first, so that Roles can stand in them."""
    counted: bool = False
    """Replicas are divided by what is left on its nodes, so that its pods must be listed."""


def made_by(objects: Iterable[RenderedObject]) -> frozenset[str]:
    """Names of the namespaces among these objects."""
    return frozenset(obj.key.name for obj in objects if (obj.key.group, obj.key.kind) == ("", "Namespace"))


def has_charts(feeds: Iterable[RenderedFeed]) -> bool:
    """Whether some object is made by a chart, whose hooks are kept for the time when it leaves."""
    return any(obj.chart for feed in feeds for obj in (*feed.objects, *feed.aside))


def kinds_of(feeds: Iterable[RenderedFeed], held: Iterable[Entry] = ()) -> dict[KindKey, str]:
    """The kinds that feeds use and do not define, and those that are held, each with the API version that is used."""
    objects = list(_objects(feeds))
    used = {(entry.key.group, entry.key.kind): entry.api_version for entry in held}
    used |= {(obj.key.group, obj.key.kind): obj.api_version for obj in objects}
    return {kind: version for kind, version in used.items() if kind not in _defined(objects)}


def rules_for(feeds: Iterable[RenderedFeed], child: Footing) -> Rights:
    """What applying these feeds takes, and pruning what was applied before."""
    objects = list(_objects(feeds))
    known = {**child.served, **_defined(objects)}
    made = made_by(objects) - child.prepared
    granted: dict[str, set[Right]] = defaultdict(set)
    notes = set()
    if child.counted:
        granted[EVERYWHERE].add(("", "pods", "list", ""))
        notes.add("replicas are divided by its room: the account may list the pods of all namespaces")
    for entry in child.held:
        kind, where = known.get((entry.key.group, entry.key.kind)), entry.key.namespace
        if kind is not None and (not where or where in child.namespaces):
            granted[EVERYWHERE if where in made else where] |= _all(TO_PRUNE, entry.key.group, kind)
    for obj in objects:
        kind = known.get((obj.key.group, obj.key.kind))
        if kind is None:
            notes.add(f"the cluster does not serve {obj.key.kind} ({obj.api_version}): no rights for it")
            continue
        where = (obj.key.namespace or "default") if kind.namespaced else EVERYWHERE
        if where in made:
            where = EVERYWHERE
        elif where and where not in child.namespaces:
            notes.add(f"namespace {where} does not exist and no feed creates it: no rights in it")
            continue
        granted[where] |= _all(VERBS, obj.key.group, kind)
        if extra := _beyond(obj):
            granted[where] |= extra
            notes.add(f"{obj.key} is RBAC: the account may {_verbs(extra)} it, and so give itself more rights")
    for space, rights in _looks(objects, child).items():
        granted[space] |= rights
    notes |= {_LATER.format(space) for space in made - child.namespaces}
    return Rights({where: _rules(granted[where]) for where in sorted(granted)}, tuple(sorted(notes)))


def _looks(objects: Iterable[RenderedObject], child: Footing) -> Mapping[str, set[Right]]:
    """What is read beside our own objects, by namespace: what a Namespace would take along, why pods do not start."""
    found: dict[str, set[Right]] = defaultdict(set)
    for key in {obj.key for obj in objects} | {entry.key for entry in child.held}:
        if (key.group, key.kind) == ("", "Namespace") and key.name not in child.prepared:
            found[key.name].add(("*", "*", "list", ""))
        elif (key.group, key.kind) in _RUN_PODS:
            found[key.namespace or "default"] |= {("", "pods", "list", ""), ("", "events", "list", "")}
    return {space: rights for space, rights in found.items() if space in child.namespaces}


def _all(verbs: Iterable[str], group: str, kind: Served) -> set[Right]:
    return {(group, kind.plural, verb, "") for verb in verbs}


def _objects(feeds: Iterable[RenderedFeed]) -> Iterable[RenderedObject]:
    """What is applied, hooks of charts included; their tests are not."""
    return (obj for feed in feeds for obj in (*feed.objects, *feed.aside) if obj.role is not Role.TEST)


def _defined(objects: Iterable[RenderedObject]) -> dict[KindKey, Served]:
    """Kinds whose definitions are in the feeds."""
    found = {}
    for obj in objects:
        if (obj.key.group, obj.key.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition"):
            spec = obj.body.get("spec") or {}
            names = spec.get("names") or {}
            kind = (spec.get("group", ""), names.get("kind", ""))
            found[kind] = Served(names.get("plural", ""), spec.get("scope") == "Namespaced")
    return found


def _beyond(obj: RenderedObject) -> set[Right]:
    """`escalate` for a role that a feed defines, `bind` for one that it binds: both by name."""
    if obj.key.group != RBAC:
        return set()
    if plural := _ROLES.get(obj.key.kind):
        return {(RBAC, plural, "escalate", obj.key.name)}
    if obj.key.kind in _BINDINGS:
        ref = obj.body.get("roleRef") or {}
        plural, name = _ROLES.get(ref.get("kind", "")), ref.get("name")
        # Without a name the rule would hold for every role.
        return {(RBAC, plural, "bind", name)} if plural and name else set()
    return set()


def _verbs(extra: Iterable[Right]) -> str:
    return " and ".join(sorted({verb for _, _, verb, _ in extra}))


def _rules(granted: Iterable[Right]) -> tuple[Object, ...]:
    """Rules in a fixed order; resources of one group with the same verbs and names share one."""
    verbs: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for group, plural, verb, name in sorted(granted):
        verbs[group, name, plural].append(verb)
    shared: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, name, plural), allowed in sorted(verbs.items()):
        shared[group, name, tuple(allowed)].append(plural)
    return tuple(
        rule([group], plurals, allowed, [name] if name else []) for (group, name, allowed), plurals in shared.items()
    )


def rule(
    groups: Sequence[str], resources: Sequence[str], verbs: Sequence[str], named: Sequence[str] = ()
) -> dict[str, Any]:
    """One rule as RBAC writes it."""
    made = {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}
    return made | ({"resourceNames": list(named)} if named else {})
