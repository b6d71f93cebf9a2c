"""One object of a Subscription, rendered once per distinct set of overrides and replicas."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model.feed import Read, ReadOf, RenderedObject
from reconciler.model.objects import Digest, digest_of
from reconciler.model.snapshot import Place, Resource, Severity
from reconciler.render.overrides import Applicable, Layer
from reconciler.render.rendering import Rendering
from reconciler.render.stages import Share, Stage, stages


class Subject:
    """One object, everything that may change it, and what it was rendered to so far."""

    def __init__(self, resource: Resource, applicable: Applicable, subscription: Place) -> None:
        """The place of the Subscription is where divided replicas come from."""
        key = resource.key
        self.feed = "/".join(part for part in (resource.api_version, key.kind, key.namespace, key.name) if part)
        self.resource = resource
        self.applicable = applicable
        self._subscription = subscription
        self._rendered: dict[tuple[int | None, ...], Rendering] = {}

    @property
    def overridden(self) -> bool:
        """Whether an override touches it on any cluster."""
        return bool(self.applicable.general or self.applicable.local)

    def rendering(self, layers: tuple[Layer, ...], replicas: int | None, values: Mapping[str, Any]) -> Rendering:
        """The object after these overrides, from memory where it was rendered with them before.

        `values` are the parsed texts of overrides, `replicas` what dividing gives the cluster.
        """
        memory = (replicas, *(layer.number for layer in layers))
        known = self._rendered.get(memory)
        if known is None:
            known = self._rendered[memory] = self._render(layers, replicas, values)
        return known

    def stages(self, cluster: str, replicas: int | None, values: Mapping[str, Any]) -> Iterator[Stage]:
        """Every step of the object on one cluster."""
        return self._stages(self.applicable.on(cluster), replicas, values)

    def _stages(self, layers: tuple[Layer, ...], replicas: int | None, values: Mapping[str, Any]) -> Iterator[Stage]:
        share = None if replicas is None else Share(replicas, self._subscription, self.applicable.replicas_at)
        return stages(self.resource, layers, share, values)

    def _render(self, layers: tuple[Layer, ...], replicas: int | None, values: Mapping[str, Any]) -> Rendering:
        steps = tuple(self._stages(layers, replicas, values))
        asked = Read(ReadOf.OVERRIDES, self.feed, digest_of([layer.digest for layer in layers]) if layers else "")
        problems = tuple(problem for step in steps for problem in step.findings)
        if any(problem.severity is Severity.ERROR for problem in problems):
            return Rendering(None, (asked,), problems)
        resource, body = self.resource, steps[-1].body
        digest = Digest(resource.digest) if body is resource.body else digest_of(body)
        rendered = RenderedObject(resource.key, resource.api_version, body, digest, seal=resource.seal)
        return Rendering((rendered,), (asked,), problems)
