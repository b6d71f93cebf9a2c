"""What helm says when it cannot render, told without its words: those may quote values, and values may be secrets.

Told are places in the chart's own files, its own template text, names of functions and pointers into the values.
Everything else of helm's words is left out; who needs it runs helm by hand.
"""

import re
from collections.abc import Iterator, Mapping

from reconciler.model.inflation import Fault

_SPOT = re.compile(
    r"(?P<file>[\w.+-]+/(?:[\w.+-]+/)*(?:templates|crds)/[^\s:()\"']+):(?P<line>\d+)(?::(?P<column>\d+))?"
)
_NO_YAML = re.compile(r"YAML parse error on (?P<file>[\w.+-]+/[^\s:]+)")
_VERSION = re.compile(
    r"requires kubeVersion: (?P<wants>[^\n]{1,80}?) which is incompatible with Kubernetes (?P<has>v\S+)"
)
_AT = re.compile(r"at <(?P<expression>[^\n]{1,200}?)>:")
_CALLING = re.compile(r"(?:error calling|wrong number of args for) (?P<function>\w+)")
_SCHEMA = re.compile(r"^- at '(?P<pointer>[^'\n]*)': (?P<why>[^\n]*)$", re.MULTILINE)
_SAFE = re.compile(
    r"got \w+, want [\w, ]+|missing propert(?:y|ies) [^\n]*|value must be one of [^\n]*|"
    r"(?:minimum|maximum|minLength|maxLength|minItems|maxItems|multipleOf|exclusiveMinimum|exclusiveMaximum)(?=:)|"
    r"additional properties (?=')"
)
_SHOWN = 3
_LINE = 120
_BY_HAND = "Run `helm template` by hand to see its own words, which are not told here because they may hold values."


def rendering(stderr: str, files: Mapping[str, bytes]) -> Fault:
    """Why helm could not render a chart with these files."""
    if "the specifications of the schema" in stderr:
        wrong = list(_violations(stderr))
        more = f" (and {len(wrong) - _SHOWN} more)" if len(wrong) > _SHOWN else ""
        told = "; ".join(wrong[:_SHOWN]) + more
        return Fault("chart-values", f"the values do not fit the chart's schema: {told}", "Correct the values.")
    version = _VERSION.search(stderr)
    if version:
        what = f"the chart wants Kubernetes {version['wants']}, and the cluster has {version['has']}"
        return Fault("chart-render", what, "Deliver a version of the chart that fits, or choose other clusters.")
    if "release name check failed" in stderr:
        what = "the name of the HelmChart is no name for a release: at most 53 lower case letters, digits, '-' and '.'"
        return Fault("chart-render", what, "Give the HelmChart another name.")
    if "parse error at (" in stderr or "YAML parse error on" in stderr:
        return _unreadable(stderr)
    return _failing(stderr, files)


def _violations(stderr: str) -> Iterator[str]:
    for found in _SCHEMA.finditer(stderr):
        safe = _SAFE.match(found["why"])
        what = safe[0].strip() if safe else "does not fit"
        yield f"{found['pointer'] or '/'}: {'unknown properties' if what.startswith('additional') else what}"


def _unreadable(stderr: str) -> Fault:
    yaml = _NO_YAML.search(stderr)
    if yaml:
        return Fault("chart-render", f"{yaml['file']}: with these values it makes no object that can be read", _BY_HAND)
    spot = _SPOT.search(stderr)
    where = _shown(spot) if spot else "a template"
    return Fault("chart-invalid", f"{where}: this template cannot be parsed", "Correct the chart.")


def _failing(stderr: str, files: Mapping[str, bytes]) -> Fault:
    spots = list(_SPOT.finditer(stderr))
    if not spots:
        return Fault("chart-render", "helm cannot render this chart with these values", _BY_HAND)
    spot = spots[-1]
    why = "the chart refuses its values" if "execution error at (" in stderr else _reason(stderr[spot.end() :])
    text = _text(spot, stderr, files)
    return Fault("chart-render", f"template: {_shown(spot)}: {why}{f': {text}' if text else ''}", _BY_HAND)


def _reason(words: str) -> str:
    function = _CALLING.search(words)
    if function:
        return f"the function {function['function']} failed"
    if "nil pointer evaluating" in words or "can't evaluate field" in words:
        return "a value that it reads is absent, or of another type"
    return "it cannot be filled"


def _text(spot: re.Match[str], stderr: str, files: Mapping[str, bytes]) -> str:
    """What the chart itself says at that place: the expression that failed, or the line."""
    content = files.get(spot["file"].partition("/")[2], b"")
    expression = _AT.search(stderr, spot.end())
    if expression and expression["expression"].encode() in content:
        return expression["expression"][:_LINE]
    lines = content.decode(errors="replace").splitlines()
    number = int(spot["line"])
    return lines[number - 1].strip()[:_LINE] if 0 < number <= len(lines) else ""


def _shown(spot: re.Match[str]) -> str:
    return ":".join(part for part in (spot["file"], spot["line"], spot["column"]) if part)
