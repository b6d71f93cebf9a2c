"""Static dividing: the worked vectors of contract §2.7, and the laws behind them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.scheduling.divide import divide

WORKED = [
    (6, (1, 2), (2, 4)),
    (12, (1, 2, 1), (3, 6, 3)),
    (12, (1, 0, 3), (3, 0, 9)),
    (6, (2, 1, 0, 2), (3, 1, 0, 2)),
    (5, (5, 1, 0, 2), (4, 0, 0, 1)),
    (10, (3, 2, 1), (6, 3, 1)),
    (5, (1, 2), (1, 4)),
    (10, (1, 1, 1), (4, 3, 3)),
    (101, (1, 2), (33, 68)),
    (1, (1, 1, 1), (1, 0, 0)),
    (2, (5, 4, 1), (2, 0, 0)),
    (9, (4, 3, 2, 1), (4, 3, 2, 0)),
    (0, (1, 2), (0, 0)),
]


@pytest.mark.parametrize(("replicas", "weights", "shares"), WORKED, ids=[f"{d} by {w}" for d, w, _ in WORKED])
def test_worked_vector(replicas, weights, shares):
    assert divide(replicas, weights) == shares


WEIGHTS = st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any)


@settings(max_examples=200)
@given(st.integers(0, 5000), WEIGHTS)
def test_shares_cover_the_replicas_exactly_and_stay_within_one_of_the_exact_share(replicas, weights):
    shares = divide(replicas, weights)
    assert sum(shares) == replicas
    for share, weight in zip(shares, weights, strict=True):
        floor = weight * replicas // sum(weights)
        assert floor <= share <= floor + 1
        assert weight or not share


@settings(max_examples=200)
@given(st.integers(0, 5000), WEIGHTS)
def test_a_heavier_cluster_never_gets_less(replicas, weights):
    shares = divide(replicas, weights)
    assert all(
        shares[a] >= shares[b] for a in range(len(weights)) for b in range(len(weights)) if weights[a] > weights[b]
    )


@settings(max_examples=100)
@given(st.integers(0, 500), WEIGHTS)
def test_what_is_left_goes_to_the_heaviest_and_then_to_the_first(replicas, weights):
    shares = divide(replicas, weights)
    order = sorted(range(len(weights)), key=lambda at: (-weights[at], at))
    more = [shares[at] - weights[at] * replicas // sum(weights) for at in order]
    assert more == sorted(more, reverse=True)


@settings(max_examples=100)
@given(st.integers(0, 500), WEIGHTS, st.integers(1, 10))
def test_only_the_ratio_of_weights_matters(replicas, weights, factor):
    assert divide(replicas, weights) == divide(replicas, [weight * factor for weight in weights])
