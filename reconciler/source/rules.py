"""Every rule that a fleet repo can break: its stable id, severity, what it means and what to do.

The one table behind `check`, its SARIF output and `docs/fleet-repo.md`. A rule keeps its id for good. Messages and
hints name places and words of the repo, never bodies of objects.
"""

from collections.abc import Mapping

import msgspec

from reconciler.model.snapshot import Place, Problem, Severity


class Rule(msgspec.Struct, frozen=True):
    """One rule: `meaning` ends the sentence “this happens when …”, `fix` tells the author what to do."""

    id: str
    severity: Severity
    meaning: str
    fix: str


def _rules(severity: Severity, table: Mapping[str, tuple[str, str]]) -> dict[str, Rule]:
    return {name: Rule(name, severity, meaning, fix) for name, (meaning, fix) in table.items()}


_FILES = {
    "file-skipped": (
        "a path that may hold objects is a symbolic link or submodule, or cannot be read",
        "Commit the file itself, or add the path to `ignore` in fleet.yaml.",
    ),
    "yaml-encoding": (
        "a file is not UTF-8 text, or holds a control character",
        "Save the file as UTF-8; write control characters as escapes in double quotes.",
    ),
    "yaml-syntax": ("a document is not YAML", "Correct the place that is named; documents around it are still read."),
    "yaml-duplicate-key": (
        "a mapping has the same key twice (kubectl would silently take the last one)",
        "Remove one of the two, or merge them.",
    ),
    "yaml-key": (
        "a key is null, a list or a mapping, which JSON cannot hold",
        "Write the key as text, in quotes.",
    ),
    "yaml-number": (
        "a number is infinite or NaN, which JSON cannot hold",
        "Write it in quotes, or as a finite number.",
    ),
    "yaml-tag": (
        "a value does not fit the tag in front of it",
        "Remove the tag (`!!int`, `!!binary`) or correct the value.",
    ),
    "yaml-merge": ("`<<` is given something else than mappings", "Point `<<` at a mapping, or at a list of mappings."),
    "yaml-alias": (
        "an alias has no anchor before it, or lies inside its own anchor",
        "Define the anchor (`&name`) first.",
    ),
    "yaml-expansion": (
        "aliases expand to an enormous document, or nesting is deeper than 200 levels",
        "Write the document without nested aliases.",
    ),
}

_OBJECTS = {
    "type-missing": (
        "a document has one of `apiVersion` and `kind`, but not both",
        "Add the missing one, or ignore the file.",
    ),
    "name-missing": ("an object has no `metadata.name`", "Give it a name."),
    "generate-name": (
        "an object has `generateName`, so that every run would make another one",
        "Give it a fixed `metadata.name`.",
    ),
    "not-text": (
        "a name, namespace, label, annotation or text field holds a number, a truth value or a structure",
        "Put the value in quotes.",
    ),
    "list-items": ("a List has no list of objects in `items`", "Correct `items`, or write the objects as documents."),
    "list-nested": ("a List stands inside a List", "Move the inner items one level up."),
    "duplicate-object": ("the repo holds the same object twice", "Remove one of the two."),
    "scope": ("a cluster-scoped object names a namespace", "Remove `metadata.namespace`."),
    "unknown-control-kind": (
        "a kind or API group looks like one of Clusternet's, but is none that can be authored",
        "Correct `apiVersion` or `kind`.",
    ),
    "unknown-field": (
        "a control object or fleet.yaml has a field that does not exist",
        "Correct the spelling, or remove it.",
    ),
    "missing-field": ("a required field is missing", "Add the field."),
    "wrong-value": ("a value has the wrong type, or is outside of what is allowed", "Write an allowed value."),
    "invalid-name": (
        "the name or namespace of a control object cannot be one in Kubernetes",
        "Use lower case letters, digits and `-`.",
    ),
    "invalid-label": ("a label of a ManagedCluster breaks Kubernetes' syntax", "Correct the key or value."),
}

_SETTINGS = {
    "no-settings": ("there is no fleet.yaml at the root of the repo", "Run `reconciler init`, or write one."),
    "settings-access": (
        "an access in fleet.yaml does not say exactly one way to reach the cluster",
        "Keep one of the members.",
    ),
    "settings-credential": (
        "fleet.yaml holds a credential",
        "Remove it, change the credential, and let git or the environment supply it.",
    ),
    "settings-path": (
        "a root or path in fleet.yaml is absolute or leads out of the repo",
        "Write a path relative to the root of the repo.",
    ),
    "settings-branch": ("a branch name or prefix in fleet.yaml cannot be one in Git", "Choose a valid name."),
    "settings-key": ("a key in fleet.yaml is no public key of its kind", "Write the public key."),
    "settings-parent": (
        "clusters come from a parent, and fleet.yaml does not say how to reach it",
        "Add `clusters.parent`.",
    ),
    "access-missing": (
        "objects go to clusters, and fleet.yaml does not say how to reach a declared one",
        "Add it below `clusters.access`.",
    ),
}

_FLEET = {
    "duplicate-cluster": (
        "two ManagedClusters have the same id or name",
        "Give each its own `spec.clusterId` and name.",
    ),
    "feeds-empty": (
        "a Subscription has no feeds",
        "Add feeds. To remove what it delivered, delete the Subscription itself.",
    ),
    "feed-not-found": (
        "a Subscription names an object that is not in the repo",
        "Correct the feed, or add the object.",
    ),
    "feed-duplicate": ("a Subscription names the same object twice", "Remove one of the two."),
    "feed-version": ("a feed names another API version than the object has", "Write the version of the object."),
    "feed-control-kind": ("a feed names a control object, which stays in the repo", "Remove the feed."),
    "invalid-selector": ("a label selector can never be valid", "Correct the operator, key or values."),
    "invalid-toleration": ("a toleration contradicts itself", "Correct operator, key or value."),
    "not-supported": (
        "the repo asks for something that is not supported yet; it is never silently ignored",
        "Remove it, or wait for a version that supports it.",
    ),
    "override-value": (
        "the value of an override is not YAML, or not the shape that its type needs",
        "Correct the text in `value`.",
    ),
    "export-without-service": (
        "a ServiceExport has no Service of its name and namespace in the repo",
        "Add the Service, or remove the export.",
    ),
    "export-not-delivered": (
        "the Service of a ServiceExport is in no Subscription's feeds",
        "Add the Service to a Subscription.",
    ),
}

_DELIVERY = {
    "no-weight": (
        "replicas are to be divided and no chosen cluster has a weight",
        "Set `weight` on a subscriber, or `schedulingStrategy: Replication`.",
    ),
    "delivered-twice": (
        "two Subscriptions deliver one object to one cluster",
        "Let one Subscription deliver it.",
    ),
    "export-without-cluster": (
        "the Service of a ServiceExport goes to no cluster",
        "Correct the subscribers of the Subscription that delivers the Service.",
    ),
    "override-patch": (
        "the patch of an override cannot be applied to the object",
        "Correct the operation that is named.",
    ),
    "override-identity": (
        "an override changes the API version, kind, namespace or name of an object",
        "Leave them as they are; another object needs a file of its own.",
    ),
}
"""Found by scheduling and rendering, which know the clusters."""

_DELIVERY_WARNINGS = {
    "override-without-effect": (
        "a JSONPatch touches what is not there, so that Clusternet skips all of it in silence",
        "Correct the path, or remove the entry.",
    ),
    "override-lenient": (
        "a JSONPatch works in Clusternet and is refused by RFC 6902",
        "Write what the RFC allows: `add` for a new key, indexes from 0.",
    ),
    "override-overruled": (
        "an override sets replicas that the Subscription divides",
        "Remove it, or change the weights of the subscribers.",
    ),
}

_WARNINGS = {
    "yaml-boolean": (
        "an unquoted y, yes, on, n, no or off: true or false for kubectl, text for other tools",
        "Write `true` or `false`, or put the word in quotes.",
    ),
    "not-an-object": ("a document has neither `apiVersion` nor `kind`", "Add the file to `ignore` in fleet.yaml."),
    "unknown-kind": ("a group of Kubernetes has no such kind", "Correct `kind` or `apiVersion`."),
    "hub-kind": ("an object is of a kind that the hub writes by itself", "Remove it from the repo."),
    "globalization-namespace": (
        "a Globalization names a namespace, but is cluster-scoped",
        "Remove `metadata.namespace`.",
    ),
    "root-empty": ("a root in fleet.yaml holds no files that are read", "Correct `roots`."),
    "access-unknown": (
        "fleet.yaml says how to reach a cluster that is not declared",
        "Correct the name, or remove it.",
    ),
    "cluster-unused": (
        "a ManagedCluster is declared, and fleet.yaml takes clusters from a parent",
        "Remove the file, or write `from: repo` in fleet.yaml.",
    ),
    "subscribers-empty": (
        "a Subscription has no subscribers, so it goes nowhere",
        "Add a subscriber with a `clusterAffinity`.",
    ),
    "ignored-field": ("a field has no effect beside the others", "Remove it, or change what makes it void."),
    "override-without-feed": ("an override names no feed, so it changes nothing", "Add `spec.feed`."),
    "override-feed-not-found": ("an override names an object that is not in the repo", "Correct `spec.feed`."),
    "override-not-delivered": (
        "an override names an object that no Subscription delivers",
        "Add the object to a Subscription, or remove the override.",
    ),
    "localization-namespace": (
        "a Localization stands in a namespace that belongs to no declared cluster",
        "Use the namespace of the ManagedCluster.",
    ),
}

RULES: Mapping[str, Rule] = {
    **_rules(Severity.ERROR, _FILES),
    **_rules(Severity.ERROR, _OBJECTS),
    **_rules(Severity.ERROR, _SETTINGS),
    **_rules(Severity.ERROR, _FLEET),
    **_rules(Severity.ERROR, _DELIVERY),
    **_rules(Severity.WARNING, _WARNINGS),
    **_rules(Severity.WARNING, _DELIVERY_WARNINGS),
}


def problem(
    rule: str,
    place: Place,
    field: tuple[str | int, ...],
    message: str,
    hint: str = "",
    concerns: tuple[str, ...] = (),
) -> Problem:
    """A broken rule at a place; the severity is the rule's."""
    return Problem(place, field, rule, message, hint or RULES[rule].fix, RULES[rule].severity, concerns=concerns)
