"""Rules that scheduling finds."""

ERRORS: dict[str, tuple[str, str]] = {}

WARNINGS: dict[str, tuple[str, str]] = {}
