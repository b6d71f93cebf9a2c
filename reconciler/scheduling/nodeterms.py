"""Node selectors with Kubernetes' meaning, over the labels of nodes (required affinity) and clusters (preferences)."""

from collections.abc import Mapping, Sequence

import msgspec

from reconciler.model.authored import NodeSelectorRequirement, PreferredSchedulingTerm
from reconciler.model.clusters import ClusterFacts


class Term(msgspec.Struct, frozen=True, order=True):
    """One requirement on one label."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it; an operator that does not exist is met by nothing."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value is not None and value in self.values
            case "NotIn":
                return value is None or value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case "Gt" | "Lt":
                return self._compares(value)
            case _:
                return False

    def _compares(self, value: str | None) -> bool:
        have, than = whole(value), whole(self.values[0]) if len(self.values) == 1 else None
        if have is None or than is None:
            return False
        return have > than if self.operator == "Gt" else have < than


def whole(text: str | None) -> int | None:
    """The whole number that a label value says, as Go's ParseInt reads it; None when it says none."""
    digits = text[1:] if text and text[0] in "+-" else text
    if text is None or not digits or not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        return None
    return int(text)


def score(cluster: ClusterFacts, preferred: Sequence[PreferredSchedulingTerm]) -> int:
    """Sum of the weights of the preferences that a cluster meets; an empty preference is met by none."""
    return sum(term.weight for term in preferred if _meets(cluster, term))


def _meets(cluster: ClusterFacts, term: PreferredSchedulingTerm) -> bool:
    labels = term.preference.match_expressions or ()
    fields = term.preference.match_fields or ()
    if not labels and not fields:
        return False
    name = {"metadata.name": cluster.name}
    return all(_term(one).holds(cluster.labels) for one in labels) and all(_term(one).holds(name) for one in fields)


def _term(requirement: NodeSelectorRequirement) -> Term:
    return Term(requirement.key, requirement.operator, tuple(requirement.values or ()))
