"""Who a tenant is to an API server, and what it takes to act as it.

A ServiceAccount is impersonated without groups where its author adds none: the API server then gives it those that
Kubernetes gives it itself (`system:serviceaccounts`, that of its namespace, `system:authenticated`), and no right to
impersonate groups is needed. Groups that are sent replace these, so that then all of them are sent.
"""

from typing import Any

import msgspec

from reconciler.model.applysettings import Tenant

SERVICE_ACCOUNT = "system:serviceaccount:"


class Identity(msgspec.Struct, frozen=True):
    """A user of clusters, with the groups that are sent with its name."""

    user: str
    groups: tuple[str, ...] = ()

    @property
    def account(self) -> tuple[str, str] | None:
        """Namespace and name of the ServiceAccount that it is; None for other users."""
        namespace, _, name = self.user.removeprefix(SERVICE_ACCOUNT).partition(":")
        return (namespace, name) if self.user.startswith(SERVICE_ACCOUNT) and name else None

    @property
    def subject(self) -> dict[str, Any]:
        """How a binding names it."""
        if self.account:
            namespace, name = self.account
            return {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        return {"kind": "User", "name": self.user, "apiGroup": "rbac.authorization.k8s.io"}

    @property
    def needs(self) -> tuple[str, ...]:
        """In words, the rules that let somebody act as it."""
        told = []
        if self.account:
            namespace, name = self.account
            told.append(f"a Role in namespace {namespace} with verb impersonate on serviceaccounts {name}")
        else:
            told.append(f"a ClusterRole with verb impersonate on users {self.user}")
        if self.groups:
            told.append(f"a ClusterRole with verb impersonate on groups {', '.join(self.groups)}")
        return tuple(told)


def identity_of(tenant: Tenant) -> Identity:
    """Who a tenant is. The settings have been checked: it names exactly one account."""
    if tenant.service_account is None:
        return Identity(tenant.user or "", tenant.groups)
    namespace, _, name = tenant.service_account.partition("/")
    user = f"{SERVICE_ACCOUNT}{namespace}:{name}"
    if not tenant.groups:
        return Identity(user)
    return Identity(user, ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", *tenant.groups))
