"""What one replica asks of a node: the pod template, as far as room depends on it.

Requests as Kubernetes counts them: containers together, or one init container alone where that is more; init containers
that keep running (sidecars) count with both; the pod's overhead on top. A request that is missing is the limit.
Templates are other people's objects and are read leniently: what has no sense asks for nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model import quantity
from reconciler.model.authored import Toleration
from reconciler.model.objects import Object
from reconciler.scheduling.nodeterms import Term


class Requirements(msgspec.Struct, frozen=True):
    """What a pod asks of its node."""

    requests: tuple[tuple[str, int], ...] = ()
    """Sorted by name: cpu in thousandths, everything else in whole units; only what is more than 0."""
    selector: tuple[Term, ...] = ()
    """Node selector: all must hold."""
    affinity: tuple[tuple[Term, ...], ...] | None = None
    """Required node affinity: all terms of one group must hold. None for none; empty is met by nothing."""
    tolerations: tuple[Toleration, ...] = ()


NOTHING = Requirements()


def of_pod(template: Any) -> Requirements:
    """Requirements of a pod template (`spec.template`)."""
    spec = _mapping(_mapping(template).get("spec"))
    requests = {name: amount for name, amount in sorted(_requests(spec).items()) if amount > 0}
    return Requirements(
        tuple(requests.items()),
        tuple(sorted(Term(str(k), "In", (str(v),)) for k, v in _mapping(spec.get("nodeSelector")).items())),
        _affinity(spec),
        tuple(_tolerations(spec)),
    )


def _requests(spec: Object) -> dict[str, int]:
    """The larger of what runs and of what any moment of the start needs, plus overhead."""
    running: dict[str, int] = {}
    for container in _list(spec.get("containers")):
        _add(running, _of(container))
    sidecars: dict[str, int] = {}
    starting: dict[str, int] = {}
    for container in _list(spec.get("initContainers")):
        if container.get("restartPolicy") == "Always":
            _add(sidecars, _of(container))
            moment = dict(sidecars)
        else:
            moment = dict(sidecars)
            _add(moment, _of(container))
        for name, amount in moment.items():
            starting[name] = max(starting.get(name, 0), amount)
    _add(running, sidecars)
    needed = {name: max(running.get(name, 0), starting.get(name, 0)) for name in running.keys() | starting.keys()}
    _add(needed, _amounts(_mapping(spec.get("overhead"))))
    return needed


def _of(container: Object) -> dict[str, int]:
    resources = _mapping(container.get("resources"))
    return {**_amounts(_mapping(resources.get("limits"))), **_amounts(_mapping(resources.get("requests")))}


def amount_of(name: str, text: Any) -> int | None:
    """An amount as facts have it: cpu in thousandths, the rest in whole units, rounded up. None when unreadable."""
    try:
        billionths = quantity.parse(text).billionths
    except ValueError:
        return None
    return -(-billionths // (10**6 if name == "cpu" else 10**9))


def _amounts(resources: Object) -> dict[str, int]:
    found = {}
    for name, text in resources.items():
        amount = amount_of(name, text) if isinstance(text, str | int) else amount_of(name, str(text))
        if amount is not None and amount >= 0:
            found[str(name)] = amount
    return found


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def _affinity(spec: Object) -> tuple[tuple[Term, ...], ...] | None:
    node = _mapping(_mapping(spec.get("affinity")).get("nodeAffinity"))
    required = node.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not isinstance(required, Mapping):
        return None
    return tuple(group for term in _list(required.get("nodeSelectorTerms")) if (group := tuple(_group(term))))


def _group(term: Object) -> Iterator[Term]:
    """The terms of one group. Facts do not tell nodes apart by name, so one that asks for names is never met."""
    for one in _list(term.get("matchExpressions")):
        values = one.get("values")
        texts = tuple(str(value) for value in values) if isinstance(values, list) else ()
        yield Term(str(one.get("key")), str(one.get("operator")), texts)
    if _list(term.get("matchFields")):
        yield Term("metadata.name", "Unknown")


def _tolerations(spec: Object) -> Iterator[Toleration]:
    for one in _list(spec.get("tolerations")):
        known = {name: one.get(name) for name in ("key", "operator", "value", "effect")}
        try:
            yield msgspec.convert(known, Toleration)
        except msgspec.ValidationError:
            continue


def _mapping(value: Any) -> Object:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Object]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
