"""Rules about kustomizations."""

ERRORS: dict[str, tuple[str, str]] = {}

WARNINGS: dict[str, tuple[str, str]] = {}
