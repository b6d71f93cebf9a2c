"""Changes of the fleet on a command line, in kubectl's words: clusters join and leave, labels, taints, capacity."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reconciler.cli.clusterview import label_changes
from reconciler.model import authored
from reconciler.model.clusters import ClusterFacts, TaintFact, facts_of
from reconciler.model.errors import UsageError
from reconciler.model.requests import amount
from reconciler.model.snapshot import Place
from reconciler.planning.whatif import Changes, Resize
from reconciler.source import documents, fields

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_TAINT = re.compile(r"(?P<key>[\w./-]+?)(?:=(?P<value>[\w.-]*))?(?::(?P<effect>\w+))?(?P<gone>-?)")
_RESIZE = re.compile(r"(?P<resource>[\w./-]+)=(?P<sign>[+-]?)(?P<number>[\w.]+)(?P<percent>%?)")


def parsed(given: dict[str, Any], facts: Mapping[str, ClusterFacts]) -> Changes:
    """What a command line changes. UsageError for a cluster that is not there, and for words that mean nothing."""
    added = tuple(cluster for path in given["add"] for cluster in _clusters(Path(path), facts))
    fleet = {**facts, **{cluster.id: cluster for cluster in added}}

    def one(name: str) -> str:
        return _named(fleet, name)

    changes = Changes(
        added=added,
        labels=tuple(
            (one(name), key, value) for name, word in given["label"] for key, value in label_changes([word]).items()
        ),
        taints=tuple((one(name), *_taint(word)) for name, word in given["taint"]),
        resized=tuple((one(name), _resize(fleet[one(name)], word)) for name, word in given["capacity"]),
        lost=tuple(one(name) for name in given["lose"]),
        removed=tuple(one(name) for name in given["remove"]),
    )
    if changes == Changes():
        raise UsageError(
            "no-change", "nothing is said to change", "--add, --remove, --lose, --label, --taint, --capacity"
        )
    return changes


def _named(fleet: Mapping[str, ClusterFacts], name: str) -> str:
    """The id of the one cluster of that name, `namespace/name` or id."""
    found = [i for i, cluster in fleet.items() if name in (cluster.name, cluster.binding, i)]
    if len(found) == 1:
        return found[0]
    if found:
        choice = ", ".join(fleet[i].binding for i in found)
        raise UsageError("ambiguous-cluster", f"{len(found)} clusters are called {name}", f"name one: {choice}")
    names = ", ".join(sorted(cluster.name for cluster in fleet.values())[:8])
    raise UsageError("unknown-cluster", f"no cluster {name} in this fleet", f"there are: {names}")


def _clusters(path: Path, facts: Mapping[str, ClusterFacts]) -> Iterator[ClusterFacts]:
    if not path.is_file():
        raise UsageError("no-file", f"there is no file {path}", "a file with a ManagedCluster")
    parsed = documents.parse(path.read_bytes())
    if parsed.faults:
        raise UsageError("bad-file", f"{path}:{parsed.faults[0].fault.line}: {parsed.faults[0].fault.message}")
    bodies = [document.value for document in parsed.documents if document.value.get("kind") == "ManagedCluster"]
    if not bodies:
        raise UsageError("no-cluster", f"{path} holds no ManagedCluster")
    for body in bodies:
        value, problems = fields.convert(body, authored.ManagedCluster, Place(str(path)), ())
        if value is None:
            raise UsageError("bad-file", f"{path}: {problems[0].message}", problems[0].hint)
        cluster = facts_of(body)
        if cluster.id in facts:
            what = f"{path}: the fleet has a cluster with the id of {cluster.name} already"
            raise UsageError("cluster-exists", what, f"it is {facts[cluster.id].name}")
        yield cluster


def _taint(word: str) -> tuple[TaintFact, bool]:
    """`key=value:Effect` comes, `key:Effect-` and `key-` go."""
    match = _TAINT.fullmatch(word)
    gone = bool(match and match["gone"])
    if match is None or (match["effect"] not in _EFFECTS if not gone or match["effect"] else False):
        hint = f"KEY=VALUE:EFFECT or KEY:EFFECT-; effects are {', '.join(_EFFECTS)}"
        raise UsageError("bad-taint", f"{word!r} is no taint", hint)
    return TaintFact(match["key"], match["effect"] or "", match["value"] or ""), gone


def _resize(cluster: ClusterFacts, word: str) -> Resize:
    match = _RESIZE.fullmatch(word)
    if match is None or (match["percent"] and not (match["sign"] and match["number"].isdecimal())):
        raise UsageError("bad-capacity", f"{word!r} is no change of capacity", "cpu=-50%, memory=+8Gi or cpu=4")
    resource, sign = match["resource"], -1 if match["sign"] == "-" else 1
    if not (match["sign"] and not match["percent"]) and resource not in cluster.allocatable:
        what = f"nothing is known of the {resource} of cluster {cluster.name}, so it cannot be changed in proportion"
        raise UsageError("unknown-capacity", what, "reconciler cluster export; or say how much more: +4")
    if match["percent"]:
        return Resize(resource, percent=sign * int(match["number"]))
    try:
        exact = amount(resource, match["number"])
    except ValueError as error:
        raise UsageError("bad-capacity", f"{match['number']!r} is no quantity", "500m, 4, 8Gi") from error
    return Resize(resource, by=sign * exact) if match["sign"] else Resize(resource, to=exact)
