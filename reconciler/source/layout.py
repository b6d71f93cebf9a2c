"""Which files of a tree are read: by suffix, below the roots, not ignored.

What they mean is decided by the kinds of their objects, never by their paths.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from reconciler.model.objects import BlobId
from reconciler.model.settings import Settings
from reconciler.model.tree import Tree

SETTINGS_PATH = "fleet.yaml"
SUFFIXES = (".yaml", ".yml", ".json")
TEMPLATES = tuple(suffix + ".j2" for suffix in SUFFIXES)
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""Names of the file that makes a directory a kustomization."""
CHART = "/Chart.yaml"
"""The file that makes a directory a chart."""
_OF_HELM = r"(?:(?:templates|charts|crds)/|Chart\.yaml\Z|values[^/]*\.(?:ya?ml|json)\Z)"
"""What of a chart is helm's to read. Other files are read as everywhere, so that a stray Chart.yaml hides nothing."""


def selected(tree: Tree, settings: Settings) -> Mapping[str, BlobId]:
    """Path to blob of every file that is read, sorted by path.

    Never read: fleet.yaml, names that begin with a dot (below the root that is named), ignored paths, what is helm's of
    a chart, and the directory that objects are delivered into, which would otherwise come back as sources. The files
    that make kustomizations are read wherever they are, because bases may lie outside of the roots.
    """
    wanted = {path for path in _wanted(tree.files, settings) if path.endswith(SUFFIXES)}
    wanted.update(path for path in tree.files if path.endswith(KUSTOMIZATIONS) and is_kustomization(path))
    return {path: tree.files[path] for path in sorted(wanted)}


def templates(tree: Tree, settings: Settings) -> Mapping[str, BlobId]:
    """Path to blob of every template, sorted by path."""
    return {path: tree.files[path] for path in _wanted(sorted(tree.files), settings) if path.endswith(TEMPLATES)}


def is_kustomization(path: str) -> bool:
    """Whether a file makes its directory a kustomization."""
    return path.rpartition("/")[2] in KUSTOMIZATIONS


def visible(tree: Tree, settings: Settings) -> tuple[str, ...]:
    """Every path that is not ignored, whatever its suffix, sorted."""
    return tuple(_wanted(sorted(tree.files), settings))


def kustomizations(paths: Iterable[str]) -> frozenset[str]:
    """The directories of these files that are kustomizations; the root of the repo is the empty one."""
    split = (path.rpartition("/") for path in paths)
    return frozenset(directory for directory, _, name in split if name in KUSTOMIZATIONS)


def unreadable(tree: Tree, settings: Settings) -> Mapping[str, str]:
    """Path to reason of what may hold objects and cannot be read: links, submodules, files without rights."""
    paths = _wanted(sorted(tree.skipped), settings)
    return {
        path: tree.skipped[path]
        for path in paths
        if path.endswith(SUFFIXES + TEMPLATES) or "." not in path.rpartition("/")[2]
    }


def charts(paths: Iterable[str]) -> tuple[str, ...]:
    """The directories of these files that are charts, sorted; never the root, as everything would belong to it."""
    return tuple(sorted(path.removesuffix(CHART) for path in paths if path.endswith(CHART)))


def _wanted(paths: Collection[str], settings: Settings) -> Iterator[str]:
    roots = tuple(normal(root) for root in settings.roots)
    delivered = normal(settings.delivery.directory.path) if settings.delivery.to == "directory" else ""
    ignored = ignores(settings.ignore)
    directories = "|".join(re.escape(directory) for directory in charts(paths))
    charted = re.compile(f"(?:{directories})/{_OF_HELM}" if directories else r"(?!)")
    for path in paths:
        inside = path != SETTINGS_PATH and in_roots(path, roots)
        others = ignored.match(path) or charted.match(path)
        if inside and not others and not (delivered and path.startswith(delivered + "/")):
            yield path


def normal(path: str) -> str:
    """A directory relative to the root of the repo, without `./` and trailing `/`; the root itself is empty."""
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def in_roots(path: str, roots: Iterable[str]) -> bool:
    """Whether a path lies below one of the roots, without a hidden part on the way."""
    for root in roots:
        if path == root:
            return True
        below = path if not root else path.removeprefix(root + "/") if path.startswith(root + "/") else None
        if below is not None and not below.startswith(".") and "/." not in below:
            return True
    return False


def ignores(patterns: Iterable[str]) -> re.Pattern[str]:
    """One expression for all ignore patterns, to be matched against whole paths.

    `*` and `?` stay inside a name, `**` spans directories. A pattern without `/` holds at any depth, one with `/` from
    the root of the repo; a pattern that names a directory holds for everything below it.
    """
    return re.compile("|".join(_expression(pattern) for pattern in patterns) or r"(?!)")


_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]/]*\]|.", re.DOTALL)


def _expression(pattern: str) -> str:
    bare = pattern.strip().removeprefix("./").rstrip("/")
    anchored = "/" in bare
    body = "".join(_token(token) for token in _TOKEN.findall(bare.lstrip("/")))
    return f"{'' if anchored else '(?:.*/)?'}{body}(?:/.*)?\\Z" if bare else r"(?!)"


def _token(token: str) -> str:
    match token:
        case "**/":
            return "(?:.*/)?"
        case "**":
            return ".*"
        case "*":
            return "[^/]*"
        case "?":
            return "[^/]"
        case _:
            return _literal(token)


def _literal(token: str) -> str:
    if len(token) > 2 and token[0] == "[":
        inside = token[1:-1].replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^")
        try:
            return re.compile(f"(?!/)[{'^' + inside[1:] if inside[0] == '!' else inside}]").pattern
        except re.error:
            pass
    return re.escape(token)
