"""What a fleet repo gives to its clusters, as plain values for tests and notebooks of the people who own it.

    from reconciler import api

    fleet = api.read(".")
    assert not fleet.problems
    assert fleet.schedule()["default/web"]["prod"] == {"apps/v1/Deployment/web/web": 4}

`read` and `Fleet` are all of it; the way from commit to objects is the one that `sync` takes. Synchronous, and nothing
is ever written but the cache.
"""

from reconciler.api.fleet import Fleet, NoSuchObject, read
from reconciler.model.clusters import ClusterFacts, TaintFact
from reconciler.model.snapshot import Place, Problem, Severity

__all__ = ["ClusterFacts", "Fleet", "NoSuchObject", "Place", "Problem", "Severity", "TaintFact", "read"]
