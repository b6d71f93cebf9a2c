"""What one replica needs, as Clusternet's FeedInventory tells it (contract `clusternet-apps.md` §3.6).

Of the pod template: node selector, tolerations and affinity as they are; of each resource the larger of what the
containers ask together and what one init container asks. A request that is missing is taken from the limit.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.objects import Object
from reconciler.model.quantity import Quantity, parse


def replica_requirements(template: Any) -> Object:
    """The requirements of a pod template; empty when it is none, amounts that are none are left out."""
    spec = template.get("spec") if isinstance(template, Mapping) else None
    if not isinstance(spec, Mapping):
        return {}
    found = {name: spec[name] for name in ("affinity", "nodeSelector", "tolerations") if spec.get(name)}
    limits = _needed(spec, lambda resources: resources.get("limits") or {})
    requests = _needed(spec, lambda r: {**(r.get("limits") or {}), **(r.get("requests") or {})})
    resources = {name: amounts for name, amounts in (("limits", limits), ("requests", requests)) if amounts}
    return {**found, "resources": resources} if resources else found


def _needed(spec: Object, stated: Any) -> dict[str, str]:
    together: dict[str, Quantity] = {}
    for amounts in _amounts(spec.get("containers"), stated):
        for name, amount in amounts.items():
            together[name] = together[name] + amount if name in together else amount
    for amounts in _amounts(spec.get("initContainers"), stated):
        for name, amount in amounts.items():
            known = together.get(name)
            together[name] = amount if known is None or amount.billionths > known.billionths else known
    return {name: str(amount) for name, amount in sorted(together.items())}


def _amounts(containers: Any, stated: Any) -> Iterable[dict[str, Quantity]]:
    for container in containers if isinstance(containers, list) else ():
        resources = container.get("resources") if isinstance(container, Mapping) else None
        if isinstance(resources, Mapping):
            yield {name: found for name, text in stated(resources).items() if (found := _quantity(text)) is not None}


def _quantity(text: Any) -> Quantity | None:
    try:
        return parse(text)
    except (ValueError, TypeError):
        return None
