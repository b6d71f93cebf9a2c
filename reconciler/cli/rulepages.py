"""A page for every rule: what it means, why it matters, a wrong and a right example, the fix. For `check --explain`.

Meaning and fix are those of the table of rules; what stands between them is written in docs/rules/ID.md, which ships
with the package. A rule without a written page still has one, of meaning and fix.
"""

import difflib
import functools
import re
import textwrap
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from reconciler.cli import terminal
from reconciler.model.errors import UsageError
from reconciler.model.snapshot import Severity
from reconciler.source.rules import RULES, Rule

FIX = "**Fix.** "
_FENCE = "```"
_MARKS = re.compile(r"\*\*|`")


def find(name: str) -> Rule:
    """The rule of this id; UsageError with the nearest ids when there is none."""
    if name in RULES:
        return RULES[name]
    near = difflib.get_close_matches(name, RULES, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "check --explain lists all rules"
    raise UsageError("unknown-rule", f"there is no rule {name!r}", hint)


def page(rule: Rule) -> str:
    """The whole page as Markdown."""
    parts = [f"# {rule.id}", f"**{rule.severity.value.capitalize()}.** {sentence(rule)}", body(rule.id), FIX + rule.fix]
    return "\n\n".join(part for part in parts if part) + "\n"


def sentence(rule: Rule) -> str:
    """The meaning as a sentence."""
    return rule.meaning[:1].upper() + rule.meaning[1:] + "."


@functools.cache
def body(name: str) -> str:
    """What is written about a rule beside its meaning and fix; empty where nobody wrote anything yet."""
    file = _directory().joinpath(f"{name}.md")
    if not file.is_file():
        return ""
    paragraphs = file.read_text(encoding="utf-8").strip().split("\n\n")
    return "\n\n".join(paragraphs[2:-1])


def _directory() -> Traversable:
    packaged = resources.files("reconciler.cli").joinpath("rules")
    if packaged.is_dir():
        return packaged
    # A development install runs from the checkout, where the documents stand beside the package.
    return Path(__file__).parents[2] / "docs" / "rules"


def listing() -> str:
    """All rules with their meaning, errors first."""
    rules = sorted(RULES.values(), key=lambda rule: (rule.severity is Severity.WARNING, rule.id))
    rows = [(_coloured(rule.id, rule.severity), rule.severity.value, rule.meaning) for rule in rules]
    return terminal.table(("RULE", "SEVERITY", "MEANS THAT"), rows)


def shown(rule: Rule, columns: int) -> str:
    """The page for a terminal: prose wrapped, examples indented, no marks of Markdown."""
    return "\n".join(_lines(rule, columns))


def _lines(rule: Rule, columns: int) -> Iterator[str]:
    yield _coloured(f"{rule.severity.value}[{rule.id}]", rule.severity)
    yield ""
    inside, prose = False, list[str]()
    for line in "\n\n".join([sentence(rule), body(rule.id), FIX + rule.fix]).splitlines():
        if line.startswith(_FENCE) or not line or inside:
            yield from _wrapped(prose, columns)
            prose = []
        if line.startswith(_FENCE):
            inside = not inside
        elif inside or not line:
            yield f"{terminal.INDENT}{line}".rstrip() if inside else ""
        else:
            prose.append(line)
    yield from _wrapped(prose, columns)


def _wrapped(prose: list[str], columns: int) -> Iterator[str]:
    if prose:
        text = _MARKS.sub(_plain, " ".join(prose))
        yield from textwrap.wrap(text, columns, break_long_words=False, break_on_hyphens=False)


def _plain(mark: re.Match[str]) -> str:
    return "'" if mark[0] == "`" else ""


def _coloured(text: str, severity: Severity) -> str:
    return click.style(text, fg="red" if severity is Severity.ERROR else "yellow", bold=True)
