"""A run that stays says what is new, once."""

from __future__ import annotations

from reconciler.model.objects import CommitId
from reconciler.model.status import State, Tally
from reconciler.sync.events import Event, Level
from reconciler.sync.loop import LONGEST_BACKOFF, _pause
from reconciler.sync.report import Report
from reconciler.sync.telling import Telling

NOTHING_NEW = Report(fleet="demo", source=CommitId("a" * 40), reference="main", nothing_new=True)


def report(state: State = State.DELIVERED, changed: int = 0, source: str = "b" * 40) -> Report:
    row = Tally("east", objects=3, changed=changed, state=state, message="" if state is State.DELIVERED else "why")
    return Report(fleet="demo", source=CommitId(source), reference="main", rows=(row,))


def told(*runs: Report | str) -> list[list[tuple[str, Level]]]:
    events: list[Event] = []
    telling, answers = Telling(events.append), []
    for run in runs:
        if isinstance(run, str):
            telling.failed(run)
        else:
            telling.run(run, 1.0)
        answers.append([(event.step, event.level) for event in events])
        events.clear()
    return answers


def test_the_first_look_is_told_and_the_next_ones_are_not() -> None:
    assert told(NOTHING_NEW, NOTHING_NEW) == [[("poll", Level.INFO)], [("poll", Level.DEBUG)]]


def test_the_same_trouble_is_told_once_and_again_when_it_changes() -> None:
    loud, quiet = [("deliver", Level.WARNING), ("run", Level.INFO)], [("deliver", Level.DEBUG), ("run", Level.DEBUG)]
    held, failed = report(State.HELD), report(State.FAILED)
    assert told(held, held, failed, failed, held) == [loud, quiet, loud, quiet, loud]


def test_a_run_that_wrote_something_is_always_told() -> None:
    assert told(report(changed=1), report(changed=1)) == [[("run", Level.INFO)]] * 2


def test_a_remote_that_stays_away_is_told_once_and_so_is_its_return() -> None:
    levels = [
        level for run in told(NOTHING_NEW, "no answer", "no answer", NOTHING_NEW, NOTHING_NEW) for _, level in run
    ]
    assert levels == [Level.INFO, Level.ERROR, Level.DEBUG, Level.INFO, Level.DEBUG]


def test_pauses_grow_to_a_ceiling_however_long_a_remote_is_away() -> None:
    pauses = [_pause(60.0, failures) for failures in (0, 1, 2, 3, 4, 5000)]
    assert pauses == [60.0, 120.0, 240.0, 480.0, LONGEST_BACKOFF, LONGEST_BACKOFF]
    assert _pause(3600.0, 3) == 3600.0
