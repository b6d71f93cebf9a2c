"""The CEL expressions of `health` in fleet.yaml: each is one, and each kind has one rule.

What an expression is about is not known before an object is there: a member that an object does not have is told when
the object is assessed.
"""

import re
from collections.abc import Iterator
from typing import Final

from reconciler.model.objects import group_of
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Place, Problem
from reconciler.source import layout
from reconciler.source.rules import problem

_PLACE: Final = Place(layout.SETTINGS_PATH)
_FAULT: Final = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_EXPECTED: Final = re.compile(r" expecting \{.*")


def settings_problems(settings: Settings) -> Iterator[Problem]:
    """Every expression that cannot be read, and every kind that has a rule already."""
    known: set[tuple[str, str]] = set()
    for index, rule in enumerate(settings.health):
        path = ("health", index)
        kind = (group_of(rule.api_version), rule.kind)
        if kind in known:
            message = (
                f"{rule.kind} of {kind[0] or 'the core group'} has a rule already, which holds for all its versions"
            )
            yield problem("health-expression", _PLACE, (*path, "kind"), message, "Write one rule per kind.")
        known.add(kind)
        texts = {"current": rule.current, "inProgress": rule.in_progress, "failed": rule.failed}
        for member, text in texts.items():
            if text is not None and (fault := _fault(text)):
                yield problem("health-expression", _PLACE, (*path, member), f"this is no CEL expression: {fault}")


def _fault(text: str) -> str:
    """What is wrong with an expression, and where in it; empty when it can be read."""
    # Importing it takes as long as a small check, so that only fleets with rules pay for it.
    from cel import compile as compiled

    if not text.strip():
        return "it is empty"
    try:
        compiled(text)
    except ValueError as error:
        found = _FAULT.search(str(error))
        if found is None:
            return "it cannot be read"
        line, column, words = found.groups()
        where = f"at character {column}" + (f" of its line {line}" if line != "1" else "")
        return f"{_EXPECTED.sub('', words).removeprefix('Syntax error: ')} {where}".replace("'<EOF>'", "end")
    return ""
