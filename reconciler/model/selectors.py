"""Label selectors with Kubernetes' meaning, read from text, and answered for many labelled things at once.

An index is built once per set of things; a selector is then a few set operations, whatever the number of things. Both
subscribers and Globalizations ask it, so that one selector means one thing.
"""

import re
from collections.abc import Mapping

from reconciler.model.authored import LabelSelector, LabelSelectorRequirement

_NOTHING: frozenset[str] = frozenset()


class LabelIndex:
    """Which things carry which labels. Immutable once built."""

    def __init__(self, labelled: Mapping[str, Mapping[str, str]]) -> None:
        """Index things by their labels: identity of a thing -> its labels."""
        self.everything = frozenset(labelled)
        found: dict[str, dict[str, set[str]]] = {}
        for thing, labels in labelled.items():
            for key, value in labels.items():
                found.setdefault(key, {}).setdefault(value, set()).add(thing)
        self._by_value = {key: {value: frozenset(s) for value, s in values.items()} for key, values in found.items()}
        self._by_key = {key: _NOTHING.union(*values.values()) for key, values in self._by_value.items()}

    def values(self, key: str) -> tuple[str, ...]:
        """The values that a label has anywhere, sorted."""
        return tuple(sorted(self._by_value.get(key, ())))

    def select(self, selector: LabelSelector) -> frozenset[str]:
        """All things that the selector matches; an empty selector matches everything. Precondition: it is valid."""
        chosen = self.everything
        for key, value in (selector.match_labels or {}).items():
            chosen &= self._by_value.get(key, {}).get(value, _NOTHING)
        for term in selector.match_expressions or ():
            chosen = self._fitting(chosen, term)
        return chosen

    def _fitting(self, chosen: frozenset[str], term: LabelSelectorRequirement) -> frozenset[str]:
        values = self._by_value.get(term.key, {})
        listed = _NOTHING.union(*(values.get(value, _NOTHING) for value in term.values or ()))
        match term.operator:
            case "In":
                return chosen & listed
            case "NotIn":
                return chosen - listed
            case "Exists":
                return chosen & self._by_key.get(term.key, _NOTHING)
            case "DoesNotExist":
                return chosen - self._by_key.get(term.key, _NOTHING)


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether a selector matches one thing with these labels."""
    return bool(LabelIndex({"": labels}).select(selector))


def keys_of(selector: LabelSelector) -> frozenset[str]:
    """The label keys that a selector looks at."""
    return frozenset(selector.match_labels or ()) | {term.key for term in selector.match_expressions or ()}


_TERM = re.compile(
    r"""\s*(?: (?P<absent>!)\s*(?P<gone>[\w./-]+)
           | (?P<key>[\w./-]+)\s+(?P<set>in|notin)\s*\((?P<values>[^)]*)\)
           | (?P<name>[\w./-]+)\s*(?:(?P<op>==|=|!=)\s*(?P<value>[\w.-]*))? )\s*(?:,|$)""",
    re.VERBOSE,
)


def parsed(text: str) -> LabelSelector | None:
    """A selector in kubectl's syntax: `a=b,c!=d,e in (f,g),h,!i`; None when it is none. No text selects everything."""
    terms, position = [], 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or match.end() == position:
            return None
        terms.append(_term(match))
        position = match.end()
    return LabelSelector(match_expressions=terms)


def _term(match: re.Match[str]) -> LabelSelectorRequirement:
    if match["absent"]:
        return LabelSelectorRequirement(key=match["gone"], operator="DoesNotExist")
    if match["set"]:
        values = [value.strip() for value in match["values"].split(",")]
        return LabelSelectorRequirement(
            key=match["key"], operator="In" if match["set"] == "in" else "NotIn", values=values
        )
    if match["op"]:
        values = [match["value"]]
        if match["op"] == "!=":
            return LabelSelectorRequirement(key=match["name"], operator="NotIn", values=values)
        return LabelSelectorRequirement(key=match["name"], operator="In", values=values)
    return LabelSelectorRequirement(key=match["name"], operator="Exists")
