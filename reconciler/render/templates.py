"""Templates filled for each cluster: the variables that they may use, templated overrides, and templated objects.

Clusters whose answers are equal share everything that is made of them, so that the cost follows distinct texts.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import Read, ReadOf
from reconciler.model.inflation import Fault, TemplateAnswer, TemplateRender
from reconciler.model.objects import Object, canonical, digest_of
from reconciler.model.snapshot import Problem, Snapshot
from reconciler.render.overrides import Entry, Layer
from reconciler.render.questions import Questions
from reconciler.render.values import merged


class Variables(msgspec.Struct, frozen=True):
    """What the templates of one cluster may use."""

    text: bytes
    """Canonical JSON."""
    reads: tuple[Read, ...]
    """The values files that were looked for; those that are absent have no digest."""


class Filled(msgspec.Struct, frozen=True):
    """Layers whose values are filled for a cluster; None where one has no answer, or a fault for one."""

    layers: tuple[Layer, ...] | None
    faults: tuple[Problem, ...] = ()


def context_of(facts: ClusterFacts, snapshot: Snapshot) -> bytes:
    """The variables of templates on one cluster, as canonical JSON: `cluster`, `fleet` and `values`.

    `cluster` holds id, name, namespace, labels, annotations, syncMode, kubernetes, platform, taints, capacity and
    allocatable; what is not known is empty. `values` are the values files of the settings, each laid over those before.
    """
    cluster = {
        "id": facts.id,
        "name": facts.name,
        "namespace": facts.namespace,
        "labels": facts.labels,
        "annotations": facts.annotations,
        "syncMode": facts.sync_mode,
        "kubernetes": facts.kubernetes,
        "platform": facts.platform,
        "taints": [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in facts.taints],
        "capacity": facts.capacity,
        "allocatable": facts.allocatable,
    }
    values: Any = {}
    for path in values_paths(facts, snapshot.settings.templates.values):
        if isinstance(found := snapshot.data.get(path), Mapping):
            values = merged(values, found).value
    return canonical({"cluster": cluster, "fleet": snapshot.settings.fleet, "values": values})


def values_paths(facts: ClusterFacts, patterns: Sequence[str]) -> Iterator[str]:
    """The values files of one cluster: each pattern with `{name}`, `{labels.region}` and the like filled.

    A pattern that uses what the cluster does not have names no file.
    """
    for pattern in patterns:
        path = _filled_path(facts, pattern)
        if path is not None:
            yield path


def _filled_path(facts: ClusterFacts, pattern: str) -> str | None:
    head, *rest = pattern.split("{")
    parts = [head]
    for part in rest:
        variable, closed, literal = part.partition("}")
        value = _variable(facts, variable.strip()) if closed else None
        if value is None:
            return None
        parts += [value, literal]
    return "".join(parts)


def _variable(facts: ClusterFacts, name: str) -> str | None:
    member, dot, key = name.removeprefix("cluster.").partition(".")
    match member:
        case "labels" if dot:
            return facts.labels.get(key)
        case "annotations" if dot:
            return facts.annotations.get(key)
        case "id" | "name" | "namespace" | "kubernetes" | "platform" if not dot:
            return str(getattr(facts, member)) or None
    return None


class Filling:
    """Templates of all kinds, filled."""

    def __init__(self, snapshot: Snapshot, facts: Mapping[str, ClusterFacts], questions: Questions) -> None:
        """Fill for the clusters of `facts`, by cluster id."""
        self.values: dict[str, Any] = dict(snapshot.values)
        """What the texts of overrides mean, by text; those of filled ones are added."""
        self._snapshot = snapshot
        self._facts = facts
        self._questions = questions
        self._variables: dict[str, Variables] = {}
        self._layers: dict[tuple[int, tuple[str, ...]], Layer] = {}
        self._data: dict[str, str] = {}

    def variables(self, cluster: str) -> Variables:
        """The variables of one cluster."""
        known = self._variables.get(cluster)
        if known is None:
            facts = self._facts[cluster]
            paths = values_paths(facts, self._snapshot.settings.templates.values)
            reads = tuple(Read(ReadOf.TEMPLATE, path, self._digest(path)) for path in dict.fromkeys(paths))
            known = self._variables[cluster] = Variables(context_of(facts, self._snapshot), reads)
        return known

    def answer(self, path: str, text: str, cluster: str) -> TemplateAnswer | None:
        """What came of a text on one cluster; None while nobody knows."""
        return self._questions.template(TemplateRender(path, text, self.variables(cluster).text))

    def layers(self, layers: tuple[Layer, ...], cluster: str) -> Filled:
        """The layers with the values of templated ones filled. Equal texts give the same layer."""
        if not any(layer.templated for layer in layers):
            return Filled(layers)
        filled, faults, unanswered = [], [], False
        for layer in layers:
            if layer.templated:
                answers = [self._entry(entry, cluster) for entry in layer.entries]
                found = [(e, a.fault) for e, a in zip(layer.entries, answers, strict=True) if a and a.fault]
                faults += [_fault(entry, fault) for entry, fault in found]
                unanswered = unanswered or None in answers or bool(found)
                if not unanswered:
                    filled.append(self._filled(layer, [answer for answer in answers if answer]))
            else:
                filled.append(layer)
        return Filled(None if unanswered else tuple(filled), tuple(faults))

    def _entry(self, entry: Entry, cluster: str) -> TemplateAnswer | None:
        if not entry.override.value.strip():
            return TemplateAnswer()
        return self.answer(f"{entry.place.path}#{entry.title}", entry.override.value, cluster)

    def _filled(self, layer: Layer, answers: list[TemplateAnswer]) -> Layer:
        memory = (layer.number, tuple(answer.text for answer in answers))
        known = self._layers.get(memory)
        if known is None:
            known = self._layers[memory] = self._made(layer, answers)
        return known

    def _made(self, layer: Layer, answers: list[TemplateAnswer]) -> Layer:
        entries = []
        for entry, answer in zip(layer.entries, answers, strict=True):
            if len(answer.documents) == 1:
                self.values.setdefault(answer.text, answer.documents[0])
            override = msgspec.structs.replace(entry.override, value=answer.text)
            entries.append(msgspec.structs.replace(entry, override=override))
        # a number of its own, because numbers are what renders are remembered by
        number = -1 - len(self._layers)
        did = digest_of([layer.digest, [answer.text for answer in answers]])
        return msgspec.structs.replace(layer, number=number, entries=tuple(entries), digest=did, templated=False)

    def _digest(self, path: str) -> str:
        if path not in self._data:
            self._data[path] = digest_of(self._snapshot.data[path]) if path in self._snapshot.data else ""
        return self._data[path]


def _fault(entry: Entry, fault: Fault) -> Problem:
    where = entry.place.within("spec", "overrides", entry.position, "value")
    line = f"line {fault.line} of the value: " if fault.line else ""
    return Problem(entry.place, where, fault.rule, line + fault.message, fault.hint)


def variant_of(layers: tuple[Layer, ...] | None) -> Hashable:
    """What tells layers apart."""
    return None if layers is None else tuple(layer.number for layer in layers)


def identity_of(document: Any) -> tuple[str, str, str, str] | None:
    """API version, kind, namespace and name of a document; None when it is no object."""
    if not isinstance(document, Mapping) or not isinstance(document.get("metadata"), Mapping):
        return None
    metadata: Object = document["metadata"]
    parts = (document.get("apiVersion"), document.get("kind"), metadata.get("namespace") or "", metadata.get("name"))
    return parts if all(isinstance(part, str) for part in parts) and parts[1] and parts[3] else None  # type: ignore[return-value]
