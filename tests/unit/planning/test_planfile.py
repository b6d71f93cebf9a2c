"""A plan file holds what decides, nothing of a Secret, and tells everything that moved."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from reconciler.model.feed import RenderedObject, Unit
from reconciler.model.inflation import Seal
from reconciler.model.objects import BlobId, CommitId, Digest, ObjectKey, digest_of, key_of
from reconciler.model.plan import Action, Change, Guard, Plan
from reconciler.model.planfile import FORMAT, PlanFile
from reconciler.model.proposal import Look, Proposal, Trial, Verdict
from reconciler.model.status import Delivered, State
from reconciler.planning import planfile

UNIT = Unit("default/web", "c1")
LOOK = Look("u1", "7", Digest("w1"))


def rendered(kind: str, name: str, value: str = "1", seal: Seal | None = None) -> RenderedObject:
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "web"}, "data": {"v": value}}
    return RenderedObject(key_of(body), "v1", body, digest_of(body), seal=seal)


def change(obj: RenderedObject, action: Action = Action.CHANGE, reason: str = "") -> Change:
    return Change(action, obj.key, obj.api_version, obj, reason=reason)


def proposal(*changes: Change, version: str = "0:1", look: Look = LOOK, **more: Any) -> Proposal:
    decided = Plan(UNIT, (tuple(changes),), guard=more.get("guard"))
    told = Delivered(UNIT, State.DELIVERED, plan=decided, guard=more.get("guard"))
    return Proposal(told, version, {one.key: look for one in changes}, more.get("trials", {}))


def plan(*proposals: Proposal, **more: Any) -> PlanFile:
    given: dict[str, Any] = {
        "format": FORMAT,
        "tool": "1.2.3",
        "fleet": "demo",
        "commit": CommitId("c" * 40),
        "reference": "main",
        "place": "clusters",
        "clusters": {"c1": "east"},
        "units": planfile.units(proposals),
    }
    return PlanFile(**{**given, **more})


A = rendered("ConfigMap", "a")
PLAN = plan(proposal(change(A)))


def test_plan_is_read_as_it_was_written() -> None:
    trials = {A.key: Trial(Verdict.REFUSED, "Invalid", "no")}
    guard = Guard("precious", "1 object kept", (ObjectKey("", "Namespace", "", "web"),), Digest("d1"))
    made = plan(proposal(change(A), trials=trials, guard=guard))
    assert msgspec.json.decode(msgspec.json.encode(made), type=PlanFile) == made


def test_unknown_member_is_no_plan() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode({**msgspec.to_builtins(PLAN), "more": 1}), type=PlanFile)


def test_digest_of_a_plain_secret_is_left_out_and_of_an_encrypted_one_kept() -> None:
    plain, sealed = (
        rendered("Secret", "s", "aHVudGVyMg=="),
        rendered("Secret", "t", "ENC[x]", Seal("t.yaml", BlobId("b"))),
    )
    (unit,) = planfile.units([proposal(change(plain), change(sealed), change(A))])
    assert {one.name: one.digest is not None for one in unit.waves[0]} == {"s": False, "t": True, "a": True}
    assert plain.digest not in msgspec.json.encode(unit).decode()


def test_unchanged_objects_are_counted_only() -> None:
    (unit,) = planfile.units([proposal(change(A, Action.UNCHANGED))])
    assert (unit.waves, unit.unchanged) == ((), 1)


def test_nothing_moved_when_only_a_status_did() -> None:
    now = plan(proposal(change(A), look=Look("u1", "9", Digest("w1"))))
    assert planfile.moved(PLAN, now) == ()


def test_patch_release_reads_the_plan_of_another() -> None:
    assert planfile.moved(PLAN, msgspec.structs.replace(PLAN, tool="1.2.9")) == ()


MOVES: dict[str, tuple[PlanFile, str]] = {
    "tool": (plan(proposal(change(A)), tool="1.3.0"), "the plan was made by version 1.2.3, this is 1.3.0"),
    "fleet": (plan(proposal(change(A)), fleet="other"), "fleet: 'demo' in the plan, 'other' now"),
    "place": (plan(proposal(change(A)), place="directory"), "place: 'clusters' in the plan, 'directory' now"),
    "joined": (
        plan(proposal(change(A)), clusters={"c1": "east", "c2": "west"}),
        "cluster west (c2) has joined the fleet",
    ),
    "gone": (plan(proposal(change(A)), clusters={}), "cluster east (c1) is no longer in the fleet"),
    "renamed": (plan(proposal(change(A)), clusters={"c1": "ost"}), "cluster east (c1) is named ost now"),
    "unit-gone": (plan(), "default/web on east: nothing is to be done any more"),
    "inventory": (
        plan(proposal(change(A), version="0:2")),
        "default/web on east: its inventory changed: another run wrote to it",
    ),
    "action": (
        plan(proposal(change(A, Action.CREATE))),
        "default/web on east: ConfigMap web/a: change in the plan, create now",
    ),
    "digest": (
        plan(proposal(change(rendered("ConfigMap", "a", "2")))),
        "default/web on east: ConfigMap web/a: renders to something else",
    ),
    "reason": (
        plan(proposal(change(A, reason="drifted"))),
        "default/web on east: ConfigMap web/a: for another reason: none in the plan, drifted now",
    ),
    "touched": (
        plan(proposal(change(A), look=Look("u1", "9", Digest("w2")))),
        "default/web on east: ConfigMap web/a: somebody changed it since",
    ),
    "made-anew": (
        plan(proposal(change(A), look=Look("u2", "9", Digest("w1")))),
        "default/web on east: ConfigMap web/a: another object has its name by now",
    ),
    "deleted": (
        plan(proposal(change(A), look=Look())),
        "default/web on east: ConfigMap web/a: somebody deleted it since",
    ),
    "dropped": (
        plan(proposal()),
        "default/web on east: ConfigMap web/a: change in the plan, nothing now",
    ),
}


@pytest.mark.parametrize(("now", "told"), MOVES.values(), ids=MOVES)
def test_what_moved_is_told(now: PlanFile, told: str) -> None:
    assert planfile.moved(PLAN, now) == (told,)


def test_unit_that_is_not_in_the_plan_is_told() -> None:
    told = planfile.moved(plan(), PLAN)
    assert told == ("default/web on east: is to be delivered now, and is not in the plan",)


def test_object_that_somebody_made_since_is_told() -> None:
    before = plan(proposal(change(A, Action.CREATE), look=Look()))
    now = plan(proposal(change(A, Action.CREATE)))
    assert planfile.moved(before, now) == ("default/web on east: ConfigMap web/a: somebody made it since",)


def test_everything_that_moved_is_listed() -> None:
    b = rendered("ConfigMap", "b")
    now = plan(proposal(change(rendered("ConfigMap", "a", "2")), change(b), version="0:9"), tool="9.0.0")
    assert len(planfile.moved(PLAN, now)) == 4
