"""Rules that scheduling finds."""

ERRORS = {
    "dynamic-dividing-missing": (
        "`dividingScheduling` has type Dynamic and no `dynamicDividing`",
        "Add `dynamicDividing: {strategy: Spread}`.",
    ),
    "subgroup-missing": (
        "`schedulingBySubGroup` is true and a subscriber has no `subGroupStrategy`",
        "Add `subGroupStrategy: {minClusters: N}`, the number of clusters that the group takes.",
    ),
    "cluster-limits": ("`minClusters` is more than `maxClusters`", "Make `minClusters` the smaller one."),
    "capacity-unknown": (
        "replicas are to be divided by room, and nothing is known of the capacity of any cluster",
        "Write `status.allocatable` into the ManagedClusters, let `cluster export` do it, or use type Static.",
    ),
}

WARNINGS = {
    "capacity-partly-unknown": (
        "nothing is known of the capacity of some clusters that replicas could go to",
        "Write `status.allocatable` into the ManagedCluster, or let `cluster export` do it.",
    ),
    "capacity-short": (
        "replicas of a Subscription that divides by room fit nowhere",
        "Add room or clusters, ask for less, or loosen limits and constraints.",
    ),
    "no-cluster-fits": (
        "no cluster fits a Subscription; it stays where it was",
        "Correct its selectors or tolerations, or say that it shall go nowhere by the annotation "
        "`reconciler.clusternet.io/when-no-cluster-fits: undeploy`.",
    ),
    "other-scheduler": (
        "a Subscription names another scheduler, so that it is not scheduled here and keeps what it has",
        "Remove `schedulerName`, or leave the Subscription to that scheduler.",
    ),
}
