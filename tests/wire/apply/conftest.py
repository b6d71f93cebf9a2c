"""Places to deliver to: straight to a child, or through a fault proxy in front of it."""

from collections.abc import Iterator

import pytest

from tests.plugins.faults import FaultProxy
from tests.plugins.fleet import Fleet
from tests.wire.apply.place import Place


@pytest.fixture
def place(fleet: Fleet, namespace: str) -> Place:
    child = fleet.children[0]
    return Place(child, namespace, namespace, child.kubeconfig)


@pytest.fixture
def proxy(fleet: Fleet) -> Iterator[FaultProxy]:
    with FaultProxy(fleet.children[0], seed=11) as running:
        yield running


@pytest.fixture
def behind(proxy: FaultProxy, namespace: str) -> Place:
    """The same child behind the proxy, which counts requests even where it injects nothing."""
    return Place(proxy.cluster, namespace, namespace, proxy.kubeconfig)
