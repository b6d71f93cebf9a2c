"""One object that is not the same text on every cluster: made by a template, or changed by templated overrides.

For every distinct text there is one ordinary object, which goes the way of all objects.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import msgspec

from reconciler.model.feed import Read, ReadOf
from reconciler.model.inflation import Fault, TemplateAnswer
from reconciler.model.objects import ObjectKey, digest_of, group_of
from reconciler.model.scopes import in_namespace, namespaced
from reconciler.model.snapshot import Place, Problem, Resource, Snapshot
from reconciler.render.charts import UNANSWERED
from reconciler.render.overrides import Applicable
from reconciler.render.rendering import Rendering
from reconciler.render.subject import Subject
from reconciler.render.templates import Filling, identity_of, variant_of

_PLAIN = "Write apiVersion, kind, namespace and name as plain text, the same for all clusters."


class Documents(msgspec.Struct, frozen=True):
    """The objects of a filled template by identity, and the digest of all of them."""

    bodies: Mapping[ObjectKey, Any]
    digest: str
    problems: tuple[Problem, ...] = ()


class TemplateFiles:
    """Templates of objects, filled, and taken apart once per distinct text."""

    def __init__(self, snapshot: Snapshot, filling: Filling) -> None:
        self._snapshot = snapshot
        self._filling = filling
        self._known: dict[tuple[str, str], Documents] = {}
        self._identities: dict[str, dict[ObjectKey, Resource]] = {}
        for resource in snapshot.resources.values():
            if resource.template:
                self._identities.setdefault(resource.template, {})[resource.key] = resource

    def on(self, path: str, cluster: str) -> Documents:
        """What a template makes on one cluster."""
        template = self._snapshot.templates.get(path)
        answer = self._filling.answer(path, template.text, cluster) if template is not None else None
        if answer is None or answer.fault is not None:
            return self._remembered(path, answer, repr(answer.fault if answer else None))
        return self._remembered(path, answer, answer.text or digest_of(answer.documents))

    def _remembered(self, path: str, answer: TemplateAnswer | None, told_by: str) -> Documents:
        known = self._known.get((path, told_by))
        if known is None:
            known = self._known[path, told_by] = self._apart(path, answer)
        return known

    def _apart(self, path: str, answer: TemplateAnswer | None) -> Documents:
        if answer is None or answer.fault is not None:
            fault = answer.fault if answer is not None and answer.fault is not None else UNANSWERED
            return Documents({}, "", (_problem(path, fault),))
        bodies: dict[ObjectKey, Any] = {}
        problems = []
        for document in answer.documents:
            if document is None:
                continue
            key, wrong = self._identified(path, document, bodies)
            if wrong is not None:
                problems.append(_problem(path, wrong))
            elif key is not None:
                bodies[key] = document if document["metadata"].get("namespace") else _placed(document, key)
        return Documents(bodies, digest_of(answer.documents), tuple(problems))

    def _identified(
        self, path: str, document: Any, seen: Mapping[ObjectKey, Any]
    ) -> tuple[ObjectKey | None, Fault | None]:
        identity = identity_of(document)
        if identity is None:
            return None, Fault("template-identity", "it makes a document that is no object of Kubernetes", _PLAIN)
        version, kind, namespace, name = identity
        group = group_of(version)
        if not namespace and namespaced(group, kind, {}):
            namespace = "default"
        keys = self._identities.get(path, {})
        key = ObjectKey(group, kind, namespace, name)
        if key not in keys and not namespace:
            key = next((known for known in keys if (known.group, known.kind, known.name) == (group, kind, name)), key)
        if key not in keys or keys[key].api_version != version:
            return None, Fault("template-identity", f"it makes {key}, which its text does not name", _PLAIN)
        if key in seen:
            return None, Fault("template-identity", f"it makes {key} twice", _PLAIN)
        return key, None


class TemplatedSubject:
    """An object whose text, or whose overrides, are filled for each cluster."""

    def __init__(
        self, resource: Resource, applicable: Applicable, subscription: Place, files: TemplateFiles, filling: Filling
    ) -> None:
        self._fixed = Subject(resource, applicable, subscription)
        self.feed = self._fixed.feed
        self.resource = resource
        self.applicable = applicable
        self._subscription = subscription
        self._files = files
        self._filling = filling
        self._subjects: dict[str, Subject] = {}

    def subject(self, cluster: str) -> Subject | None:
        """The ordinary object on one cluster; None where the template makes none."""
        if not self.resource.template:
            return self._fixed
        documents = self._files.on(self.resource.template, cluster)
        body = documents.bodies.get(self.resource.key)
        if body is None or documents.problems:
            return None
        known = self._subjects.get(documents.digest)
        if known is None:
            resource = msgspec.structs.replace(self.resource, body=body, digest=digest_of(body), template="")
            known = self._subjects[documents.digest] = Subject(resource, self.applicable, self._subscription)
        return known

    def ask(self, cluster: str) -> None:
        """Ask for what one cluster needs, so that it stands among the open questions."""
        self.variant(cluster)

    def variant(self, cluster: str) -> Hashable:
        """Equal for clusters that get the same."""
        filled = self._filling.layers(self.applicable.on(cluster), cluster)
        text = id(self._files.on(self.resource.template, cluster)) if self.resource.template else 0
        return text, variant_of(filled.layers), filled.faults, self._variables(cluster)

    def rendering(self, cluster: str, replicas: int | None) -> Rendering:
        """What one cluster gets of it, from memory where another gets the same."""
        reads: list[Read] = list(self._variables(cluster))
        filled = self._filling.layers(self.applicable.on(cluster), cluster)
        problems: Iterable[Problem] = ()
        if path := self.resource.template:
            documents = self._files.on(path, cluster)
            reads.append(Read(ReadOf.TEMPLATE, path, documents.digest))
            problems = documents.problems
        subject = self.subject(cluster)
        if problems or filled.layers is None:
            return Rendering(None, tuple(reads), faults=(*problems, *filled.faults))
        if subject is None:
            return Rendering((), tuple(reads))
        found = subject.rendering(filled.layers, replicas, self._filling.values)
        return msgspec.structs.replace(found, reads=(*found.reads, *reads))

    def _variables(self, cluster: str) -> tuple[Read, ...]:
        return self._filling.variables(cluster).reads


def _placed(document: Any, key: ObjectKey) -> Any:
    return in_namespace(document, key.namespace) if key.namespace else document


def _problem(path: str, fault: Fault) -> Problem:
    column = 1 if fault.line else 0
    return Problem(Place(path), (), fault.rule, fault.message, fault.hint, line=fault.line, column=column)
