"""What a chart says of its values: its own, and which ones its templates read, as far as their text tells.

The text of templates is searched, not run, so the answer errs on the side of "read": what is handed on whole, or looked
up by a name that is computed, makes every value count as read.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.objects import Object
from reconciler.source import documents

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NAMES = r"(?P<names>(?:\s+\"[^\"]*\")+)"
_INDEXED = re.compile(rf"\b(?:index|hasKey|get|pick)\s+\$?\.Values(?P<path>(?:\.\w+)*){_NAMES}(?P<more>\s+[$.(])?")
_DUG = re.compile(r"\bdig(?P<names>(?:\s+\"[^\"]*\")+)\s+(?:\S+|\([^)]*\))\s+\$?\.Values(?P<path>(?:\.\w+)*)")
_PLAIN = re.compile(r"\.Values(?P<path>(?:\.\w+)*)")
_QUOTED = re.compile(r"\"([^\"]*)\"")
_TPL = re.compile(r"\btpl\b")
_FILES = re.compile(r"\.Files\b")
_CHANCE = re.compile(
    r"(?<![\w.])(rand(?:AlphaNum|Alpha|Numeric|Ascii|Bytes|Int)|uuidv4|gen(?:PrivateKey|CA|CAWithKey|SelfSignedCert|"
    r"SelfSignedCertWithKey|SignedCert|SignedCertWithKey)|htpasswd|bcrypt|encryptAES|now|shuffle)\b"
)


class Reads(msgspec.Struct, frozen=True):
    """Which values the templates of a chart read."""

    pointers: frozenset[str]
    """JSON pointers; what lies below one counts as read too."""
    everything: bool
    chance: tuple[str, ...] = ()
    """Functions that make something else each time, with their files: `templates/secret.yaml: randAlphaNum`."""


def defaults(files: Mapping[str, bytes]) -> Object:
    """The chart's values.yaml, those of its subcharts laid below their names."""
    own = _mapping(files, "values.yaml")
    below: dict[str, Any] = {}
    for names, sub in _subcharts(files):
        for name in names:
            below[name] = defaults(sub)
    return _laid(below, own)


def reads(files: Mapping[str, bytes]) -> Reads:
    """Which values the templates read, those of subcharts with their prefix."""
    found: set[str] = set()
    chance: list[str] = []
    everything = _scan(files, found, chance, "", "")
    return Reads(frozenset(found), everything, tuple(sorted(set(chance))))


def _scan(files: Mapping[str, bytes], found: set[str], chance: list[str], prefix: str, where: str) -> bool:
    """Add what a chart and its subcharts read; whether values are handed on whole."""
    texts = {path: content.decode(errors="replace") for path, content in files.items() if _is_template(path)}
    whole = False
    for path, text in _looked_into(texts, files).items():
        for action in _ACTION.findall(text):
            pointers, all_of_them = _of_action(_COMMENT.sub("", action))
            whole |= all_of_them
            for pointer in pointers:
                found.add(pointer if pointer.startswith("/global/") or pointer == "/global" else prefix + pointer)
                if prefix and path.rpartition("/")[2].startswith("_"):
                    found.add(pointer)  # a parent may call what is defined here with its own values
            chance.extend(f"{where}{path}: {function}" for function in _CHANCE.findall(action))
    found.update(_conditions(files, prefix))
    for names, sub in _subcharts(files):
        for name in names:
            whole |= _scan(sub, found, chance, f"{prefix}/{_escaped(name)}", f"{where}charts/{name}/")
    return whole


def _is_template(path: str) -> bool:
    return path.startswith("templates/") and not path.endswith("NOTES.txt")


def _looked_into(texts: Mapping[str, str], files: Mapping[str, bytes]) -> Mapping[str, str]:
    """The templates, and what they may fill as a template: values, and files that they read."""
    more: dict[str, str] = {}
    everything = "\n".join(texts.values())
    if _TPL.search(everything):
        more["values.yaml"] = files.get("values.yaml", b"").decode(errors="replace")
        if _FILES.search(everything):
            for path, content in files.items():
                if not path.startswith(("templates/", "charts/", "crds/")):
                    more[path] = content.decode(errors="replace")
    return {**texts, **more}


def _of_action(action: str) -> tuple[set[str], bool]:
    found: set[str] = set()
    whole = False
    rest = action
    for shape in (_INDEXED, _DUG):
        for match in shape.finditer(rest):
            found.add(_pointer(match["path"].split(".")[1:] + _QUOTED.findall(match["names"])))
        rest = shape.sub(" ", rest)
    for match in _PLAIN.finditer(rest):
        path = match["path"].split(".")[1:]
        whole |= not path
        if path:
            found.add(_pointer(path))
    return found, whole


def _pointer(names: list[str]) -> str:
    return "".join(f"/{_escaped(name)}" for name in names)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _conditions(files: Mapping[str, bytes], prefix: str) -> Iterator[str]:
    """What decides whether subcharts are used."""
    for wanted in _dependencies(files):
        for path in str(wanted.get("condition") or "").split(","):
            if path.strip():
                yield prefix + _pointer(path.strip().split("."))
        for tag in wanted.get("tags") or ():
            yield f"/tags/{_escaped(str(tag))}"


def _dependencies(files: Mapping[str, bytes]) -> list[Mapping[str, Any]]:
    listed = _mapping(files, "Chart.yaml").get("dependencies")
    return [wanted for wanted in listed if isinstance(wanted, Mapping)] if isinstance(listed, list) else []


def _subcharts(files: Mapping[str, bytes]) -> Iterator[tuple[list[str], Mapping[str, bytes]]]:
    """The names below which a subchart's values lie (its aliases), and its files."""
    parts: dict[str, dict[str, bytes]] = {}
    for path, content in files.items():
        head, _, rest = path.removeprefix("charts/").partition("/")
        if path.startswith("charts/") and rest:
            parts.setdefault(head, {})[rest] = content
    aliases: dict[str, list[str]] = {}
    for wanted in _dependencies(files):
        name = str(wanted.get("name"))
        aliases.setdefault(name, []).append(str(wanted.get("alias") or name))
    for directory, sub in sorted(parts.items()):
        name = str(_mapping(sub, "Chart.yaml").get("name") or directory)
        yield aliases.get(name, [name]), sub


def _mapping(files: Mapping[str, bytes], path: str) -> Mapping[str, Any]:
    for document in documents.everything(files.get(path, b"")).documents:
        return document.value if isinstance(document.value, Mapping) else {}
    return {}


def _laid(under: Mapping[str, Any], over: Mapping[str, Any]) -> Mapping[str, Any]:
    """One over the other, mappings merged; null takes a key away, as helm does it."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = _laid(below, value)
        elif value is None and key in merged:
            del merged[key]
        else:
            merged[key] = value
    return merged
