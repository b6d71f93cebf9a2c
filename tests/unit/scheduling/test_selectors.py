"""Label selectors mean what Kubernetes means by them."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.authored import LabelSelector, LabelSelectorRequirement
from reconciler.model.selectors import LabelIndex, keys_of

THINGS = {
    "none": {},
    "prod": {"env": "prod", "gpu": ""},
    "dev": {"env": "dev"},
    "zone": {"zone": "a"},
}


def select(**selector):
    return LabelIndex(THINGS).select(msgspec.convert(selector, LabelSelector))


def expression(key, operator, *values):
    return {"key": key, "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        pytest.param({}, {"none", "prod", "dev", "zone"}, id="empty matches everything"),
        pytest.param({"matchLabels": {"env": "prod"}}, {"prod"}, id="equality"),
        pytest.param({"matchLabels": {"env": "prod", "zone": "a"}}, set(), id="all labels must match"),
        pytest.param({"matchLabels": {"gpu": ""}}, {"prod"}, id="an empty value is a value"),
        pytest.param({"matchExpressions": [expression("env", "In", "prod", "qa")]}, {"prod"}, id="In"),
        pytest.param({"matchExpressions": [expression("env", "NotIn", "prod")]}, {"none", "dev", "zone"}, id="NotIn"),
        pytest.param({"matchExpressions": [expression("env", "Exists")]}, {"prod", "dev"}, id="Exists"),
        pytest.param({"matchExpressions": [expression("env", "DoesNotExist")]}, {"none", "zone"}, id="DoesNotExist"),
        pytest.param(
            {"matchLabels": {"env": "prod"}, "matchExpressions": [expression("gpu", "DoesNotExist")]},
            set(),
            id="labels and expressions both must match",
        ),
    ],
)
def test_selector_matches(selector, chosen):
    assert select(**selector) == chosen


def test_keys_of_a_selector_are_those_of_labels_and_expressions():
    term = LabelSelectorRequirement(key="env", operator="Exists")
    assert keys_of(LabelSelector(match_labels={"zone": "a"}, match_expressions=[term])) == {"env", "zone"}


KEYS, VALUES = st.sampled_from("abc"), st.sampled_from("xy")
LABELS = st.dictionaries(KEYS, VALUES, max_size=3)
TERMS = st.builds(
    lambda key, operator, values: LabelSelectorRequirement(
        key=key, operator=operator, values=values if operator in ("In", "NotIn") else None
    ),
    KEYS,
    st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
    st.lists(VALUES, min_size=1, max_size=2),
)


def matches_one_by_one(selector, labels):
    def term_holds(term):
        match term.operator:
            case "In":
                return labels.get(term.key) in term.values
            case "NotIn":
                return labels.get(term.key) not in term.values
            case "Exists":
                return term.key in labels
            case _:
                return term.key not in labels

    wanted = selector.match_labels.items()
    return all(labels.get(k) == v for k, v in wanted) and all(map(term_holds, selector.match_expressions))


@settings(max_examples=100)
@given(st.lists(LABELS, max_size=6), st.builds(LabelSelector, match_labels=LABELS, match_expressions=st.lists(TERMS)))
def test_index_answers_as_asking_each_thing_does(labelled, selector):
    things = {str(number): labels for number, labels in enumerate(labelled)}
    expected = {name for name, labels in things.items() if matches_one_by_one(selector, labels)}
    assert LabelIndex(things).select(selector) == expected
