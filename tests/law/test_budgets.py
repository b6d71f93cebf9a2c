"""The laws of the house that imports cannot show: sizes, names, words."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

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


def offences(path: Path) -> Iterator[str]:
    """What a module breaks, one line each."""
    where, text = path.relative_to(TOP), path.read_text()
    tree = ast.parse(text)
    if text.count("\n") > MODULE_LINES:
        yield f"{where} has {text.count(chr(10))} lines; split by reason to change"
    if path.stem in MODULE_NAMES:
        yield f"{where} is named after nothing"
    if not ast.get_docstring(tree):
        yield f"{where} does not say what it is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{where}: {node.name} has {length} lines"
        elif isinstance(node, ast.ClassDef) and node.name not in KUBERNETES_KINDS and CLASS_NAMES.search(node.name):
            yield f"{where}: class {node.name} is named after nothing"


def test_modules_are_small_well_named_and_say_what_they_are_for() -> None:
    assert [offence for path in MODULES for offence in offences(path)] == []


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
