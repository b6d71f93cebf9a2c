"""Problems for people and machines: text, JSON, SARIF 2.1.0 and GitHub annotations. Values in, text out.

Every format is in order of file and line, says where, which rule, what and what to do, and holds nothing of the objects
beyond what the messages say.
"""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

import click

from reconciler import __version__
from reconciler.cli import rulepages, terminal
from reconciler.model.snapshot import Problem, Severity
from reconciler.source.locate import order
from reconciler.source.rules import RULES

FORMATS = ("text", "json", "sarif", "github")
_INDENT = "    "
_ALIKE = 5
"""Warnings of one rule that a screen shows."""
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def formatted(problems: Iterable[Problem], form: str) -> str:
    """The problems in one of `FORMATS`, each once; text is wrapped and coloured for the terminal that we write to."""
    listed = distinct(problems)
    match form:
        case "json":
            return as_json(listed)
        case "sarif":
            return sarif(listed)
        case "github":
            return github(listed)
        case _:
            return text(listed, columns=terminal.width() if terminal.colourful() else None)


def print_problems(problems: Iterable[Problem], form: str) -> None:
    """Write the problems to stdout; nothing where there are none to tell as text."""
    told = formatted(problems, form)
    if told:
        terminal.emit(told)


def distinct(problems: Iterable[Problem]) -> list[Problem]:
    """In order, and without those that two rooms found alike: same rule, place and field."""
    found: dict[tuple[object, ...], Problem] = {}
    for problem in sorted(problems, key=order):
        found.setdefault((problem.place, problem.field, problem.rule, problem.line, problem.column), problem)
    return list(found.values())


def folded(problems: Sequence[Problem]) -> tuple[Sequence[Problem], str]:
    """What a screen can take: of each rule that only warns the first few, and a word on the rest. Errors stay."""
    kept, left = [], Counter[str]()
    seen = Counter[str]()
    for problem in problems:
        seen[problem.rule] += 1
        if problem.severity is Severity.ERROR or seen[problem.rule] <= _ALIKE:
            kept.append(problem)
        else:
            left[problem.rule] += 1
    told = [f"… {count} more {rule} (a pipe or -o json lists all)\n" for rule, count in sorted(left.items())]
    return kept, "".join(told)


def text(problems: Sequence[Problem], columns: int | None = None) -> str:
    """`path:line:column: error[rule]: message` and the hint indented below; colour and wrapping only with `columns`."""
    return "\n".join(line for problem in problems for line in _lines(problem, columns))


def _lines(problem: Problem, columns: int | None) -> list[str]:
    severity = problem.severity
    head = f"{_position(problem)}: {severity.value}[{problem.rule}]: {problem.message}"
    hint = problem.hint
    if columns is None:
        return [head, f"{_INDENT}{hint}"] if hint else [head]
    wrapped = textwrap.wrap(head, columns, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    marker = f"{severity.value}[{problem.rule}]"
    lines = [line.replace(marker, click.style(marker, fg=_COLOURS[severity], bold=True)) for line in wrapped]
    if hint:
        lines += textwrap.wrap(
            hint,
            columns,
            initial_indent=_INDENT,
            subsequent_indent=_INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _position(problem: Problem) -> str:
    """As far as it is known; a problem that nobody located names its file alone."""
    return f"{problem.place.path}:{problem.line}:{problem.column}" if problem.line else problem.place.path


def as_json(problems: Sequence[Problem]) -> str:
    """A list of objects, one per problem."""
    return json.dumps(records(problems), indent=2, ensure_ascii=False)


def records(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems as plain data, for `-o json` of every command."""
    return [_record(problem) for problem in problems]


def _record(problem: Problem) -> dict[str, Any]:
    return {
        "rule": problem.rule,
        "severity": problem.severity.value,
        "file": problem.place.path,
        "line": problem.line,
        "column": problem.column,
        "document": problem.place.document,
        "item": problem.place.item if problem.place.item >= 0 else None,
        "field": list(problem.field),
        "message": problem.message,
        "hint": problem.hint,
        "subscriptions": list(problem.concerns),
    }


def sarif(problems: Sequence[Problem]) -> str:
    """One SARIF 2.1.0 run; paths are relative to the root of the repo."""
    rules = sorted({problem.rule for problem in problems})
    run = {
        "tool": {
            "driver": {"name": "reconciler", "version": __version__, "rules": [_descriptor(rule) for rule in rules]}
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, rules) for problem in problems],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False)


def _descriptor(rule: str) -> dict[str, Any]:
    known = RULES.get(rule)
    if known is None:
        return {"id": rule}
    return {
        "id": rule,
        "shortDescription": {"text": rulepages.sentence(known)},
        "help": {"text": known.fix, "markdown": rulepages.page(known)},
        "defaultConfiguration": {"level": known.severity.value},
    }


def _result(problem: Problem, rules: list[str]) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(problem.place.path), "uriBaseId": "%SRCROOT%"}}
    if problem.line:
        place["region"] = {"startLine": problem.line, "startColumn": problem.column}
    return {
        "ruleId": problem.rule,
        "ruleIndex": rules.index(problem.rule),
        "level": problem.severity.value,
        "message": {"text": f"{problem.message}\n{problem.hint}" if problem.hint else problem.message},
        "locations": [{"physicalLocation": place}],
    }


def github(problems: Sequence[Problem]) -> str:
    """Workflow commands of GitHub Actions, one per line."""
    return "\n".join(_annotation(problem) for problem in problems)


def _annotation(problem: Problem) -> str:
    properties = {"file": problem.place.path}
    if problem.line:
        properties |= {"line": str(problem.line), "col": str(problem.column)}
    properties["title"] = problem.rule
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    message = f"{problem.message}\n{problem.hint}" if problem.hint else problem.message
    return f"::{problem.severity.value} {told}::{_data(message)}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
