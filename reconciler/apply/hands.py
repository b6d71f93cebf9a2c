"""Whose hands write: one connection to a cluster and what it is told there, ours or that of a tenant."""

from typing import NamedTuple

from reconciler.adapters.kube.client import Client
from reconciler.apply.wait import Watches


class Hands(NamedTuple):
    """One identity on one cluster."""

    client: Client
    watches: Watches


def hands(client: Client) -> Hands:
    """The hands of a connection."""
    return Hands(client, Watches(client))
