"""Whose hands write: one connection to a cluster and what it is told there, ours or that of a tenant."""

from typing import NamedTuple

from reconciler.adapters.kube.client import Client
from reconciler.apply.wait import Watches
from reconciler.planning.health import Assessor


class Hands(NamedTuple):
    """One identity on one cluster."""

    client: Client
    watches: Watches


def hands(client: Client, health: Assessor) -> Hands:
    """The hands of a connection; `health` tells how what it watches is."""
    return Hands(client, Watches(client, health))
