"""Dividing by room: Clusternet's arithmetic of `Dynamic` and `Spread` (contract §2.8), exact.

Everybody gets the whole part of an exact share; what is left goes one by one to the largest fractions, ties to the
earlier position. Callers give clusters in an order that is fixed, so that the result is one that Clusternet could have
produced. What does not fit is not placed: whoever calls compares sums.
"""

from collections import Counter
from collections.abc import Sequence


def share(amount: int, room: Sequence[int]) -> list[int]:
    """Divide `amount` by `room`, position by position; all of the room where there is not more than `amount` of it.

    Precondition: nothing is negative. No share is larger than its room.
    """
    whole = sum(room)
    if amount >= whole:
        return list(room)
    parts = {each: divmod(each * amount, whole) for each in set(room)}
    shares = [parts[each][0] for each in room]
    left = amount - sum(shares)
    if not left:
        return shares
    crowd: Counter[int] = Counter()
    for each, number in Counter(room).items():
        crowd[parts[each][1]] += number
    for fraction in sorted(crowd, reverse=True):
        takers = [position for position, each in enumerate(room) if parts[each][1] == fraction]
        for position in takers[:left]:
            shares[position] += 1
        left -= min(left, len(takers))
        if not left:
            break
    return shares


def scaled_down(amount: int, held: Sequence[int]) -> list[int]:
    """What stays when `amount` replicas go, taken in proportion to what is held; nothing stays when all go."""
    return [have - less for have, less in zip(held, share(amount, held), strict=True)]
