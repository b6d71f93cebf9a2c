"""What pods ask of a node, in whole numbers: cpu in thousandths, everything else in base units.

The rule is that of Kubernetes' scheduler: containers side by side, init containers one after the other beside the
sidecars that started before them, a pod's own amounts instead of the sum, overhead on top. What is not stated is taken
from the limit, as the API server does.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model.objects import Object
from reconciler.model.quantity import Format, Quantity, parse

_THOUSANDTH, _WHOLE = 10**6, 10**9
_Exact = dict[str, int]
"""Billionths by resource."""


def amount(resource: str, quantity: str | int) -> int:
    """A quantity of a resource: thousandths of cpu, bytes of memory, pieces of others; rounded up, as Kubernetes does.

    ValueError when it is no quantity.
    """
    return _rounded(resource, parse(quantity).billionths)


def amounts(listed: Any) -> dict[str, int]:
    """A resource list (`{cpu: 500m, memory: 1Gi}`) in whole numbers. ValueError when one is no quantity."""
    return {name: _rounded(name, exact) for name, exact in _exact(listed).items()}


def quantity_of(resource: str, amount: int) -> str:
    """A whole number of a resource as Kubernetes writes it, exact: `1500m` cpu, `8Gi` of memory."""
    if resource == "cpu":
        return str(Quantity(amount * _THOUSANDTH))
    bytewise = resource in ("memory", "ephemeral-storage") or resource.startswith("hugepages-")
    return str(Quantity(amount * _WHOLE, Format.BINARY if bytewise else Format.DECIMAL))


def requests_of(spec: Object, statuses: Object | None = None) -> dict[str, int]:
    """What a pod with this spec asks for. ValueError when an amount is no quantity.

    `statuses`: the pod's status, for a pod that was resized where it runs; the larger of wish and state counts.
    """
    given = _given(statuses or {})
    whole: _Exact = {}
    for container in _listed(spec.get("containers")):
        _add(whole, _of_container(container, given))
    started: _Exact = {}
    highest: _Exact = {}
    for container in _listed(spec.get("initContainers")):
        own = _of_container(container, given)
        if container.get("restartPolicy") == "Always":
            _add(whole, own)
            _add(started, own)
            own = started
        else:
            _add(own, started)
        _raise(highest, own)
    _raise(whole, highest)
    whole.update(_of_pod(spec.get("resources"), whole))
    _add(whole, _exact(spec.get("overhead")))
    return {name: _rounded(name, exact) for name, exact in whole.items()}


def _of_container(container: Object, given: Mapping[str, list[_Exact]]) -> _Exact:
    resources = _mapping(container.get("resources"))
    wish = _exact(resources.get("limits")) | _exact(resources.get("requests"))
    for state in given.get(str(container.get("name")), ()):
        _raise(wish, state)
    return wish


def _of_pod(resources: Any, containers: _Exact) -> _Exact:
    """Amounts of the pod as a whole, which count instead of the sum of its containers."""
    stated = _mapping(resources)
    limits = {name: exact for name, exact in _exact(stated.get("limits")).items() if name not in containers}
    return limits | _exact(stated.get("requests"))


def _given(status: Object) -> dict[str, list[_Exact]]:
    """What containers hold now, by name."""
    found: dict[str, list[_Exact]] = {}
    for member in ("containerStatuses", "initContainerStatuses"):
        for one in _listed(status.get(member)):
            held = (one.get("allocatedResources"), _mapping(one.get("resources")).get("requests"))
            found[str(one.get("name"))] = [_exact(listed) for listed in held]
    return found


def _exact(listed: Any) -> _Exact:
    stated = _mapping(listed)
    return {name: parse(quantity).billionths for name, quantity in stated.items()} if stated else {}


def _add(into: _Exact, more: Mapping[str, int]) -> None:
    for name, exact in more.items():
        into[name] = into.get(name, 0) + exact


def _raise(into: _Exact, other: Mapping[str, int]) -> None:
    for name, exact in other.items():
        into[name] = max(into.get(name, 0), exact)


def _rounded(resource: str, exact: int) -> int:
    return -(-exact // (_THOUSANDTH if resource == "cpu" else _WHOLE))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())
