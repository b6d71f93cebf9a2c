"""Dividing by room: the worked vectors of contract §2.8, as arithmetic and as schedules, and the laws behind them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.scheduling.spread import scaled_down, share
from tests.unit.scheduling.fleets import WEB, dynamic, roomy, scheduled, shares, web

FIRST = [
    (6, (3, 6, 9), (1, 2, 3)),
    (2, (3, 6, 9), (0, 1, 1)),
    (6, (1, 2, 2), (1, 2, 2)),
    (3, (0, 0, 0), (0, 0, 0)),
    (6, (10, 5, 5), (3, 2, 1)),
]
UP = [((1, 3, 0), (10, 10, 10), 8, (3, 4, 1)), ((1, 1, 1), (10, 20, 30), 9, (2, 3, 4))]
DOWN = [((1, 3, 0), 2, (0, 2, 0)), ((1, 1, 1), 1, (0, 0, 1)), ((4, 3, 3), 5, (2, 1, 2))]


@pytest.mark.parametrize(("amount", "room", "expected"), FIRST, ids=str)
def test_worked_vector_of_a_first_division(amount, room, expected):
    assert tuple(share(amount, room)) == expected
    clusters = [roomy(f"c{n}", pods) for n, pods in enumerate(room, 1)]
    placed = scheduled([web(amount), dynamic("app", web(amount))], clusters).subscriptions["default/app"]
    assert shares(placed) == {f"c{n}": count for n, count in enumerate(expected, 1) if count}


@pytest.mark.parametrize(("held", "room", "wanted", "expected"), UP, ids=str)
def test_worked_vector_of_scaling_up(held, room, wanted, expected):
    assert grown(held, room, wanted) == {f"c{n}": count for n, count in enumerate(expected, 1)}


def grown(held, room, wanted):
    """`room` is what is free beside what is held and runs."""
    clusters = [
        roomy(f"c{n}", free, running={WEB: have}) for n, (free, have) in enumerate(zip(room, held, strict=True), 1)
    ]
    before = {"app": {f"c{n}": {WEB: have} for n, have in enumerate(held, 1)}}
    return shares(scheduled([web(wanted), dynamic("app", web(wanted))], clusters, before).subscriptions["default/app"])


@pytest.mark.parametrize(("held", "wanted", "expected"), DOWN, ids=str)
def test_worked_vector_of_scaling_down(held, wanted, expected):
    assert tuple(scaled_down(sum(held) - wanted, held)) == expected
    assert grown(held, (0, 0, 0), wanted) == {f"c{n}": count for n, count in enumerate(expected, 1) if count}


def test_w_02_replicas_of_a_lost_cluster_go_to_the_others_as_a_scale_up():
    """Clusternet leaves them on a cluster that is no candidate any more. Two go over room of 9, 7 and 10."""
    clusters = [roomy(name, 10) for name in ("c1", "c2", "c4")]
    before = {"app": {"c1": {WEB: 1}, "c2": {WEB: 3}, "c3": {WEB: 2}}}
    found = scheduled([web(6), dynamic("app", web(6))], clusters, before).subscriptions["default/app"]
    assert shares(found) == {"c1": 2, "c2": 3, "c4": 1}


def test_joining_cluster_of_the_last_worked_vector_takes_part_in_the_scale_up():
    before = {"app": {"c1": {WEB: 1}, "c2": {WEB: 3}}}
    clusters = [roomy("c1", 10, running={WEB: 1}), roomy("c2", 10, running={WEB: 3}), roomy("c4", 10)]
    found = scheduled([web(8), dynamic("app", web(8))], clusters, before).subscriptions["default/app"]
    assert shares(found) == {"c1": 3, "c2": 4, "c4": 1}


def test_w_56_no_32_bit_overflow():
    assert share(2**31, [2**31, 2**31]) == [2**30, 2**30]


ROOMS = st.lists(st.integers(0, 60), min_size=1, max_size=9)


@settings(max_examples=150)
@given(st.integers(0, 400), ROOMS)
def test_shares_fill_the_room_or_cover_the_amount_and_fit(amount, room):
    shares_ = share(amount, room)
    assert sum(shares_) == min(amount, sum(room))
    assert all(0 <= part <= most for part, most in zip(shares_, room, strict=True))


@settings(max_examples=100)
@given(st.integers(0, 400), ROOMS)
def test_what_is_left_goes_to_the_largest_fractions_and_then_to_the_first(amount, room):
    whole = sum(room)
    if amount >= whole:
        return
    order = sorted(range(len(room)), key=lambda at: (-(room[at] * amount % whole), at))
    more = [share(amount, room)[at] - room[at] * amount // whole for at in order]
    assert more == sorted(more, reverse=True)
