"""Static dividing: Clusternet's arithmetic, with its random ties replaced by an order.

Everybody gets the floor of an exact share; what is left goes one by one to the heaviest, ties to the earlier position.
Callers order clusters by `namespace/name`, so that the result is one of those that Clusternet could have produced.
"""

from collections.abc import Sequence


def divide(replicas: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Shares by position. Precondition: `replicas` and all weights are at least 0, and one weight is positive.

    The remainder is smaller than the number of positive weights, so a weight of 0 always gets 0.
    """
    whole = sum(weights)
    shares = [weight * replicas // whole for weight in weights]
    heaviest = sorted(range(len(weights)), key=lambda position: -weights[position])
    for position in heaviest[: replicas - sum(shares)]:
        shares[position] += 1
    return tuple(shares)
