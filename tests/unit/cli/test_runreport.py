"""How a run is told to people: what needs attention stands out, whatever the size of the fleet."""

from __future__ import annotations

import pytest

from reconciler.cli.runreport import as_data, print_report
from reconciler.model.errors import Exit
from reconciler.model.feed import Unit
from reconciler.model.objects import CommitId, Digest, ObjectKey
from reconciler.model.plan import Guard
from reconciler.model.status import Delivered, Health, Outcome, Result, State
from reconciler.sync.report import Report, Unwritten, rows_of

WEB = ObjectKey("apps", "Deployment", "web", "web")
INVALID = Outcome(WEB, Result.FAILED, reason="Invalid", message="spec.replicas: Invalid value: -1")
SLOW = Outcome(WEB, Result.CHANGED, Health.PROGRESSING, reason="TooFew", message="2 of 4 replicas are available")
GUARD = Guard("unplaced", "1 object kept: default/web goes to no cluster any more", (WEB,), Digest("d" * 40))


def report(**clusters: Delivered) -> Report:
    names = {f"id-{name}": name for name in clusters}
    delivered = tuple(clusters.values())
    return Report(
        fleet="demo",
        source=CommitId("a" * 40),
        reference="main",
        rows=rows_of(delivered, names, {}),
        delivered=delivered,
        names=names,
    )


def unit(name: str, state: State, *outcomes: Outcome, message: str = "", guard: Guard | None = None) -> Delivered:
    return Delivered(Unit("default/web", f"id-{name}"), state, outcomes, message=message, guard=guard)


def told(capsys: pytest.CaptureFixture[str], run: Report, output: str = "text") -> list[str]:
    print_report(run, output)
    return capsys.readouterr().out.splitlines()


def test_a_run_with_trouble_is_told_in_words_below_its_rows(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(
        capsys,
        report(
            east=unit("east", State.FAILED, INVALID),
            north=unit("north", State.UNREACHABLE, message="https://10.0.0.12:6443: connection refused"),
            west=unit("west", State.PROGRESSING, SLOW),
        ),
    )
    assert lines == [
        "CLUSTER  OBJECTS  CREATED  CHANGED  PRUNED  SAME  STATE",
        "east     1        0        0        0       0     Failed",
        "north    0        0        0        0       0     Unreachable",
        "    https://10.0.0.12:6443: connection refused",
        "west     1        0        1        0       0     Progressing",
        "",
        "CLUSTER  OBJECT                   WHY",
        "east     Deployment.apps web/web  Invalid: spec.replicas: Invalid value: -1",
        "west     Deployment.apps web/web  TooFew: 2 of 4 replicas are available",
        "",
        "demo: main at aaaaaaaaaaaa: 1 changed, 3 of 3 clusters need attention",
    ]


def test_the_same_failure_of_many_clusters_is_one_row(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"edge-{number:04d}" for number in range(500)]
    run = report(**{name: unit(name, State.FAILED, INVALID) for name in names})
    lines = told(capsys, run)
    assert "edge-0000 and 499 more  Deployment.apps web/web" in "\n".join(lines)
    assert len(lines) < 60
    assert "… 460 more clusters (-o wide shows all)" in lines
    assert len(told(capsys, run, "wide")) > 1000


def test_a_large_quiet_fleet_is_one_line_beside_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = {f"edge-{n:04d}": unit(f"edge-{n:04d}", State.READY, Outcome(WEB, Result.UNCHANGED)) for n in range(500)}
    lines = told(capsys, report(**quiet, busy=unit("busy", State.READY, Outcome(WEB, Result.CREATED))))
    assert lines == [
        "CLUSTER  OBJECTS  CREATED  CHANGED  PRUNED  SAME  STATE",
        "busy     1        1        0        0       0     Ready",
        "… 500 clusters unchanged (-o wide shows all)",
        "demo: main at aaaaaaaaaaaa: 1 created",
    ]


def test_a_guard_names_what_it_keeps_and_the_way_to_delete_it(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, report(east=unit("east", State.HELD, guard=GUARD)))
    assert lines[1:] == [
        "east     0        0        0        0       0     Held",
        "",
        "held[unplaced]: default/web on east: 1 object kept: default/web goes to no",
        "    cluster any more",
        "    would delete Deployment.apps web/web",
        f"    to delete these: --acknowledge {'d' * 40}",
        "",
        "A commit says the same with a line at the end of its message:",
        "    Reconciler-Acknowledge: DIGEST",
        "",
        "demo: main at aaaaaaaaaaaa: nothing written, 1 of 1 cluster needs attention",
    ]


def test_machines_are_told_everything() -> None:
    data = as_data(report(east=unit("east", State.HELD, INVALID, guard=GUARD)))
    (told_unit,) = data["units"]
    assert data["exitCode"] == Exit.REFUSED
    assert told_unit["objects"] == [
        {
            "object": "Deployment.apps web/web",
            "result": "failed",
            "health": "unknown",
            "reason": "Invalid",
            "message": "spec.replicas: Invalid value: -1",
            "pace": "",
        }
    ]
    assert told_unit["guard"] == GUARD


def test_a_status_that_could_not_be_written_is_told_on_stderr_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    run = report(east=unit("east", State.READY, Outcome(WEB, Result.CREATED)))
    why = Unwritten("status-rejected", "branch 'x': protected", "ask", Exit.FAILED)
    unwritten = Report(**{field: getattr(run, field) for field in run.__struct_fields__} | {"unwritten": why})
    print_report(unwritten, "text")
    assert unwritten.exit_code is Exit.FAILED
    assert capsys.readouterr().err == "error[status-rejected]: branch 'x': protected\n    ask\n"
