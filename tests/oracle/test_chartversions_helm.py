"""Which version ranges are told to be wrong, held to the real helm: it never finds a version for one of those."""

import json
from pathlib import Path

import pytest

from reconciler.source.chartversions import fault
from tests.plugins.charts import helm

pytestmark = pytest.mark.needs_tool("helm")
VERSIONS = [f"{a}.{b}.{c}" for a in range(4) for b in range(4) for c in range(3)] + ["1.2.0-rc.1", "2.0.0-beta.2"]
GOOD = [
    "", "1.2.1", "v1.2.1", "^1.2", "~1.2", "~1", "^0.2", "^0.0.2", ">=1 <2", ">=1, <2", "1.x", "1.2.*", "*", "x", "1",
    "1.2", "1.0.0 - 2.1.0", "^9 || ^1", ">1.2.0-0 <1.3", "!=1.2.0", ">1", "<=1.2", "=>1.2.1 =<1.2.1", "~>1.2", " ^1 ",
    "2.0.0-beta.2", "0.0", "^0", "~0.0.0 >=3", ">=1.2.1, <=1.2",
]  # fmt: skip
WRONG = [
    ">2 <1", ">=1.2.1 <1.2.1", "^1 ^2", ">1 <1.3", "1.2.1 1.2.2", "~1.1 >=1.2", "<0.0.0", "latest", "1.2.3.4", "^1 ||",
    ">=1 and <2", ">", "1..2", "^1 || >2 <1 || what", "=1.2 <1.2", "<=1 >=2", ">1.2 <1.3",
]  # fmt: skip


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("search")
    entries = [{"apiVersion": "v2", "name": "web", "version": one, "urls": ["x"]} for one in VERSIONS]
    (home / "c-index.yaml").write_text(json.dumps({"apiVersion": "v1", "entries": {"web": entries}}))
    (home / "repositories.yaml").write_text(json.dumps({"repositories": [{"name": "c", "url": "http://none"}]}))
    return home


def found_by_helm(repository: Path, wanted: str) -> bool:
    where = ("--repository-cache", str(repository), "--repository-config", str(repository / "repositories.yaml"))
    try:
        said = helm("search", "repo", "c/web", f"--version={wanted}", "-o", "json", *where, home=repository)
    except AssertionError:
        return False
    return bool(json.loads(said))


@pytest.mark.parametrize("wanted", GOOD)
def test_a_range_that_helm_finds_something_for_is_no_problem(repository: Path, wanted: str) -> None:
    assert found_by_helm(repository, wanted)
    assert fault(wanted) == ""


@pytest.mark.parametrize("wanted", WRONG)
def test_a_range_that_is_told_to_be_wrong_finds_nothing(repository: Path, wanted: str) -> None:
    if "||" not in wanted or "what" in wanted:
        assert not found_by_helm(repository, wanted)
    assert fault(wanted) != ""
