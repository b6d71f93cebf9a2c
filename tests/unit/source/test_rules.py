"""The table of rules: complete, documented, and the only place where rules come from."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import reconciler
from reconciler.model.settings import Access, Settings
from reconciler.source.rules import RULES

PACKAGE = Path(reconciler.__file__).parent
PAGE = (PACKAGE.parent / "docs" / "fleet-repo.md").read_text()
ROWS = {row[0]: row[1:] for row in re.findall(r"^\| `([a-z0-9-]+)` \| (error|warning) \| (.*) \| (.*) \|$", PAGE, re.M)}
SETTINGS = PAGE[PAGE.index("## fleet.yaml") : PAGE.index("## Problems")]
FIELDS = set(re.findall(r"^\| `([a-zA-Z.]+)` \|", SETTINGS, re.M))
ROOMS = ("source", "scheduling", "render", "sync")
RULE_AT = {"problem": 0, "finding": 1, "Problem": 2}
"""Position of the rule among the arguments of the functions that make problems."""


def test_page_tells_every_rule_as_the_code_does() -> None:
    assert {rule.id: (rule.severity.value, rule.meaning, rule.fix) for rule in RULES.values()} == ROWS


def _literals() -> Iterator[tuple[str, str]]:
    """Every rule that is written out where a problem is made, with its file."""
    for room in ROOMS:
        for path in sorted((PACKAGE / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                    at = RULE_AT.get(name)
                    if at is not None and len(node.args) > at:
                        rule: Any = getattr(node.args[at], "value", None)
                        if isinstance(rule, str):
                            yield rule, path.name


def test_every_rule_in_the_code_is_in_the_table() -> None:
    assert [(rule, where) for rule, where in _literals() if rule not in RULES] == []


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_rule_is_a_sentence_and_a_way_out(rule: Any) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id)
    assert not rule.meaning.endswith(".")
    assert rule.fix.endswith(".")
    assert rule.fix[0].isupper()


def _paths(model: type, prefix: str) -> Iterator[str]:
    for field in msgspec.structs.fields(model):
        path = prefix + field.encode_name
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _paths(field.type, path + ".")
        else:
            yield path


def test_page_has_every_field_of_the_settings() -> None:
    expected = set(_paths(Settings, "")) | set(_paths(Access, "clusters.access.NAME."))
    assert expected == FIELDS
