"""Talk goes to stderr; stdout is for results."""

import sys


def say(text: str) -> None:
    """One line of talk."""
    print(text, file=sys.stderr, flush=True)
