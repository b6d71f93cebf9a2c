"""Values files for templates: which files they are, and what they say.

A path in `templates.values` of fleet.yaml may hold `{labels.region}` and the like, so that each cluster has files of
its own; every file that could be meant is read, and is no object of the fleet.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from reconciler.model.objects import BlobId
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Place, Problem
from reconciler.model.tree import Tree
from reconciler.source import hints, layout
from reconciler.source.documents import ParsedFile, problem_of
from reconciler.source.rules import problem

MEMBERS: Final = ("id", "name", "namespace", "kubernetes", "platform", "labels.KEY", "annotations.KEY")
"""What may stand in braces."""
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_SETTINGS: Final = Place(layout.SETTINGS_PATH)


def selected(tree: Tree, settings: Settings) -> Mapping[str, BlobId]:
    """Path to blob of every values file, sorted by path; those that are ignored as objects too."""
    if not settings.templates.values:
        return {}
    meant = re.compile("|".join(_expression(pattern) for pattern in settings.templates.values))
    return {path: tree.files[path] for path in sorted(tree.files) if meant.fullmatch(path)}


def _expression(pattern: str) -> str:
    literal = _PLACEHOLDER.split(pattern)[::2]
    return "[^/]+".join(map(re.escape, literal))


def read(settings: Settings, files: Mapping[str, ParsedFile]) -> tuple[dict[str, Any], list[Problem]]:
    """What values files say, by path, and what is wrong with them."""
    data: dict[str, Any] = {}
    problems = list(_unused(settings, files))
    for path, parsed in files.items():
        broken = {document.index for document in parsed.documents if document.broken}
        problems += [problem_of(fault, path, broken=fault.index in broken) for fault in parsed.faults]
        if broken:
            continue
        if len(parsed.documents) == 1 and isinstance(parsed.documents[0].value, Mapping):
            data[path] = parsed.documents[0].value
        elif parsed.documents:
            place = Place(path, parsed.documents[-1].index)
            problems.append(problem("values-file", place, (), "a values file is one mapping of names to values"))
        else:
            data[path] = {}
    return data, problems


def settings_problems(settings: Settings) -> Iterator[Problem]:
    """What is wrong with the paths in fleet.yaml."""
    for index, pattern in enumerate(settings.templates.values):
        field = ("templates", "values", index)
        if pattern != layout.normal(pattern) or ".." in pattern.split("/"):
            message = f"'{pattern}' is no path from the root of the repo"
            yield problem("settings-path", _SETTINGS, field, message, "Write it as `values/production.yaml`.")
        for member in _PLACEHOLDER.findall(pattern):
            if not _is_member(member.strip()):
                message = f"'{{{member}}}' is nothing that every cluster has"
                yield problem("settings-values", _SETTINGS, field, message, _hint(member))


def _unused(settings: Settings, paths: Iterable[str]) -> Iterator[Problem]:
    """Paths that no file fits."""
    for index, pattern in enumerate(settings.templates.values):
        if not any(re.fullmatch(_expression(pattern), path) for path in paths):
            message = f"no file in the repo is called '{pattern}'"
            yield problem("values-unused", _SETTINGS, ("templates", "values", index), message)


def _is_member(member: str) -> bool:
    head, dot, key = member.removeprefix("cluster.").partition(".")
    return bool(key) if head in ("labels", "annotations") else member in MEMBERS or (not dot and head in MEMBERS)


def _hint(member: str) -> str:
    return hints.did_you_mean(member, MEMBERS) or f"Write one of {hints.one_of(MEMBERS)}."
