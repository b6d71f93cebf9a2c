"""Tolerations match taints as in Kubernetes."""

import pytest

from reconciler.model.authored import Toleration
from reconciler.model.clusters import TaintFact
from reconciler.scheduling.taints import tolerates, untolerated

GPU = TaintFact("gpu", "NoSchedule", "yes")


@pytest.mark.parametrize(
    ("toleration", "holds"),
    [
        pytest.param({"key": "gpu", "value": "yes"}, True, id="operator defaults to Equal, effect to all"),
        pytest.param({"key": "gpu", "operator": "Equal", "value": "no"}, False, id="other value"),
        pytest.param({"key": "gpu", "operator": "Equal"}, False, id="absent value is the empty one"),
        pytest.param({"key": "gpu", "operator": "Exists"}, True, id="Exists ignores the value"),
        pytest.param({"key": "gpu", "operator": "Exists", "effect": "NoExecute"}, False, id="other effect"),
        pytest.param({"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}, True, id="same effect"),
        pytest.param({"operator": "Exists"}, True, id="no key with Exists tolerates all"),
        pytest.param({"key": "cpu", "operator": "Exists"}, False, id="other key"),
        pytest.param({"key": "gpu", "operator": "Exists", "toleration_seconds": 5}, True, id="seconds are ignored"),
    ],
)
def test_toleration(toleration, holds):
    assert tolerates(Toleration(**toleration), GPU) is holds


@pytest.mark.parametrize(("effect", "kept_out"), [("NoSchedule", 1), ("NoExecute", 1), ("PreferNoSchedule", 0)])
def test_effect_that_keeps_out(effect, kept_out):
    assert (untolerated([TaintFact("gpu", effect)], []) is not None) == kept_out


def test_every_blocking_taint_must_be_tolerated():
    other = TaintFact("disk", "NoExecute")
    assert untolerated([GPU, other], [Toleration(key="gpu", operator="Exists")]) == other
