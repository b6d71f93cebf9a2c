"""Every command as it presents itself: help, hints, and the page of the documents."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from reconciler.cli.main import COMMANDS, cli
from reconciler.cli.main import _show_bug as show_bug
from reconciler.cli.options import Duration
from reconciler.model.errors import Exit

TOP = Path(__file__).parents[3]


def members(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    for name, member in command.commands.items() if isinstance(command, click.Group) else ():
        yield from members(member, (*path, name))


def commands() -> list[tuple[str, ...]]:
    top = click.Context(cli)
    found = ((name, cli.get_command(top, name)) for name in COMMANDS)
    return [(), *(path for name, command in found if command for path in members(command, (name,)))]


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_help_of_a_command_fits_80_columns_and_tells_the_exit_codes(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli, [*path, "--help"], env={"COLUMNS": "200"}, prog_name="reconciler")
    assert shown.exit_code == 0
    assert max(map(len, shown.output.splitlines())) <= 80
    codes = [code.value for code in Exit]
    table = shown.output.partition("Exit codes:")[2]
    assert all(f"  {code}  " in table for code in codes)


@pytest.mark.parametrize("path", commands()[1:], ids=" ".join)
def test_every_option_of_a_command_says_what_it_is_for(path: tuple[str, ...]) -> None:
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name) or pytest.fail(name)
    assert command.help
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


def test_summaries_in_the_table_are_one_line_of_help() -> None:
    assert all(len(name) + len(text) < 70 and text.endswith(".") for name, (_, text) in COMMANDS.items())


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["stauts"], "Did you mean 'status'?"),
        (["sync", "--interva", "1s"], "'--interval'"),
        (["nothing-like-it"], "No such command 'nothing-like-it'."),
        (["sync", "--timeout", "5 minutes"], "is no duration; write 30s, 5m or 1h30m"),
        (["sync", "--interval", "0"], "is too short; at least 0.1s"),
        (["sync", "--branch", "a", "--tag", "b"], "give one of --branch, --tag and --commit"),
    ],
    ids=["command", "option", "unknown", "duration", "interval", "revisions"],
)
def test_a_slip_is_answered_with_a_hint(words: list[str], hint: str) -> None:
    answer = CliRunner().invoke(cli, words)
    assert answer.exit_code == Exit.USAGE
    assert hint in answer.output


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30.0), ("30s", 30.0), ("1h30m", 5400.0), ("250ms", 0.25), ("1.5m", 90.0), ("0", 0.0)],
    ids=str,
)
def test_durations_are_read_as_go_reads_them(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "m", "1d", "-5s", "5 m", "1h30", "1.2.3s"], ids=repr)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Duration().convert(text, None, None)


def page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("commandpage", TOP / "hack" / "commandpage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    generator = page()
    assert generator.page() == generator.PAGE.read_text(), "run hack/commands"


def test_bug_in_a_group_is_shown_by_its_own_name_and_without_its_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RECONCILER_DEBUG", raising=False)
    show_bug(ExceptionGroup("all", [ExceptionGroup("some", [LookupError("an object's body")])]))
    told = capsys.readouterr().err
    assert "bug[LookupError]" in told
    assert "body" not in told
