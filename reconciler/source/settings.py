"""`fleet.yaml`: read strictly, every mistake with its position. A credential in it is a problem, and never echoed."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from reconciler.model.settings import Access, Settings
from reconciler.model.snapshot import Place, Problem
from reconciler.source import charts, datafiles, documents, fields, healthexpressions, layout, locate, rollouts, tenants
from reconciler.source.rules import problem

_PLACE: Final = Place(layout.SETTINGS_PATH)
_CREDENTIAL: Final = re.compile(r"^[a-z+]+://[^/@\s]+:[^/@\s]+@")
_NOT_A_BRANCH: Final = re.compile(r"[\x00-\x20~^:?*\[\\\x7f]|\.\.|@\{|//|/\.|\.lock(/|$)")
_POINTER: Final = re.compile(r"(/([^~/]|~[01])+)+")

_HINT: Final = "Use letters, digits, '-', '_', '.' and '/', with none of the last three at its ends."


def read_settings(content: bytes | None) -> tuple[Settings | None, tuple[Problem, ...]]:
    """The settings, or None when they cannot be used, and all problems with line and column.

    None as content means that the repo has no fleet.yaml.
    """
    if content is None:
        missing = problem("no-settings", _PLACE, (), "there is no fleet.yaml at the root of the repo")
        return None, (msgspec.structs.replace(missing, line=1, column=1),)
    parsed = documents.everything(content)
    faults = tuple(documents.problem_of(fault, layout.SETTINGS_PATH, broken=True) for fault in parsed.faults)
    if any(document.broken for document in parsed.documents):
        return None, faults
    if len(parsed.documents) != 1:
        return None, locate.locate([_not_one(parsed)], {layout.SETTINGS_PATH: content})
    settings, problems = fields.convert(parsed.documents[0].value, Settings, _PLACE)
    if settings is not None:
        problems = tuple(_checks(settings))
    broken = any(found.severity == "error" for found in problems)
    located = locate.locate(problems, {layout.SETTINGS_PATH: content})
    return (None if broken else settings), faults + located


def _not_one(parsed: documents.ParsedFile) -> Problem:
    if not parsed.documents:
        return problem("missing-field", _PLACE, ("fleet",), "fleet.yaml is empty", "Write at least `fleet: NAME`.")
    second = Place(layout.SETTINGS_PATH, parsed.documents[1].index)
    return problem("wrong-value", second, (), "fleet.yaml is more than one document", "Keep one document.")


def _checks(settings: Settings) -> Iterator[Problem]:
    yield from _accesses(settings)
    yield from _paths(settings)
    yield from _branches(settings)
    yield from _keys(settings)
    yield from _replicas(settings)
    yield from charts.settings_problems(settings.charts.repositories)
    yield from datafiles.settings_problems(settings)
    yield from healthexpressions.settings_problems(settings)
    yield from tenants.settings_problems(settings)
    yield from rollouts.settings_problems(settings)


def _accesses(settings: Settings) -> Iterator[Problem]:
    for name, access in settings.clusters.access.items():
        yield from _access(access, ("clusters", "access", name))
    if settings.clusters.parent is not None:
        yield from _access(settings.clusters.parent, ("clusters", "parent"))
    elif settings.clusters.source == "parent":
        yield problem("settings-parent", _PLACE, ("clusters", "from"), "clusters come from a parent that is not named")


def _access(access: Access, path: tuple[str, ...]) -> Iterator[Problem]:
    given = [access.context is not None, access.kubeconfig_env is not None, access.in_cluster]
    if sum(given) != 1:
        what = "more than one way" if sum(given) else "no way"
        hint = "Write exactly one of `context`, `kubeconfigEnv` and `inCluster`."
        yield problem("settings-access", _PLACE, path, f"{fields.dotted(path)} says {what} to reach the cluster", hint)


def _paths(settings: Settings) -> Iterator[Problem]:
    for index, root in enumerate(settings.roots):
        if root.startswith("/") or ".." in root.split("/"):
            yield problem("settings-path", _PLACE, ("roots", index), f"root '{root}' leads out of the repo")
    if not settings.roots:
        yield problem(
            "settings-path", _PLACE, ("roots",), "roots is empty, so that nothing is read", "Write `roots: [.]`."
        )
    repos = {
        ("delivery", "branches", "repo"): settings.delivery.branches.repo,
        ("status", "repo"): settings.status.repo,
    }
    for path, repo in repos.items():
        if repo is not None and _CREDENTIAL.match(repo):
            yield problem("settings-credential", _PLACE, path, f"{fields.dotted(path)} holds a password or token")


def _branches(settings: Settings) -> Iterator[Problem]:
    names = {
        ("status", "branch"): settings.status.branch,
        ("delivery", "branches", "prefix"): settings.delivery.branches.prefix + "x",
    }
    for path, name in names.items():
        if not name or _NOT_A_BRANCH.search(name) or name[0] in "/.-" or name[-1] in "/.":
            yield problem("settings-branch", _PLACE, path, f"{fields.dotted(path)} makes no valid branch name", _HINT)


def _keys(settings: Settings) -> Iterator[Problem]:
    for index, key in enumerate(settings.signatures.ssh):
        if not re.match(r"(ssh-|ecdsa-|sk-)[\w@.-]+ [A-Za-z0-9+/=]+", key):
            yield _key("ssh", index, key, "an `authorized_keys` line: `ssh-ed25519 AAAA…`")
    for index, key in enumerate(settings.signatures.gpg):
        if "BEGIN PGP PUBLIC KEY BLOCK" not in key:
            yield _key("gpg", index, key, "an ASCII-armoured public key")


def _replicas(settings: Settings) -> Iterator[Problem]:
    """A pointer that is none would let a kind go whole to every cluster, N times its replicas."""
    declared: set[tuple[str, str]] = set()
    for index, one in enumerate(settings.scheduling.replica_paths):
        path = ("scheduling", "replicaPaths", index)
        if (one.api_version, one.kind) in declared:
            yield problem("settings-replicas", _PLACE, path, f"{one.kind} of {one.api_version} is told twice")
        declared.add((one.api_version, one.kind))
        for member, pointer in (("path", one.path), ("template", one.template)):
            if pointer is not None and not _POINTER.fullmatch(pointer):
                message = f"'{pointer}' is no JSON pointer to a member of the object"
                yield problem("settings-replicas", _PLACE, (*path, member), message)


def _key(sort: str, index: int, key: str, wanted: str) -> Problem:
    path = ("signatures", sort, index)
    if "PRIVATE KEY" in key:
        return problem("settings-credential", _PLACE, path, f"{fields.dotted(path)} is a private key")
    return problem("settings-key", _PLACE, path, f"{fields.dotted(path)} is not {wanted}")
