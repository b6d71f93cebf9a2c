"""A program is found where the environment says, in PATH, or where the local fleet's build put it."""

from pathlib import Path

import pytest

from reconciler.adapters.tools.programs import find, passed
from reconciler.model.errors import ToolFailed


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def built(tmp_path: Path) -> Path:
    program(tmp_path / "cache/reconciler/bin/helm-v4.9.0-linux-amd64/helm")
    return program(tmp_path / "cache/reconciler/bin/helm-v4.10.0-linux-amd64/helm")


def test_what_the_environment_names_comes_first_then_path_then_the_newest_build(tmp_path: Path, built: Path) -> None:
    named, listed = program(tmp_path / "mine"), program(tmp_path / "bin/helm")
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": str(tmp_path / "bin")}
    assert find("helm", {**environment, "RECONCILER_HELM": str(named)}) == named
    assert find("helm", environment) == listed
    listed.unlink()
    assert find("helm", environment) == built


def test_a_program_that_is_nowhere_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="helm is not installed") as told:
        find("helm", {"PATH": str(tmp_path), "HOME": str(tmp_path)})
    assert "hack/fleet binaries helm" in told.value.hint
    with pytest.raises(ToolFailed, match=r"RECONCILER_AGE_KEYGEN names .*/none, which cannot be run"):
        find("age-keygen", {"PATH": str(tmp_path), "RECONCILER_AGE_KEYGEN": "/nowhere/none"})


def test_programs_see_no_credentials_of_the_run() -> None:
    assert passed({"PATH": "/bin", "https_proxy": "p", "TOKEN": "canary", "HELM_KUBETOKEN": "canary"}) == {
        "PATH": "/bin",
        "https_proxy": "p",
    }
