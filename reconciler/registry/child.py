"""The objects of a registration in the child: an account of its own for each fleet, with the rights it is given."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.model.objects import Object
from reconciler.registry import names
from reconciler.registry.rights import EVERYWHERE, RBAC, Rights, rule

_RBAC_VERSION = f"{RBAC}/v1"


def namespaces(inventory: str) -> list[dict[str, Any]]:
    """The namespace of the account, and that of the inventory. Neither is ever deleted by us: others may live there."""
    found = dict.fromkeys((names.SYSTEM_NAMESPACE, inventory))
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in found]


def account(fleet: str) -> dict[str, Any]:
    """The account of a fleet."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(fleet, names.SYSTEM_NAMESPACE)}


def upkeep(fleet: str, inventory: str) -> list[dict[str, Any]]:
    """What every account may do: ask for its next token, keep its inventory, and look at nodes and its namespace."""
    name = names.account(fleet)
    token = rule([""], ["serviceaccounts/token"], ["create"], [name])
    kept = rule([""], ["configmaps"], ["create", "delete", "get", "list", "patch", "update", "watch"])
    look = rule([""], ["nodes"], ["get", "list"])
    there = rule([""], ["namespaces"], ["get"], [inventory])
    return [
        *_role(fleet, names.SYSTEM_NAMESPACE, [token], ":token"),
        *_role(fleet, inventory, [kept], ":inventory"),
        *_role(fleet, EVERYWHERE, [look, there], ":upkeep"),
    ]


def granted(fleet: str, rights: Rights) -> list[dict[str, Any]]:
    """Computed rights as a ClusterRole and Roles, each bound to the account."""
    return [obj for where, rules in rights.rules.items() for obj in _role(fleet, where, list(rules))]


def bound(fleet: str, role: str) -> list[dict[str, Any]]:
    """A ClusterRole that exists, bound to the account everywhere."""
    return [_binding(fleet, EVERYWHERE, names.account(fleet), role)]


def _role(fleet: str, where: str, rules: Sequence[Object], suffix: str = "") -> list[dict[str, Any]]:
    # A colon cannot stand in a fleet's id, so that the roles of two fleets never have one name.
    name = names.account(fleet) + suffix
    kind = "Role" if where else "ClusterRole"
    metadata = _metadata(fleet, where) | {"name": name}
    role = {"apiVersion": _RBAC_VERSION, "kind": kind, "metadata": metadata, "rules": list(rules)}
    return [role, _binding(fleet, where, name, name)]


def _binding(fleet: str, where: str, name: str, role: str) -> dict[str, Any]:
    return {
        "apiVersion": _RBAC_VERSION,
        "kind": "RoleBinding" if where else "ClusterRoleBinding",
        "metadata": _metadata(fleet, where) | {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "Role" if where else "ClusterRole", "name": role},
        "subjects": [
            {"kind": "ServiceAccount", "name": names.account(fleet), "namespace": names.SYSTEM_NAMESPACE},
        ],
    }


def _metadata(fleet: str, where: str) -> dict[str, Any]:
    place: Mapping[str, str] = {"namespace": where} if where else {}
    return {"name": names.account(fleet), **place, "labels": names.child_labels(fleet)}
