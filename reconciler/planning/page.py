"""The status of a fleet as a page of Markdown, as a code host shows it: bounded in size, the worst first."""

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
from markupsafe import Markup

from reconciler.model.status import FleetStatus, State, UnitStatus
from reconciler.planning import fold

if TYPE_CHECKING:
    from jinja2 import Template

ROWS = 200
"""Rows of a table; the rest is counted, and is in the files beside the page."""
FAILURES = 50
_TEXT = 160
"""Characters of a message."""
_RANK = {str(state): rank for rank, state in enumerate(State)}

_TEMPLATE = """\
# Fleet {{ fleet | md }}

{{ clusters | length }} clusters, {{ subscriptions | length }} Subscriptions, {{ units }} deliveries
{%- if commit %}, source commit `{{ commit[:12] }}`{% endif %}: {{ summary }}.

## Clusters

| Cluster | Ready | State | Message |
|---|---:|---|---|
{% for row in clusters[:rows] -%}
| [{{ row.name | md }}]({{ row.path }}) | {{ row.good }}/{{ row.total }} | {{ row.state }} | {{ row.message | md }} |
{% endfor -%}
{% if clusters | length > rows %}
{{ clusters | length - rows }} more clusters, none in a worse state: [clusters](clusters).
{% endif %}
## Subscriptions

| Subscription | Ready | State | Message |
|---|---:|---|---|
{% for row in subscriptions[:rows] -%}
| [{{ row.name | md }}]({{ row.path }}) | {{ row.good }}/{{ row.total }} | {{ row.state }} | {{ row.message | md }} |
{% endfor -%}
{% if subscriptions | length > rows %}
{{ subscriptions | length - rows }} more Subscriptions, none in a worse state: [subscriptions](subscriptions).
{% endif -%}
{% if failures %}
## Failures

{% for failure in failures[:most] -%}
- **{{ failure.cluster | md }}**, {{ failure.subscription | md }}: {{ failure.object | md }}
  {{- " (" ~ failure.reason ~ ")" if failure.reason }}: {{ failure.message | md }}
{% endfor -%}
{% if failures | length > most %}
{{ failures | length - most }} more failures are in the files of the clusters.
{% endif -%}
{% endif %}
Written by reconciler; changes by hand are overwritten.
"""

_SPECIAL = re.compile(r"([\\\\`*_{}\[\]<>|~#])")


def write(status: FleetStatus, paths: Mapping[str, str], subscriptions: Mapping[str, str]) -> bytes:
    """The page of a status; `paths` and `subscriptions` are the files of clusters, by id, and of Subscriptions."""
    text = _template().render(
        fleet=status.fleet,
        commit=status.commit,
        units=len(status.units),
        clusters=_clusters(status, paths),
        subscriptions=_subscriptions(status, subscriptions),
        failures=_failures(status),
        rows=ROWS,
        most=FAILURES,
        summary=_summary(status.units.values()),
    )
    return text.encode()


@functools.cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined  # put off: only a run that changed something needs it

    environment = Environment(undefined=StrictUndefined, autoescape=True, keep_trailing_newline=True)
    environment.filters["md"] = _escaped
    return environment.from_string(_TEMPLATE)


class Row(msgspec.Struct, frozen=True):
    """One line of a table."""

    name: str
    path: str
    good: int
    total: int
    state: str
    message: str


def _row(name: str, path: str, units: Sequence[UnitStatus], note: str = "") -> Row:
    good = sum(unit.state in fold.SETTLED for unit in units)
    state = fold.worst(unit.state for unit in units)
    message = note or next((unit.message for unit in units if unit.state is state and unit.message), "")
    return Row(name, path, good, len(units), state if units else "", message)


def _clusters(status: FleetStatus, paths: Mapping[str, str]) -> list[Row]:
    units = _grouped(status.units.values(), lambda unit: unit.cluster)
    rows = [_row(n.name, paths[i], units.get(i, []), n.message) for i, n in sorted(status.clusters.items())]
    return _worst_first(rows)


def _subscriptions(status: FleetStatus, paths: Mapping[str, str]) -> list[Row]:
    units = _grouped(status.units.values(), lambda unit: unit.subscription)
    return _worst_first([_row(name, paths[name], mine) for name, mine in sorted(units.items())])


def _worst_first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-_RANK.get(row.state, 0), row.name, row.path))


def _grouped(units: Iterable[UnitStatus], name: Callable[[UnitStatus], str]) -> dict[str, list[UnitStatus]]:
    groups: dict[str, list[UnitStatus]] = {}
    for unit in units:
        groups.setdefault(name(unit), []).append(unit)
    return groups


def _failures(status: FleetStatus) -> list[dict[str, str]]:
    found = []
    for unit, state in sorted(status.units.items(), key=lambda item: item[0]):
        note = status.clusters.get(unit.cluster)
        name = note.name if note else unit.cluster
        found += [
            {"cluster": name, "subscription": unit.subscription, **msgspec.structs.asdict(failure)}
            for failure in state.failures
        ]
    return sorted(found, key=lambda failure: (failure["cluster"], failure["subscription"], failure["object"]))


def _summary(units: Iterable[UnitStatus]) -> str:
    counts = Counter(unit.state for unit in units)
    return ", ".join(f"{counts[state]} {state}" for state in State if counts[state]) or "nothing delivered"


def _escaped(text: str) -> Markup:
    line = " ".join(text.split())
    cut = line if len(line) <= _TEXT else line[: _TEXT - 1] + "…"
    return Markup(_SPECIAL.sub(r"\\\1", cut.replace("&", "&amp;")))  # noqa: S704 - escaped for Markdown just here
