"""Rules about `health` in fleet.yaml."""

ERRORS = {
    "health-expression": (
        "an expression of `health` in fleet.yaml is no CEL expression, or one kind has two rules",
        "Correct the expression, and write one rule per kind.",
    ),
}

WARNINGS: dict[str, tuple[str, str]] = {}
