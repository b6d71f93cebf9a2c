"""From what helm made of a chart to the objects of a feed: namespaces filled in, hooks and tests kept apart."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.applying import PRUNE
from reconciler.model.authored import HelmChart
from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import RenderedObject
from reconciler.model.inflation import ChartAnswer, ChartObject, ChartRender, Fault, Role
from reconciler.model.objects import Object, ObjectKey, digest_of, group_of, key_of
from reconciler.model.scopes import declared_scopes, in_namespace, namespaced, without_namespace
from reconciler.model.snapshot import Resource
from reconciler.render.bare import without_server_writes
from reconciler.render.exports import Exports, is_service
from reconciler.render.templates import identity_of

_OBJECT_HINT = "Correct the chart, or the values that it is given."
_VARIES_HINT = "Give it the values that it draws by chance: passwords, keys, certificates, names."
_HOOK_HINT = "Deliver to clusters (`delivery.to: clusters`), or say with `disableHooks: true` that you know."


class Made(msgspec.Struct, frozen=True):
    """The objects of a chart for one question."""

    objects: tuple[RenderedObject, ...]
    """Sorted by key."""
    aside: tuple[RenderedObject, ...] = ()
    """Hooks and tests, sorted by key."""
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    scopes: tuple[tuple[str, str, bool], ...] = ()
    """Kinds that Kubernetes does not define, and whether they were put into namespaces."""


class ChartObjects:
    """How objects of charts are taken over."""

    def __init__(self, resources: Iterable[Resource], exports: Exports, *, hooks_run: bool = False) -> None:
        """`resources` are all objects of the repo, whose definitions tell the scope of custom kinds.

        `hooks_run` says that the feeds go to clusters, where hooks are run.
        """
        self._hooks_run = hooks_run
        self._declared = declared_scopes({found.key: found.body for found in resources})
        self._exports = exports
        self.followed: set[ObjectKey] = set()
        """The exports that follow a Service of a chart."""

    def made(self, chart: HelmChart, question: ChartRender, answer: ChartAnswer, facts: ClusterFacts) -> Made:
        """The objects of an answer. `facts` are those of any cluster that asked this question."""
        odd = [found.source for found in answer.objects if identity_of(found.body) is None]
        if odd:
            return Made(
                (), faults=(Fault("chart-object", f"{odd[0]} makes something that is no object", _OBJECT_HINT),)
            )
        definitions = {key_of(found.body): found.body for found in answer.objects}
        scopes = _Scopes({**self._declared, **declared_scopes(definitions)}, facts.apis)
        name = named(chart)
        kept = [(found, scopes.placed(found.body, question.namespace)) for found in _kept(chart, answer.objects)]
        objects = [_rendered(found, body, name) for found, body in kept if found.role in (Role.OBJECT, Role.DEFINITION)]
        twice = _twice(objects)
        if twice is not None:
            message = f"the chart makes {twice} twice"
            return Made((), faults=(Fault("chart-object", message, _OBJECT_HINT),))
        aside = [_rendered(found, body, name) for found, body in kept if found.role in (Role.HOOK, Role.TEST)]
        return Made(
            tuple(sorted((*objects, *self._followed(objects)), key=_by_key)),
            tuple(sorted(aside, key=lambda found: (found.key, found.digest))),
            warnings=(*(() if self._hooks_run else _hooks(chart, aside)), *_varying(chart, answer)),
            scopes=scopes.told,
        )

    def _followed(self, objects: list[RenderedObject]) -> Iterator[RenderedObject]:
        """The exports that follow the Services of a chart."""
        keys = {found.key for found in objects}
        for key in sorted(keys):
            export = self._exports.of(key) if is_service(key) else None
            if export is not None and export.key not in keys:
                self.followed.add(export.key)
                yield RenderedObject(export.key, export.api_version, export.body, digest_of(export.body))


class _Scopes:
    """Which kinds live in namespaces, as far as the chart, the repo and the cluster tell."""

    def __init__(self, declared: Mapping[tuple[str, str], bool], apis: Mapping[str, bool]) -> None:
        self._declared = declared
        self._served = {
            (group_of(kind.rpartition("/")[0]), kind.rpartition("/")[2]): apis[kind] for kind in sorted(apis)
        }
        self._told: dict[tuple[str, str], bool] = {}

    @property
    def told(self) -> tuple[tuple[str, str, bool], ...]:
        return tuple(sorted((*kind, spaced) for kind, spaced in self._told.items()))

    def placed(self, body: Object, namespace: str) -> Object:
        """The object where helm would put it."""
        kind = (group_of(body["apiVersion"]), body["kind"])
        spaced = namespaced(*kind, {})
        if spaced is None:
            spaced = self._declared.get(kind, self._served.get(kind, True))
            self._told[kind] = spaced
        if not spaced:
            return without_namespace(body) if "namespace" in body["metadata"] else body
        return body if body["metadata"].get("namespace") else in_namespace(body, namespace)


def namespace_object(name: str) -> RenderedObject:
    """The namespace that helm would create. Helm never deletes it, and neither do we."""
    metadata = {"name": name, "annotations": {PRUNE: "disabled"}}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    return RenderedObject(key_of(body), "v1", body, digest_of(body))


def _kept(chart: HelmChart, objects: Iterable[ChartObject]) -> Iterator[ChartObject]:
    for found in objects:
        if found.role is Role.HOOK and chart.spec.disable_hooks:
            continue
        if found.role is Role.DEFINITION and chart.spec.skip_crds:
            continue
        yield found


def _rendered(found: ChartObject, placed: Object, chart: str) -> RenderedObject:
    body = without_server_writes(placed)
    return RenderedObject(key_of(body), body["apiVersion"], body, digest_of(body), found.role, chart=chart)


def named(chart: HelmChart) -> str:
    """`namespace/name` of a HelmChart."""
    return f"{chart.metadata.namespace or 'default'}/{chart.metadata.name}"


def _twice(objects: Iterable[RenderedObject]) -> ObjectKey | None:
    seen: set[ObjectKey] = set()
    for found in objects:
        if found.key in seen:
            return found.key
        seen.add(found.key)
    return None


def _hooks(chart: HelmChart, aside: Iterable[RenderedObject]) -> Iterator[Fault]:
    hooks = sorted({str(found.key) for found in aside if found.role is Role.HOOK})
    if hooks:
        count = "1 hook, which is" if len(hooks) == 1 else f"{len(hooks)} hooks, which are"
        more = f" and {len(hooks) - 3} more" if len(hooks) > 3 else ""
        message = f"the chart {chart.spec.chart} has {count} run on clusters only: {', '.join(hooks[:3])}{more}"
        yield Fault("chart-hooks-not-run", message, _HOOK_HINT)


def _varying(chart: HelmChart, answer: ChartAnswer) -> Iterator[Fault]:
    if answer.varies:
        more = f" and {len(answer.varies) - 3} more" if len(answer.varies) > 3 else ""
        message = f"the chart {chart.spec.chart} makes something else each time: {', '.join(answer.varies[:3])}{more}"
        yield Fault("chart-varies", message, _VARIES_HINT)


def _by_key(found: RenderedObject) -> Any:
    return found.key
