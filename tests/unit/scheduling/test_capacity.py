"""Requirements of pods, and how many replicas fit: the predictor of contract §2.8 with its mistakes corrected."""

import pytest

from reconciler.model.authored import Toleration
from reconciler.model.clusters import ClusterFacts, NodeFact, TaintFact
from reconciler.scheduling.capacity import Ledger
from reconciler.scheduling.nodes import Asks, Sorts, nodes_of, room, room_in, short_of, taken
from reconciler.scheduling.nodeterms import Term
from reconciler.scheduling.requirements import Requirements, of_pod


def container(requests=None, limits=None, **more):
    return {"name": "c", "resources": {"requests": requests or {}, "limits": limits or {}}, **more}


def pod(*containers, **spec):
    return of_pod({"spec": {"containers": list(containers), **spec}})


@pytest.mark.parametrize(
    ("template", "requests"),
    [
        pytest.param(pod(container({"cpu": "500m"}), container({"cpu": 1})), {"cpu": 1500}, id="containers add up"),
        pytest.param(pod(container({}, {"cpu": "2"})), {"cpu": 2000}, id="a missing request is the limit"),
        pytest.param(pod(container({"cpu": "1"}, {"cpu": "2"})), {"cpu": 1000}, id="a request overrules the limit"),
        pytest.param(
            pod(container({"cpu": "1"}), initContainers=[container({"cpu": "3"}), container({"cpu": "2"})]),
            {"cpu": 3000},
            id="W-22 the largest init container counts where it is more",
        ),
        pytest.param(
            pod(
                container({"cpu": "1"}),
                initContainers=[container({"cpu": "1"}, restartPolicy="Always"), container({"cpu": "2"})],
            ),
            {"cpu": 3000},
            id="a sidecar counts beside later init containers",
        ),
        pytest.param(
            pod(container({"cpu": "3"}), initContainers=[container({"cpu": "1"}, restartPolicy="Always")]),
            {"cpu": 4000},
            id="a sidecar counts beside the containers",
        ),
        pytest.param(
            pod(container({"memory": "1Gi"}), overhead={"memory": "64Mi"}), {"memory": 1088 << 20}, id="overhead"
        ),
        pytest.param(
            pod(container({"cpu": "0", "nvidia.com/gpu": "2"})), {"nvidia.com/gpu": 2}, id="extended resource"
        ),
        pytest.param(pod(container({"cpu": "ENC[AES]"})), {}, id="what is no quantity asks for nothing"),
        pytest.param(of_pod("no template"), {}, id="no template"),
    ],
)
def test_requests_of_a_pod(template, requests):
    assert dict(template.requests) == requests


def node(count=1, labels=(), taints=(), **free):
    free = {"cpu": 4000, "memory": 8 << 30, "pods": 10} | free
    return NodeFact(count, tuple(labels), tuple(taints), tuple(sorted(free.items())))


CPU = Requirements((("cpu", 1000),))
SSD = Term("disk", "In", ("ssd",))
DEAD = TaintFact("dead", "NoExecute")


@pytest.mark.parametrize(
    ("nodes", "need", "most"),
    [
        pytest.param([node()], CPU, 4, id="whole replicas of the scarcest resource"),
        pytest.param([node(3)], CPU, 12, id="over all nodes that are alike"),
        pytest.param([node(cpu=1500), node(cpu=1500)], CPU, 2, id="halves of two nodes make no whole"),
        pytest.param([node(pods=2)], CPU, 2, id="pod slots"),
        pytest.param([node(pods=3)], Requirements(), 3, id="without requests the pod slots alone"),
        pytest.param([node()], Requirements((("nvidia.com/gpu", 1),)), 0, id="resource that no node has"),
        pytest.param([node(cpu=-500), node()], CPU, 4, id="W-22 an over-committed node counts 0 and spoils nothing"),
        pytest.param([node(cpu=500)], CPU, 0, id="W-22 nothing fits is 0, no error"),
        pytest.param([node(taints=[DEAD])], CPU, 0, id="taint"),
        pytest.param(
            [node(taints=[DEAD])],
            Requirements(CPU.requests, tolerations=(Toleration(key="dead", operator="Exists"),)),
            4,
            id="tolerated taint",
        ),
        pytest.param(
            [node(), node(labels=[("disk", "ssd")])], Requirements(CPU.requests, selector=(SSD,)), 4, id="node selector"
        ),
        pytest.param(
            [node(), node(labels=[("disk", "ssd")])],
            Requirements(CPU.requests, affinity=((SSD,),)),
            4,
            id="W-22 required affinity counts",
        ),
        pytest.param(
            [node(labels=[("cores", "16")])],
            Requirements(CPU.requests, affinity=((Term("cores", "Gt", ("8",)),),)),
            4,
            id="affinity with Gt",
        ),
        pytest.param(
            [node(labels=[("cores", "16")])],
            Requirements(CPU.requests, affinity=((Term("cores", "Lt", ("8",)),),)),
            0,
            id="affinity with Lt",
        ),
        pytest.param(
            [node()], Requirements(CPU.requests, affinity=()), 0, id="affinity without terms is met by nothing"
        ),
    ],
)
def test_replicas_that_fit(nodes, need, most):
    assert room(tuple(nodes), need) == most
    assert (short_of(tuple(nodes), need) == "") is False


@pytest.mark.parametrize(
    ("nodes", "need", "words"),
    [
        (None, CPU, "nothing is known of its capacity"),
        ((node(taints=[DEAD]),), CPU, "no node that its pods may run on (node selector, affinity or taints)"),
        ((node(cpu=500, pods=0),), CPU, "not enough cpu, pods"),
        ((node(cpu=500), node(pods=0)), CPU, "no node has enough of everything"),
    ],
)
def test_why_nothing_fits_is_told_in_words(nodes, need, words):
    assert short_of(nodes, need) == words


@pytest.mark.parametrize(
    ("nodes", "replicas", "left"),
    [((node(3),), 5, 7), ((node(1), node(1, cpu=2000)), 6, 0), ((node(1),), 9, 0)],
    ids=["alike", "different", "more than fit"],
)
def test_what_is_taken_is_not_there_for_the_next(nodes, replicas, left):
    sorts = Sorts()
    asks = Asks(sorts, CPU)
    assert room_in(taken(sorts.state(nodes), asks, replicas), asks) == left


def test_nodes_as_numbers_are_the_same_nodes():
    sorts = Sorts()
    nodes = (node(2), node(1, labels=[("disk", "ssd")]), node(1, taints=[DEAD], gpu=1))
    assert set(sorts.nodes(sorts.state(nodes))) == set(nodes)


def test_allocatable_is_one_big_node_where_nobody_looked_at_nodes():
    cluster = ClusterFacts("id", "ns", "name", allocatable={"cpu": "2", "memory": "4Gi", "pods": "110"})
    assert nodes_of(cluster) == (NodeFact(free=(("cpu", 2000), ("memory", 4 << 30), ("pods", 110))),)
    assert nodes_of(ClusterFacts("id", "ns", "name")) is None


def test_equal_clusters_share_a_state_and_what_one_gives_back_is_there_again():
    facts = {n: ClusterFacts(n, "ns", n, nodes=(node(2),)) for n in ("a", "b", "c")}
    ledger = Ledger(facts)
    pods = ledger.pods(CPU)
    for cluster in ("a", "b"):
        pods.change(cluster, 3)
    assert (ledger.at["a"] == ledger.at["b"], len(ledger.states)) == (True, 2)
    pods.change("a", -3)
    assert pods.rooms(["a", "b", "c"]) == [8, 5, 8]
