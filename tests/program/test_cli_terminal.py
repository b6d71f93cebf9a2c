"""What a terminal gets and a pipe does not; variables, `python -m`, exit codes and pipes that close."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.program.fleetrepo import RECONCILER
from tests.program.template import LOG_SHIPPER, WEB, TemplateRepo, run

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-9]|4[0-9]|9[0-7]|10[0-7])(?:;\d+)*m")


def on_a_terminal(*arguments: str, at: Path, columns: int = 80, **env: str) -> tuple[int, str]:
    """Exit code and everything that a terminal of this width was sent."""
    screen, tty = pty.openpty()
    fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "CI")}
    child = subprocess.Popen(
        [str(RECONCILER), *arguments],
        cwd=at,
        env={**clean, "TERM": "xterm-256color", "RECONCILER_CACHE": str(at.parent / "cache"), **env},
        stdin=tty,
        stdout=tty,
        stderr=tty,
    )
    os.close(tty)
    sent = b""
    while True:
        try:
            part = os.read(screen, 1 << 16)
        except OSError:  # Linux says so when the last writer has gone
            break
        if not part:
            break
        sent += part
    os.close(screen)
    return child.wait(), sent.decode()


def lines_of(sent: str) -> list[str]:
    """All lines that were written, also those that were overwritten later."""
    return re.split(r"[\r\n]+", CONTROL.sub("", sent))


def test_a_terminal_sees_progress_then_a_table_in_80_columns(fleet_repo: TemplateRepo) -> None:
    code, sent = on_a_terminal("sync", "--once", str(fleet_repo.remote), at=fleet_repo.run_in)
    assert code == 0
    lines = lines_of(sent)
    assert max(map(len, lines)) <= 80
    assert any(re.search(r"(fetch|read|deliver|status) .*━", line) for line in lines)
    table = lines.index("CLUSTER  OBJECTS  CREATED  CHANGED  PRUNED  SAME  STATE")
    assert not any("━" in line for line in lines[table:])
    assert COLOUR.search(sent)


def test_no_color_is_honoured_on_a_terminal(fleet_repo: TemplateRepo) -> None:
    fleet_repo.commit({"x.yaml": "kind: [\n"})
    for command in (["sync", "--once"], ["check"], ["sync", "--once", "--cluster", "nope"]):
        _, sent = on_a_terminal(*command, str(fleet_repo.remote), at=fleet_repo.run_in, NO_COLOR="1")
        assert not COLOUR.search(sent), command


def test_a_pipe_gets_no_control_characters(fleet_repo: TemplateRepo) -> None:
    fleet_repo.commit({"x.yaml": "kind: [\n"})
    for command in (["sync", "--once", "-vv"], ["status"], ["check"], ["sync", "--once", "--cluster", "nope"]):
        done = fleet_repo.run(*command)
        told = done.stdout + done.stderr
        assert told
        assert not re.search(r"[\x00-\x08\x0b-\x1f]", told), command


def test_names_as_long_as_they_may_be_fit_80_columns(fleet_repo: TemplateRepo) -> None:
    long = "a-cluster-whose-name-is-as-long-as-kubernetes-allows-it-to-be12"
    dev = fleet_repo.text("clusters/dev.yaml").replace("name: dev\n", f"name: {long}\n")
    fleet_repo.commit({"clusters/dev.yaml": dev})
    fleet_repo.change(LOG_SHIPPER, "  name: log-shipper\n  namespace: default", f"  name: {long}\n  namespace: {long}")
    told = [fleet_repo.run(*command) for command in (["schedule"], ["sync", "--once"], ["status"])]
    told.append(fleet_repo.run("status", "--cluster", long))
    fleet_repo.change(LOG_SHIPPER, "clusterAffinity: {}", "clusterAffinity: {matchLabels: {nobody: here}}")
    told.append(fleet_repo.run("sync", "--once"))
    undeploy = "\n  annotations: {reconciler.clusternet.io/when-no-cluster-fits: undeploy}"
    fleet_repo.change(LOG_SHIPPER, f"namespace: {long}", f"namespace: {long}{undeploy}")
    told.append(fleet_repo.run("sync", "--once"))
    assert [done.code for done in told] == [0, 0, 0, 0, 0, 6]
    for done in told:
        wide = [line for line in done.stdout.splitlines() if len(line) > 80]
        assert not [line for line in wide if len(line.split()) > 1], "only a word that is longer itself may be"
    joined = "".join(line.strip() for line in told[1].stdout.splitlines())
    assert long[:20] in joined


def test_variables_stand_for_options_and_the_command_line_wins(fleet_repo: TemplateRepo) -> None:
    env = {"RECONCILER_SYNC_ONCE": "1", "RECONCILER_SYNC_OUTPUT": "json", "RECONCILER_SYNC_CLUSTER": "dev staging"}
    done = run("sync", str(fleet_repo.remote), "-o", "text", at=fleet_repo.run_in, env=env)
    assert done.code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()[1:3]] == ["dev", "staging"]
    assert run("version", at=fleet_repo.run_in, env={"RECONCILER_VERSION": "v1", "RECONCILER_HELP": "1"}).code == 0
    wrong = run("sync", at=fleet_repo.run_in, env={"RECONCILER_SYNC_TIMEOUT": "soon"})
    assert (wrong.code, "'soon' is no duration" in wrong.stderr) == (2, True)


def test_the_package_runs_as_a_module_and_says_the_same(fleet_repo: TemplateRepo) -> None:
    module = (sys.executable, "-m", "reconciler")
    for words in (["--help"], ["stauts"]):
        script, package = run(*words, at=fleet_repo.run_in), run(*words, at=fleet_repo.run_in, program=module)
        assert script == package


def test_a_reader_that_leaves_ends_the_command_as_the_shell_expects(fleet_repo: TemplateRepo) -> None:
    script = f"set -o pipefail; '{RECONCILER}' render | head -c 1; echo ' ' $?"
    env = {**os.environ, "RECONCILER_CACHE": str(fleet_repo.cache)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=fleet_repo.work, env=env, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.split()[-1], done.stderr) == ("141", "")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["sync", "--once", "http://example.org/fleet.git"], 2, "error[bad-repo]"),
        (["sync", "--once", "nowhere"], 2, "error[no-repo]"),
        (["sync", "--commit", "0" * 40, "."], 2, "error[fixed-commit]"),
        (["check", "nowhere"], 2, "error[no-repo]"),
        (["check", "."], 3, "fleet.yaml"),
        (["status", "."], 2, "error[no-repo]"),
        (["sync", "--once", "file:///nowhere/at/all"], 2, "error["),
        (["sync", "--once", "https://localhost:1/fleet.git"], 4, "error["),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_what_cannot_be_read_is_told_with_its_code(words: list[str], code: int, told: str, tmp_path: Path) -> None:
    (tmp_path / "at").mkdir()
    done = run(*words, at=tmp_path / "at")
    assert (done.code, done.stdout) == (code, "" if code != 3 else done.stdout)
    assert told in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert "bug[" not in done.stderr


def test_what_the_system_forbids_is_no_bug(tmp_path: Path) -> None:
    (tmp_path / "at").mkdir()
    (tmp_path / "at" / "file").touch()
    done = run("init", "file/fleet", at=tmp_path / "at")
    assert (done.code, done.stdout) == (4, "")
    assert done.stderr.startswith("error[system]: file/fleet")
    assert done.stderr.endswith(": Not a directory\n")


def test_secrets_are_in_no_message(fleet_repo: TemplateRepo) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: web}\nstringData: {a: hunter2-is-it}\n"
    feeds = "  feeds:\n    - {apiVersion: v1, kind: Secret, namespace: web, name: s}\n"
    broken = secret.replace("kind: Secret", "kind: Secret\nkind: Secret")
    fleet_repo.commit({"apps/web/secret.yaml": secret, WEB: fleet_repo.text(WEB).replace("  feeds:\n", feeds)})
    told = [
        fleet_repo.run(*words) for words in (["sync", "--once", "-vv"], ["sync", "--dry-run"], ["status", "-o", "json"])
    ]
    fleet_repo.commit({"apps/web/secret.yaml": broken})
    told += [fleet_repo.run(*words) for words in (["sync", "--once", "-vv", "-o", "json"], ["check"])]
    assert [done.code for done in told] == [0, 0, 0, 3, 3]
    assert not any("hunter2" in done.stdout + done.stderr for done in told)
    assert "hunter2" not in fleet_repo.git("log", "-p", "--all", "--", "status.json", "units")
