"""Rules about the annotations by which authors say how objects are applied."""

ERRORS = {
    "apply-annotation": (
        "an annotation about how objects are applied has a value that nobody knows, so that it would say nothing",
        "Write one of the values that the message names, or remove the annotation.",
    ),
}

WARNINGS: dict[str, tuple[str, str]] = {}
