"""Which hooks are due: of charts that come, change and go, and of objects with Argo CD's annotation."""

from typing import Any

import msgspec
import pytest

from reconciler.model.feed import RenderedFeed, RenderedObject, Unit
from reconciler.model.inflation import Role
from reconciler.model.inventory import Entry, Inventory
from reconciler.model.objects import CommitId, Digest, digest_of, key_of
from reconciler.model.plan import Action, Change, Evidence, Guard, Plan, Work
from reconciler.planning import hooks

UNIT = Unit("default/web", "c1")
CHART = "default/shop"
Body = dict[str, Any]
CLEAN = Evidence(clean=True, subscription_known=True, cluster_known=True, placed=True)


def body(name: str, kind: str = "ConfigMap", value: str = "1", **annotations: str) -> Body:
    metadata = {"name": name, "namespace": "a", "annotations": annotations}
    return {"apiVersion": "batch/v1" if kind == "Job" else "v1", "kind": kind, "metadata": metadata, "value": value}


def job(name: str, events: str, weight: str = "0", value: str = "1") -> Body:
    return body(name, "Job", value, **{"helm.sh/hook": events, "helm.sh/hook-weight": weight})


def rendered(found: Body, role: Role = Role.OBJECT, chart: str = CHART) -> RenderedObject:
    return RenderedObject(key_of(found), found["apiVersion"], found, digest_of(found), role, chart=chart)


def feed(objects: list[Body], some: list[Body], chart: str = CHART) -> RenderedFeed:
    made = tuple(rendered(one, chart=chart) for one in objects)
    return RenderedFeed(UNIT, made, Digest("f"), (), tuple(rendered(one, Role.HOOK, chart) for one in some))


EVERY = [
    job(f"{when}-{event}", f"{when}-{event}")
    for when in ("pre", "post")
    for event in ("install", "upgrade", "delete", "rollback")
]
EMPTY = Inventory(UNIT, "demo")
PLAN = Plan(UNIT, ())


def known(some: RenderedFeed) -> Inventory:
    found = hooks.phases(some, EMPTY, PLAN, ())
    return msgspec.structs.replace(EMPTY, charts=found.done, feed=Digest("f"))


def names(dues: tuple[hooks.Due, ...]) -> list[str]:
    return [due.hook.key.name for due in dues]


def run(found: hooks.Phases) -> tuple[list[str], list[str]]:
    return names(found.before), names(found.after)


CONTENT = feed([body("page")], EVERY)


def test_chart_that_the_inventory_does_not_know_is_installed() -> None:
    found = hooks.phases(CONTENT, EMPTY, PLAN, ())
    assert run(found) == (["pre-install"], ["post-install"])
    assert found.done.keys() == {CHART}


def test_chart_that_is_the_same_runs_nothing() -> None:
    found = hooks.phases(CONTENT, known(CONTENT), PLAN, ())
    assert (run(found), found.keep, found.leaving) == (([], []), None, frozenset())


@pytest.mark.parametrize(
    "changed",
    [
        feed([body("page", value="2")], EVERY),
        feed([body("page")], [*EVERY[1:], job("pre-install", "pre-install", "3")]),
    ],
    ids=["an object", "a hook"],
)
def test_chart_with_another_object_or_hook_is_upgraded(changed: RenderedFeed) -> None:
    assert run(hooks.phases(changed, known(CONTENT), PLAN, ())) == (["pre-upgrade"], ["post-upgrade"])


def prunes(*keys: Any) -> Plan:
    gone = tuple(Change(Action.PRUNE, key, "v1", None, Entry(key, "v1")) for key in keys)
    return msgspec.structs.replace(PLAN, prunes=(gone,))


PAGE = key_of(body("page"))
KEPT = tuple(hook for hook in hooks.hooks_of(CONTENT.aside) if "delete" in hook.key.name)


def test_chart_that_leaves_runs_what_was_kept_of_it() -> None:
    found = hooks.phases(None, known(CONTENT), prunes(PAGE), KEPT)
    assert run(found) == (["pre-delete"], ["post-delete"])
    assert found.leaving == {CHART}
    assert found.keep == ()


def test_hooks_before_deletes_are_not_run_when_the_deletes_are_done() -> None:
    assert run(hooks.phases(None, known(CONTENT), PLAN, KEPT)) == ([], ["post-delete"])


def test_deletes_that_a_guard_holds_run_no_hook() -> None:
    held = msgspec.structs.replace(PLAN, guard=Guard("empty-feed", "", (PAGE,), Digest("d")))
    assert hooks.leaving(None, known(CONTENT), held) == frozenset()


def test_orphaned_charts_run_no_hook_and_are_forgotten() -> None:
    found = hooks.phases(None, known(CONTENT), msgspec.structs.replace(PLAN, orphan=True), KEPT)
    assert (run(found), found.leaving) == (([], []), {CHART})


def test_hooks_of_deletes_are_kept_with_the_phase_that_brings_them() -> None:
    found = hooks.phases(CONTENT, EMPTY, PLAN, ())
    assert {hook.key.name for hook in found.keep or ()} == {"pre-delete", "post-delete"}


def test_hooks_run_by_weight_then_kind_then_name() -> None:
    some = [job("b", "pre-install"), job("a", "pre-install"), job("z", "pre-install", "-1")]
    account = body("y", "ServiceAccount", **{"helm.sh/hook": "pre-install"})
    found = hooks.phases(feed([], [*some, account]), EMPTY, PLAN, ())
    assert names(found.before) == ["z", "y", "a", "b"]


def test_unit_that_was_whole_before_hooks_were_known_is_not_installed_again() -> None:
    entries = {PAGE: Entry(PAGE, "v1", digest_of(body("page")))}
    whole = Inventory(UNIT, "demo", entries, Digest("f"), CommitId("c"))
    assert run(hooks.phases(CONTENT, whole, PLAN, ())) == ([], [])
    changed = feed([body("page", value="2")], EVERY)
    assert run(hooks.phases(changed, whole, PLAN, ())) == (["pre-upgrade"], ["post-upgrade"])


def test_tests_of_charts_never_run() -> None:
    probe = rendered(job("probe", "test"), Role.TEST)
    some = msgspec.structs.replace(CONTENT, aside=(probe,))
    assert run(hooks.phases(some, EMPTY, PLAN, ())) == ([], [])


def argo(word: str, **more: str) -> Body:
    return body("sync", "Job", **{"argocd.argoproj.io/hook": word, **more})


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("PreSync", (["sync"], [])),
        ("PostSync", ([], ["sync"])),
        ("SyncFail", ([], [])),
        ("Skip", ([], [])),
        ("PreSync,PostSync", (["sync"], ["sync"])),
    ],
)
def test_argo_hooks_of_files_are_taken_out_of_the_plan_and_run_in_their_phase(word: str, expected: Any) -> None:
    plain = feed([argo(word), body("page")], [], chart="")
    work = hooks.parted(Work(UNIT, plain, CLEAN))
    assert work.feed is not None
    assert [found.key.name for found in work.feed.objects] == ["page"]
    assert run(hooks.phases(work.feed, EMPTY, PLAN, ())) == expected
    changed = hooks.parted(Work(UNIT, feed([argo(word), body("page", value="2")], [], chart=""), CLEAN))
    assert run(hooks.phases(changed.feed, known(work.feed), PLAN, ())) == expected


def test_argo_word_for_plain_sync_leaves_the_object_where_it_is() -> None:
    work = Work(UNIT, feed([argo("Sync")], [], chart=""), CLEAN)
    assert hooks.parted(work) is work


def test_argo_delete_policies_are_those_of_helm() -> None:
    some = argo("PreSync", **{"argocd.argoproj.io/hook-delete-policy": "HookSucceeded,HookFailed"})
    (hook,) = hooks.hooks_of([rendered(some, Role.HOOK)])
    assert (hook.gone_after_success, hook.gone_after_failure) == (True, True)


def test_planner_neither_writes_nor_prunes_hooks_of_the_feed() -> None:
    hook = key_of(EVERY[0])
    inventory = Inventory(UNIT, "demo", {key: Entry(key, "v1") for key in (hook, PAGE)})
    assert hooks.without_hooks(inventory, CONTENT).entries.keys() == {PAGE}
    assert hooks.without_hooks(inventory, None).entries.keys() == {hook, PAGE}
