"""Rules about Subscriptions and what they deliver."""

ERRORS = {
    "duplicate-cluster": (
        "two ManagedClusters have the same id or name",
        "Give each its own `spec.clusterId` and name.",
    ),
    "feeds-empty": (
        "a Subscription has no feeds",
        "Add feeds. To remove what it delivered, delete the Subscription itself.",
    ),
    "feeds-from-nothing": (
        "a path or selector in the annotations of a Subscription finds nothing to deliver",
        "Correct the path or selector. To remove what it delivered, delete the Subscription itself.",
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
    "export-without-service": (
        "a ServiceExport has no Service of its name and namespace in the repo",
        "Add the Service, or remove the export.",
    ),
    "export-not-delivered": (
        "the Service of a ServiceExport is in no Subscription's feeds",
        "Add the Service to a Subscription.",
    ),
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
}

WARNINGS = {
    "subscribers-empty": (
        "a Subscription has no subscribers, so it goes nowhere",
        "Add a subscriber with a `clusterAffinity`.",
    ),
}
