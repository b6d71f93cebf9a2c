"""Rules about order: of Subscriptions among each other, and of the objects of one."""

ERRORS = {
    "depends-on-unknown": (
        "a Subscription depends on one that the repo does not hold, so that it waits for ever",
        "Correct the name in `reconciler.clusternet.io/depends-on`: `namespace/name`, or a name of the same namespace.",
    ),
    "depends-on-cycle": (
        "Subscriptions depend on each other, or one on itself; their dependencies are ignored",
        "Take one of them out of `reconciler.clusternet.io/depends-on`.",
    ),
    "wave-invalid": (
        "the wave of an object is no whole number, so that it counts as 0",
        'Write a whole number as text: `reconciler.clusternet.io/wave: "2"`.',
    ),
}

WARNINGS = {
    "order-cycle": (
        "objects of a Subscription need each other, so that one of them is written before what it needs",
        "Let one of them do without the other, or put them into different waves.",
    ),
    "order-too-late": (
        "an object needs another one ready that is in a later wave",
        "Give the first a later wave (`reconciler.clusternet.io/wave`), or what it needs an earlier one.",
    ),
}
