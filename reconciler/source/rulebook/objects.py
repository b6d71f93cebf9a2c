"""Rules about objects by themselves."""

ERRORS = {
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

WARNINGS = {
    "not-an-object": ("a document has neither `apiVersion` nor `kind`", "Add the file to `ignore` in fleet.yaml."),
    "unknown-kind": ("a group of Kubernetes has no such kind", "Correct `kind` or `apiVersion`."),
    "hub-kind": ("an object is of a kind that the hub writes by itself", "Remove it from the repo."),
}
