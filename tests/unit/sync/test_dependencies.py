"""What a Subscription waits for on a cluster, from the repo and the status."""

import pytest

from reconciler.model.dependencies import dependents, without_cycles

CYCLES = {
    "none": ({"a": ("b",), "b": ()}, {"a": ("b",), "b": ()}, ()),
    "itself": ({"a": ("a", "b")}, {"a": ("b",)}, (("a",),)),
    "two": ({"a": ("b", "c"), "b": ("a",)}, {"a": ("c",), "b": ()}, (("a", "b"),)),
    "three beside one": (
        {"a": ("b",), "b": ("c",), "c": ("a",), "d": ("a",)},
        {"a": (), "b": (), "c": (), "d": ("a",)},
        (("a", "b", "c"),),
    ),
}


@pytest.mark.parametrize(("after", "kept", "cycles"), CYCLES.values(), ids=CYCLES.keys())
def test_dependencies_in_cycles_are_dropped_and_told(after: object, kept: object, cycles: object) -> None:
    assert without_cycles(after) == (kept, cycles)  # type: ignore[arg-type]


def test_who_depends_on_what_counts_once_and_not_in_a_circle() -> None:
    after = {"a": (), "b": ("a", "gone"), "c": ("a",), "d": ("e",), "e": ("d",)}
    assert dependents(after) == {"a": ("b", "c"), "gone": ("b",)}
