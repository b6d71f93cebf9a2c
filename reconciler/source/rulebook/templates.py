"""Rules about templates and values files."""

ERRORS = {
    "template-syntax": (
        "a template is not jinja2, or uses a filter, test or statement that templates here do not have",
        "Correct the line that is named; docs/templates.md lists what there is.",
    ),
    "template-identity": (
        "what identifies an object is not plain text in its template, or is not the same when it is filled",
        "Write apiVersion, kind, metadata.name and metadata.namespace as plain text, the same for all clusters.",
    ),
    "template-control-kind": (
        "a template makes a control object, which is read before any template is filled",
        "Write it as a plain file; overrides can be templates.",
    ),
    "template-divided": (
        "a Subscription divides the replicas of an object that a template makes",
        "Write the object as a plain file, remove its replicas, or use `schedulingStrategy: Replication`.",
    ),
    "template-undefined": (
        "a template uses a variable that a cluster does not have",
        "Correct the name, or say what holds without it with `default` or `is defined`.",
    ),
    "template-failed": (
        "a template cannot be filled for a cluster",
        "Correct the line that is named.",
    ),
    "template-forbidden": (
        "a template reaches for files or for the inside of Python",
        "Use the variables, filters and functions that docs/templates.md lists.",
    ),
    "template-limit": (
        "filling a template takes too much time, memory or text",
        "Make it smaller: at most 2 s of processor time, 512 MiB of memory and 4 MiB of text for each cluster.",
    ),
    "template-yaml": (
        "what a template was filled to is not YAML",
        "Correct indentation and quotes of what is filled in; `to_yaml`, `indent` and `quote` write both.",
    ),
    "values-file": (
        "a values file is not one mapping",
        "Write `name: value` on its outermost level, in one document.",
    ),
    "settings-values": (
        "a path of values files in fleet.yaml uses what clusters do not have",
        "Use `{name}`, `{id}`, `{namespace}`, `{labels.KEY}` and their like.",
    ),
}

WARNINGS = {
    "values-unused": ("no file fits a path of values files in fleet.yaml", "Correct the path, or remove it."),
}
