"""`status.specHash` of a Subscription, by Clusternet's formula (contract `clusternet-apps.md` §1.3).

The spec as Go would write it: declared order of fields, keys of maps sorted, empty members left out, defaults of the
CRD filled in. Its bytes are printed as decimal numbers and hashed with FNV-1a.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.model.authored import Feed, SubscriptionSpec

_OFFSET, _PRIME, _MASK = 0x811C9DC5, 0x01000193, 0xFFFFFFFF
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_FEED = ("kind", "apiVersion", "namespace", "name")
_MAPS = ("matchLabels",)


def spec_hash(spec: SubscriptionSpec) -> int:
    """The hash of a spec."""
    return fnv1a(f"([]uint8)[{' '.join(map(str, go_json(spec)))}]".encode())


def fnv1a(content: bytes) -> int:
    """FNV-1a, 32 bits."""
    value = _OFFSET
    for byte in content:
        value = ((value ^ byte) * _PRIME) & _MASK
    return value


def go_json(spec: SubscriptionSpec) -> bytes:
    """The JSON that Go's encoder writes of a spec."""
    text = msgspec.json.encode(defaulted(spec)).decode()
    for plain, escape in _ESCAPES.items():
        text = text.replace(plain, escape)
    return text.encode()


def defaulted(spec: SubscriptionSpec) -> dict[str, Any]:
    """The spec with the defaults of the CRD, fields in declared order."""
    plain: dict[str, Any] = msgspec.to_builtins(spec)
    dividing = plain.get("dividingScheduling")
    if dividing is not None:
        dynamic = dividing.get("dynamicDividing")
        dividing = {"type": spec.dividing_scheduling.type if spec.dividing_scheduling else "Static"}
        if dynamic is not None:
            dividing["dynamicDividing"] = {"strategy": "Spread", **dynamic}
    filled = {
        "schedulerName": spec.scheduler_name,
        "schedulingBySubGroup": plain.get("schedulingBySubGroup"),
        "schedulingStrategy": spec.scheduling_strategy,
        "dividingScheduling": dividing,
        "priority": plain.get("priority"),
        "preemptionPolicy": spec.preemption_policy or "PreemptLowerPriority",
        "subscribers": plain["subscribers"],
        "clusterTolerations": plain.get("clusterTolerations") or None,
        "feeds": [feed_json(feed) for feed in spec.feeds],
    }
    return {name: _sorted(value) for name, value in filled.items() if value is not None}


def feed_json(feed: Feed) -> dict[str, str]:
    """A feed as Go writes it."""
    plain: Mapping[str, str] = msgspec.to_builtins(feed)
    return {name: plain[name] for name in _FEED if plain.get(name)}


def _sorted(value: Any) -> Any:
    """The value with the keys of maps in order; an empty map is left out."""
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: dict(sorted(member.items())) if name in _MAPS else _sorted(member)
        for name, member in value.items()
        if not (name in _MAPS and not member)
    }
