"""The laws of the house that imports cannot show: sizes, names, words."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
MODULES = sorted((TOP / "reconciler").rglob("*.py"))
MODULE_LINES = 300
FUNCTION_LINES = 60
MODULE_NAMES = {"utils", "util", "helper", "helpers", "common", "misc", "base", "manager"}
CLASS_NAMES = re.compile(r"(Manager|Helper|Util|Impl|Handler|Processor|Context|Common|Base|Data|Info|Service)$")
KUBERNETES_KINDS = {"Service", "Base"}
ADVERTS = re.compile(
    r"\b(robust|seamless(ly)?|comprehensive|blazing(ly)?|powerful|cutting-edge|effortless(ly)?|elegant(ly)?|world-class)\b",
    re.IGNORECASE,
)


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=TOP, check=True, capture_output=True, text=True
    ).stdout
    return [path for name in listed.split("\0") if name and (path := TOP / name).is_file()]


def definitions(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_module_is_small_and_well_named(path: Path) -> None:
    lines = path.read_text().count("\n")
    assert lines <= MODULE_LINES, f"{lines} lines; split by reason to change"
    assert path.stem not in MODULE_NAMES
    for node in definitions(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES, f"{node.name} has {length} lines"
        if isinstance(node, ast.ClassDef) and node.name not in KUBERNETES_KINDS:
            assert not CLASS_NAMES.search(node.name), f"class {node.name} is named after nothing"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_documents_state_facts_not_adverts() -> None:
    for path in tracked("*.md"):
        found = ADVERTS.search(path.read_text())
        assert found is None, f"{path.relative_to(TOP)} says {found and found[0]!r}"


def test_no_committed_file_names_a_registry_or_a_path_of_one_machine() -> None:
    # A letter in brackets keeps each word from finding itself here.
    hosts = re.compile(
        r"(index-ur[l]|GOPROX[Y]\s*=\s*http|\bpyp[i]\.org|pythonhoste[d]\.org|registry\.npmj[s]|proxy\.golan[g]\.org|"
        r"sum\.golan[g]\.org|deb\.debia[n]\.org|/roo[t]/|/wor[k]/main|/hom[e]/[a-z]+/)"
    )
    for path in tracked():
        if path.suffix in {".png", ".gz"}:
            continue
        found = hosts.search(path.read_text(errors="replace"))
        assert found is None, f"{path.relative_to(TOP)} names {found and found[0]!r}"
