"""Tenants of `fleet.yaml`: each names one account, in a form that clusters know, and has Subscriptions."""

import re
from collections.abc import Iterator
from typing import Final

from reconciler.model.applysettings import Tenant
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Place, Problem
from reconciler.source import hints, layout
from reconciler.source.gather import Gathered
from reconciler.source.rules import problem

_PLACE: Final = Place(layout.SETTINGS_PATH)
_LABEL: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE: Final = re.compile(_LABEL)
_ACCOUNT: Final = re.compile(rf"{_LABEL}/[a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?")
_UNPRINTABLE: Final = re.compile(r"[^\x21-\x7e]")
"""What cannot stand in a header, by which an account is named to an API server."""


def settings_problems(settings: Settings) -> Iterator[Problem]:
    """What is wrong with the accounts themselves."""
    for namespace, tenant in settings.tenants.items():
        path = ("tenants", namespace)
        if not _NAMESPACE.fullmatch(namespace):
            hint = "Write the namespace of the tenant's Subscriptions."
            yield problem("tenant-account", _PLACE, path, f"'{namespace}' cannot be the name of a namespace", hint)
        if (tenant.service_account is None) == (tenant.user is None):
            what = "neither a serviceAccount nor a user" if tenant.user is None else "a serviceAccount and a user"
            yield problem("tenant-account", _PLACE, path, f"the tenant '{namespace}' has {what}")
            continue
        yield from _account(namespace, tenant)


def _account(namespace: str, tenant: Tenant) -> Iterator[Problem]:
    path = ("tenants", namespace)
    account = tenant.service_account
    if account is not None and not _ACCOUNT.fullmatch(account):
        message = f"'{account}' is no service account"
        hint = "Write NAMESPACE/NAME, both in lower case."
        yield problem("tenant-account", _PLACE, (*path, "serviceAccount"), message, hint)
    names = [("user", tenant.user)] if tenant.user is not None else []
    for member, name in (*names, *((f"groups[{index}]", group) for index, group in enumerate(tenant.groups))):
        if not name or _UNPRINTABLE.search(name):
            where = (*path, "user") if member == "user" else (*path, "groups", int(member[7:-1]))
            message = f"tenants.{namespace}.{member} is empty, or holds blanks or letters beyond ASCII"
            yield problem("tenant-account", _PLACE, where, message, "Write a name that a cluster knows.")


def unused(gathered: Gathered) -> Iterator[Problem]:
    """Tenants that nobody is, and tenants where nothing is written as anybody."""
    tenants = gathered.settings.tenants
    known = {name.partition("/")[0] for name in gathered.subscriptions}
    known |= {_namespace(body.get("metadata")) for body in gathered.broken}
    for namespace in tenants:
        if namespace not in known:
            message = f"no Subscription stands in namespace '{namespace}'"
            hint = hints.did_you_mean(namespace, known)
            yield problem("tenant-unused", _PLACE, ("tenants", namespace), message, hint)
    if tenants and gathered.settings.delivery.to != "clusters":
        message = f"tenants have no effect: objects go to {_where(gathered.settings)}, where nobody has rights"
        yield problem("ignored-field", _PLACE, ("tenants",), message)


def _namespace(metadata: object) -> str:
    named = metadata.get("namespace") if isinstance(metadata, dict) else None
    return named if isinstance(named, str) else "default"


def _where(settings: Settings) -> str:
    return "a directory" if settings.delivery.to == "directory" else "branches"
