"""Rules about the rollouts of fleet.yaml."""

ERRORS = {
    "rollout-contradicts": (
        "a rollout in fleet.yaml contradicts itself: a name twice, no group, or a part that cannot be",
        "Correct the rollout.",
    ),
    "rollout-window": (
        "a window of a rollout names a time zone that does not exist",
        "Write a name of the IANA time zone database: `Europe/Berlin`.",
    ),
}
WARNINGS = {
    "rollout-unused": (
        "a rollout in fleet.yaml names no Subscription, or a group of it selects no declared cluster",
        "Correct the name or the selector, or remove it.",
    ),
}
