"""Rules about tenants: as whom the Subscriptions of a namespace are applied."""

ERRORS = {
    "tenant-account": (
        "a tenant in fleet.yaml does not name exactly one account in a form that a cluster knows",
        "Write `serviceAccount: NAMESPACE/NAME` or `user: NAME`.",
    ),
}

WARNINGS = {
    "tenant-unused": (
        "fleet.yaml names a tenant for a namespace in which no Subscription stands",
        "Correct the namespace, or remove the tenant.",
    ),
}
