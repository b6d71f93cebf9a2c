"""The objects of a registration in the child: an account of its own for each fleet, with the rights it is given.

One ClusterRole, the anchor, owns all the others: who deletes it has the child's garbage collector delete the rest, and
the account itself may do that. The namespaces are not owned: others may live there.
"""

from collections.abc import Sequence
from typing import Any

from reconciler.model.objects import Object
from reconciler.registry import names
from reconciler.registry.rights import EVERYWHERE, RBAC, Rights, rule

RBAC_VERSION = f"{RBAC}/v1"


def anchor_name(fleet: str) -> str:
    """Name of the ClusterRole that owns a registration. A colon cannot stand in the id of a fleet."""
    return f"{names.account(fleet)}:upkeep"


def namespaces(inventory: str) -> list[dict[str, Any]]:
    """The namespace of the account, and that of the inventory."""
    found = dict.fromkeys((names.SYSTEM_NAMESPACE, inventory))
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in found]


def anchor(fleet: str, inventory: str) -> dict[str, Any]:
    """The ClusterRole that owns the others: look at nodes and the inventory's namespace, and undo the registration."""
    rules = [
        rule([""], ["nodes"], ["get", "list"]),
        rule([""], ["namespaces"], ["get"], [inventory]),
        rule([RBAC], ["clusterroles"], ["delete", "get"], [anchor_name(fleet)]),
    ]
    return _role(fleet, EVERYWHERE, anchor_name(fleet), rules)


def account(fleet: str, owner: Object) -> dict[str, Any]:
    """The account of a fleet. `owner`: the anchor as the server has it."""
    metadata = _metadata(fleet, names.account(fleet), names.SYSTEM_NAMESPACE) | _owned(owner)
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def keeping(fleet: str, *, charts: bool) -> list[dict[str, Any]]:
    """What keeping inventories of either kind takes in their namespace, with the Lease of the cluster.

    The key of digests of Secrets is read by its name; the right to create cannot be limited to one. `charts`: their
    hooks are kept there too, in a Secret per Subscription.
    """
    verbs = ["create", "delete", "get", "list", "update"]
    key = rule([""], ["secrets"], ["delete", "get"], [names.digest_key(fleet)])
    return [
        rule([""], ["configmaps"], verbs),
        rule(["reconciler.clusternet.io"], ["inventories"], verbs),
        rule([""], ["secrets"], ["create"]),
        rule([""], ["secrets"], ["delete", "get", "patch"]) if charts else key,
        rule(["coordination.k8s.io"], ["leases"], ["create", "delete", "get", "update", "watch"]),
    ]


def upkeep(fleet: str, inventory: str, owner: Object, *, charts: bool) -> list[dict[str, Any]]:
    """What every account may do beside its work: ask for its next token, keep its inventory of either kind, and hold
    the Lease of its cluster.
    """
    name = names.account(fleet)
    token = rule([""], ["serviceaccounts/token"], ["create"], [name])
    return [
        _binding(fleet, EVERYWHERE, anchor_name(fleet), anchor_name(fleet), owner),
        *_bound_role(fleet, names.SYSTEM_NAMESPACE, f"{name}:token", [token], owner),
        *_bound_role(fleet, inventory, f"{name}:inventory", keeping(fleet, charts=charts), owner),
    ]


def granted(fleet: str, rights: Rights, owner: Object) -> list[dict[str, Any]]:
    """Computed rights as a ClusterRole and Roles, each bound to the account."""
    name = names.account(fleet)
    return [obj for where, rules in rights.rules.items() for obj in _bound_role(fleet, where, name, rules, owner)]


def bound(fleet: str, role: str, owner: Object) -> list[dict[str, Any]]:
    """A ClusterRole that exists, bound to the account everywhere."""
    return [_binding(fleet, EVERYWHERE, names.account(fleet), role, owner)]


def _bound_role(fleet: str, where: str, name: str, rules: Sequence[Object], owner: Object) -> list[dict[str, Any]]:
    role = _role(fleet, where, name, rules)
    return [role | {"metadata": role["metadata"] | _owned(owner)}, _binding(fleet, where, name, name, owner)]


def _role(fleet: str, where: str, name: str, rules: Sequence[Object]) -> dict[str, Any]:
    kind = "Role" if where else "ClusterRole"
    return {
        "apiVersion": RBAC_VERSION,
        "kind": kind,
        "metadata": _metadata(fleet, name, where),
        "rules": [dict(one) for one in rules],
    }


def _binding(fleet: str, where: str, name: str, role: str, owner: Object) -> dict[str, Any]:
    return {
        "apiVersion": RBAC_VERSION,
        "kind": "RoleBinding" if where else "ClusterRoleBinding",
        "metadata": _metadata(fleet, name, where) | _owned(owner),
        "roleRef": {"apiGroup": RBAC, "kind": "Role" if where else "ClusterRole", "name": role},
        "subjects": [
            {"kind": "ServiceAccount", "name": names.account(fleet), "namespace": names.SYSTEM_NAMESPACE},
        ],
    }


def _metadata(fleet: str, name: str, where: str) -> dict[str, Any]:
    place = {"namespace": where} if where else {}
    return {"name": name, **place, "labels": names.child_labels(fleet)}


def _owned(owner: Object) -> dict[str, Any]:
    metadata = owner["metadata"]
    reference = {"apiVersion": RBAC_VERSION, "kind": "ClusterRole", "name": metadata["name"], "uid": metadata["uid"]}
    return {"ownerReferences": [reference]}
