"""Checks of ServiceExports: the Service of the same name exists in the repo, and some Subscription delivers it."""

from collections.abc import Iterator

from reconciler.model.objects import ObjectKey
from reconciler.source import hints, kinds
from reconciler.source.concerns import Deliveries
from reconciler.source.gather import Finding, Gathered
from reconciler.source.references import References


def check(gathered: Gathered, delivered: Deliveries, references: References) -> Iterator[Finding]:
    """All findings about exports; they concern whoever delivers the export as a feed."""
    spaces = _charted(gathered, delivered)
    for sourced in gathered.exports:
        metadata = sourced.value.metadata
        namespace = metadata.namespace or "default"
        service = ObjectKey("", "Service", namespace, metadata.name)
        about = kinds.identity(sourced.value.api_version, "ServiceExport", namespace, metadata.name)
        field = ("metadata", "name")
        if service not in references.versions:
            if references.is_broken(service) or namespace in spaces:
                continue  # another problem tells of it, or a chart may make it: rendering knows
            message = f"there is no {service} in the repo, so this ServiceExport exports nothing"
            near = hints.nearest(metadata.name, [key.name for key in references.versions if _beside(key, namespace)])
            hint = f"Did you mean '{near}'? An export has the name of its Service." if near else ""
            yield Finding(gathered.problem("export-without-service", sourced.place, field, message, hint), about)
        elif service not in delivered.by_key and delivered.complete:
            message = f"no Subscription delivers {service}, so this ServiceExport exports nothing"
            yield Finding(gathered.problem("export-not-delivered", sourced.place, field, message), about)


def _charted(gathered: Gathered, delivered: Deliveries) -> frozenset[str]:
    """The namespaces that charts of some Subscription go to."""
    named = (key for key in delivered.by_key if (key.group, key.kind) == (kinds.APPS, "HelmChart"))
    charts = (gathered.charts.get(f"{key.namespace}/{key.name}") for key in named)
    return frozenset(chart.value.spec.target_namespace for chart in charts if chart is not None)


def _beside(key: ObjectKey, namespace: str) -> bool:
    return (key.group, key.kind, key.namespace) == ("", "Service", namespace)
