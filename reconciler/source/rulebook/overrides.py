"""Rules about Localizations and Globalizations."""

ERRORS = {
    "override-value": (
        "the value of an override is not YAML, or not the shape that its type needs",
        "Correct the text in `value`.",
    ),
    "override-type": (
        "an override of another object uses what only a HelmChart has: the type Helm, or `overrideChart`",
        "Use JSONPatch or MergePatch, without `overrideChart`.",
    ),
    "override-field": (
        "a field patch names no field with text, or does not say in which format the text is",
        "Give `fieldPath` and `fieldFormat`.",
    ),
    "override-template": (
        "an override says in an annotation that its values are templates of a kind that does not exist",
        "Write `reconciler.clusternet.io/template: jinja2`, or remove the annotation.",
    ),
    "override-chart": (
        "an override of a HelmChart leaves one that could not stand in a file",
        "Correct the value.",
    ),
    "override-chart-identity": (
        "an override changes which chart a HelmChart delivers, or where to",
        "Remove the change; another chart or namespace needs a HelmChart of its own.",
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

WARNINGS = {
    "globalization-namespace": (
        "a Globalization names a namespace, but is cluster-scoped",
        "Remove `metadata.namespace`.",
    ),
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
    "override-without-effect": (
        "a JSONPatch touches what is not there, so that Clusternet skips all of it in silence",
        "Correct the path, or remove the entry.",
    ),
    "override-field-unused": (
        "an override that is no field patch has `fieldPath` or `fieldFormat`",
        "Remove it, or use FieldJSONPatch or FieldMergePatch.",
    ),
    "override-lenient": (
        "a JSONPatch works in Clusternet and is refused by RFC 6902",
        "Write what the RFC allows: `add` for a new key, indexes from 0.",
    ),
    "override-overruled": (
        "an override sets replicas that the Subscription divides",
        "Remove it, or change the weights of the subscribers.",
    ),
    "override-shadowed": (
        "all that an override sets is set again by a later one, wherever it applies",
        "Remove it, or give it a higher priority than the other one.",
    ),
    "override-tie": (
        "two overrides of one priority set one field differently on the same cluster",
        "Give one of them a higher priority.",
    ),
    "override-never-delivered": (
        "an override is for clusters that no Subscription brings its object to",
        "Let a Subscription select such a cluster, or remove the override.",
    ),
    "selector-matches-nothing": (
        "a selector of a Globalization or of a subscriber matches no cluster",
        "Correct the selector, or label a cluster so that it matches.",
    ),
    "value-unread": (
        "an override sets a Helm value that the chart never reads",
        "Correct the name of the value, or remove it.",
    ),
}
