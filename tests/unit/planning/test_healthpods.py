"""Why pods do not start: reasons of containers, the scheduler and ended pods, counted."""

from typing import Any

import pytest

from reconciler.planning.healthpods import matches, reasons


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "status": status}


def waiting(reason: str, **last: Any) -> dict[str, Any]:
    state = {"state": {"waiting": {"reason": reason, "message": "image registry/secret:tag"}}}
    return pod(phase="Pending", containerStatuses=[{"name": "c", **state, **({"lastState": last} if last else {})}])


UNSCHEDULABLE = pod(
    phase="Pending",
    conditions=[
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes: 3 too small."}
    ],
)
CRASHING = waiting("CrashLoopBackOff", terminated={"exitCode": 137, "message": "the password is hunter2"})
CASES = [
    ("nothing", [], ""),
    ("ready", [pod(phase="Running", conditions=[{"type": "Ready", "status": "True"}])], ""),
    ("starting", [waiting("ContainerCreating")], ""),
    ("image", [waiting("ImagePullBackOff")], "pods: 1 ImagePullBackOff"),
    ("crash", [CRASHING, CRASHING], "pods: 2 CrashLoopBackOff (exit code 137)"),
    ("no node", [UNSCHEDULABLE], "pods: 1 Unschedulable (0/3 nodes: 3 too small)"),
    ("several", [CRASHING, UNSCHEDULABLE, CRASHING, UNSCHEDULABLE, UNSCHEDULABLE], None),
    ("evicted", [pod(phase="Failed", reason="Evicted", message="low on disk")], "pods: 1 Evicted"),
    (
        "ended",
        [pod(phase="Failed", containerStatuses=[{"state": {"terminated": {"exitCode": 2, "reason": "Error"}}}])],
        "pods: 1 Error (exit code 2)",
    ),
    (
        "init container",
        [
            pod(
                phase="Pending",
                initContainerStatuses=[{"state": {"waiting": {"reason": "CreateContainerConfigError"}}}],
            )
        ],
        "pods: 1 CreateContainerConfigError",
    ),
    ("leaving", [{**CRASHING, "metadata": {"deletionTimestamp": "now"}}], ""),
]


@pytest.mark.parametrize(("pods", "told"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_reasons_of_pods_are_counted_and_hold_no_values(pods: list[dict[str, Any]], told: str | None) -> None:
    several = "pods: 3 Unschedulable (0/3 nodes: 3 too small), 2 CrashLoopBackOff (exit code 137)"
    found = reasons(pods)
    assert found == (several if told is None else told)
    assert "hunter2" not in found
    assert "registry" not in found


def test_pod_is_of_a_workload_that_selects_all_its_labels() -> None:
    assert matches({"app": "web", "hash": "1"}, {"app": "web"})
    assert not matches({"app": "web"}, {"app": "web", "tier": "front"})
