"""Line and column for problems that know only their field, by reading again just the documents that have problems.

A field is found by its key, an item of a list by its beginning; where the path ends before the field (it is missing),
the innermost thing that exists is named.
"""

from collections.abc import Iterable, Mapping

import msgspec

from reconciler.model.snapshot import Problem
from reconciler.source import layout, positions, templates


def locate(problems: Iterable[Problem], contents: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """The problems with `line` and `column`, in `order`. Files that are absent from `contents` are left at line 0."""
    documents: dict[tuple[str, int], positions.Node | None] = {}
    located = []
    for problem in problems:
        place = problem.place
        if problem.line or place.path not in contents:
            located.append(problem)
            continue
        if place.path.endswith(layout.TEMPLATES):
            line = templates.parse(contents[place.path]).line(place.document)
            located.append(msgspec.structs.replace(problem, line=line, column=1))
            continue
        where = (place.path, place.document)
        if where not in documents:
            documents[where] = positions.of_document(contents[place.path], place.document)
        root = documents[where]
        node = positions.find(root, problem.field) if root is not None else None
        line, column = (node.line, node.column) if node is not None else (1, 1)
        located.append(msgspec.structs.replace(problem, line=line, column=column))
    return tuple(sorted(located, key=order))


def order(problem: Problem) -> tuple[object, ...]:
    """Problems sort by file, then by position as far as it is known, then by rule and text."""
    place = problem.place
    where = (place.path, problem.line, problem.column, place.document, place.item)
    return (*where, problem.rule, tuple(str(step) for step in problem.field), problem.message)
