"""Git as a user without any configuration has it; async tests run each in its own loop."""

import asyncio
import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.adapters.git.mirror import Mirror
from reconciler.adapters.git.remote import parse
from reconciler.adapters.git.run import Git
from tests.wire.git.repos import Origin

MakeMirror = Callable[..., Mirror]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True


@pytest.fixture(autouse=True)
def bare_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with no configuration but a name, so that the machine's user is not seen; the home."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith(("GIT_", "SSH_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (home / ".gitconfig").write_text("[user]\n\tname = Ann Author\n\temail = ann@example.com\n")
    return home


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path)


@pytest.fixture
def mirror_of(tmp_path: Path) -> Iterator[MakeMirror]:
    """Makes mirrors of a path or URL, in one cache or several, and closes them."""
    made: list[Mirror] = []

    def make(repo: object, cache: str = "cache") -> Mirror:
        mirror = Mirror(Git(dict(os.environ)), parse(str(repo), tmp_path), tmp_path / cache)
        made.append(mirror)
        return mirror

    yield make
    for mirror in made:
        asyncio.run(mirror.close())
