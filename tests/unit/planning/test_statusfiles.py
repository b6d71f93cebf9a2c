"""Status as files: read back as it was, rewritten only where it changed, and a page that stays readable."""

import json
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.errors import UsageError
from reconciler.model.objects import CommitId, Digest
from reconciler.model.status import ClusterNote, Failure, FleetStatus, State, UnitStatus
from reconciler.planning import page, statusfiles

COMMIT = CommitId("c" * 40)
DEPLOYMENT = "apps/v1/Deployment/web/nginx"


def note(number: int, name: str = "", message: str = "") -> ClusterNote:
    return ClusterNote(f"0000000{number}", name or f"c{number}", f"clusternet-{number}", message)


def fleet(*units: UnitStatus, clusters: tuple[ClusterNote, ...] = (note(1), note(2), note(3))) -> FleetStatus:
    return FleetStatus("web", COMMIT, {one.id: one for one in clusters}, {unit.unit: unit for unit in units})


def unit(number: int, subscription: str = "default/web", **fields: object) -> UnitStatus:
    status = UnitStatus(subscription, note(number).id, State.DELIVERED, COMMIT, Digest("d" * 40), 3)
    return msgspec.structs.replace(status, **fields)


def paths(before: FleetStatus, after: FleetStatus) -> list[str]:
    return list(statusfiles.changed_files(before, after))


names = st.sampled_from(["a", "b", "A", "x.y", "ü"])
statuses = st.builds(
    UnitStatus,
    st.sampled_from(["default/web", "default/api", "kube-system/logs", "default/Web"]),
    st.sampled_from(["00000001", "00000002", "00000003"]),
    st.sampled_from(State),
    commit=st.none() | st.just(COMMIT),
    feed=st.none() | st.just(Digest("d" * 40)),
    objects=st.integers(0, 9),
    message=st.text(max_size=5),
    guard=st.none() | st.just(Digest("e" * 40)),
    replicas=st.dictionaries(st.just(DEPLOYMENT), st.integers(0, 9)),
    failures=st.lists(st.builds(Failure, st.text(max_size=3), st.just("Invalid"), st.text(max_size=5))).map(tuple),
)
fleets = st.builds(
    lambda units, given, place: msgspec.structs.replace(
        fleet(*units, clusters=tuple(note(n, name) for n, name in enumerate(given, 1))), place=place
    ),
    st.lists(statuses, max_size=6, unique_by=lambda status: status.unit),
    st.tuples(names, names, names),
    st.sampled_from(["", "directory", "branches clusters/*"]),
)


@settings(max_examples=25)
@given(fleets)
def test_what_was_encoded_is_decoded(status: FleetStatus) -> None:
    truth = {path: content for path, content in statusfiles.encode(status).items() if statusfiles.is_truth(path)}
    assert statusfiles.decode(truth) == status


@settings(max_examples=25)
@given(fleets, fleets)
def test_changed_files_lead_from_one_status_to_the_other(before: FleetStatus, after: FleetStatus) -> None:
    files: dict[str, bytes | None] = {**statusfiles.encode(before), **statusfiles.changed_files(before, after)}
    assert {path: content for path, content in files.items() if content is not None} == statusfiles.encode(after)


def test_order_does_not_show() -> None:
    one, other = fleet(unit(1), unit(2)), fleet(unit(2), unit(1), clusters=(note(3), note(2), note(1)))
    assert statusfiles.encode(one) == statusfiles.encode(other)


def test_equal_statuses_change_no_file_whatever_their_version() -> None:
    one = fleet(unit(1))
    assert paths(one, msgspec.structs.replace(one, version="x")) == []


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        (
            fleet(unit(1, state=State.FAILED), unit(2)),
            ["README.md", "clusters/c1.json", "subscriptions/default/web.json"],
        ),
        (fleet(unit(2)), ["README.md", "clusters/c1.json", "subscriptions/default/web.json"]),
        (
            fleet(unit(1), unit(2), unit(2, "default/api")),
            ["README.md", "clusters/c2.json", "subscriptions/default/api.json"],
        ),
        (
            fleet(unit(1), unit(2), clusters=(note(1, "new"), note(2), note(3))),
            ["README.md", "clusters/c1.json", "clusters/new.json", "subscriptions/default/web.json"],
        ),
        (msgspec.structs.replace(fleet(unit(1), unit(2)), commit=CommitId("e" * 40)), ["README.md", "status.json"]),
    ],
    ids=["a unit failed", "a unit went", "a unit came", "a cluster was renamed", "a commit changed nothing else"],
)
def test_only_files_of_what_changed_are_rewritten(after: FleetStatus, changed: list[str]) -> None:
    assert paths(fleet(unit(1), unit(2)), after) == changed


def test_the_file_of_a_subscription_nobody_has_any_more_goes() -> None:
    before, after = fleet(unit(1), unit(1, "default/api")), fleet(unit(1))
    assert statusfiles.changed_files(before, after)["subscriptions/default/api.json"] is None


def test_clusters_of_one_name_have_files_of_their_own() -> None:
    status = fleet(unit(1), unit(2), clusters=(note(1, "same"), note(2, "same"), note(3)))
    files = statusfiles.encode(status)
    assert [path for path in files if path.startswith("clusters/")] == [
        "clusters/c3.json", "clusters/same~00000001.json", "clusters/same~00000002.json"
    ]  # fmt: skip


def test_a_unit_whose_cluster_has_no_note_is_not_lost() -> None:
    status = fleet(unit(1), clusters=())
    assert statusfiles.decode(statusfiles.encode(status)).units == status.units


def test_a_subscription_reads_like_clusternets_status() -> None:
    divided = fleet(
        unit(2, replicas={DEPLOYMENT: 4}),
        unit(1, replicas={DEPLOYMENT: 2}, state=State.FAILED, message="boom"),
        clusters=(note(1), note(2)),
    )
    content = json.loads(statusfiles.encode(divided)["subscriptions/default/web.json"])
    assert content["bindingClusters"] == ["clusternet-1/c1", "clusternet-2/c2"]
    assert content["replicas"] == {DEPLOYMENT: [2, 4]}
    assert [(row["cluster"], row["state"], row.get("message")) for row in content["clusters"]] == [
        ("c1", "Failed", "boom"), ("c2", "Delivered", None)
    ]  # fmt: skip
    plain = json.loads(statusfiles.encode(fleet(unit(1)))["subscriptions/default/web.json"])
    assert "replicas" not in plain


def changed_head(**members: object) -> Mapping[str, bytes]:
    files = statusfiles.encode(fleet(unit(1)))
    return {**files, "status.json": json.dumps({**json.loads(files["status.json"]), **members}).encode()}


def test_members_of_a_newer_writer_are_ignored() -> None:
    files = dict(changed_head(mood="good"))
    cluster = json.loads(files["clusters/c1.json"])
    cluster["units"][0]["colour"] = "green"
    files["clusters/c1.json"] = json.dumps(cluster).encode()
    assert statusfiles.decode(files) == fleet(unit(1))


def test_a_newer_format_is_refused() -> None:
    with pytest.raises(UsageError, match="format 2, we read 1"):
        statusfiles.decode(changed_head(format=2))


@pytest.mark.parametrize("files", [{}, {"status.json": b"{"}, {"status.json": b"[]"}], ids=["none", "cut", "other"])
def test_what_is_no_status_is_refused(files: Mapping[str, bytes]) -> None:
    with pytest.raises(UsageError):
        statusfiles.decode(files)


def readme(status: FleetStatus) -> str:
    return statusfiles.encode(status)["README.md"].decode()


def test_the_page_shows_the_worst_first_with_their_words() -> None:
    broken = unit(
        2, state=State.FAILED, message="it | <b>broke</b>\n# now", failures=(Failure("a b", "Invalid", "no *"),)
    )
    text = readme(fleet(unit(1), broken))
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    assert rows[0] == r"| [c2](clusters/c2.json) | 0/1 | Failed | it \| \<b\>broke\</b\> \# now |"
    assert rows[1] == "| [c1](clusters/c1.json) | 1/1 | Delivered |  |"
    assert r"- **c2**, default/web: a b (Invalid): no \*" in text


def test_the_page_of_a_thousand_clusters_stays_small() -> None:
    clusters = tuple(note(number) for number in range(1000))
    units = [
        unit(number, state=State.FAILED, message="x" * 500, failures=(Failure("o", "R", "m" * 500),))
        for number in range(1000)
    ]
    text = readme(fleet(*units, clusters=clusters))
    assert len(text) < 100_000
    assert f"{1000 - page.ROWS} more clusters" in text
    assert f"{1000 - page.FAILURES} more failures" in text


def test_an_empty_fleet_has_a_page() -> None:
    assert "0 clusters, 0 Subscriptions, 0 deliveries, source commit `cccccccccccc`: nothing delivered." in readme(
        fleet(clusters=())
    )
