"""Where charts come from: HTTP repositories and registries; ranges, credentials, private authorities, signatures."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import yaml

from reconciler.model.inflation import Chart, ChartAnswer
from reconciler.model.settings import Access, Clusters, Repository, SecretFrom, Settings
from tests.plugins import charts
from tests.plugins.charts import BASIC, BEARER, PASSWORD, PLAIN, TOKEN, USER, ChartServer, Registry, versioned
from tests.wire.charts.asking import Run, question

pytestmark = [pytest.mark.needs_tool("helm"), pytest.mark.needs_tool("registry")]

VERSIONS = ("0.9.0", "1.0.0", "1.2.0", "1.2.5", "1.10.0", "2.0.0", "3.0.0-beta.1")
RANGES = {
    "": "2.0.0",
    "1.2.0": "1.2.0",
    "^1.2": "1.10.0",
    "~1.2": "1.2.5",
    ">=1 <2": "1.10.0",
    ">=1, <1.10": "1.2.5",
    "1.x": "1.10.0",
    "0.x || 1.2.x": "1.2.5",
    "1.0.0 - 1.2.5": "1.2.5",
    ">0.0.0-0": "3.0.0-beta.1",
    "v1.2.0": "1.2.0",
}
ENVIRONMENT = {"CHART_USER": USER, "CHART_PASSWORD": PASSWORD, "CHART_TOKEN": TOKEN}
BY_PAIR = {"username_env": "CHART_USER", "password_env": "CHART_PASSWORD"}
BY_TOKEN = {"token_env": "CHART_TOKEN"}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    scratch = tmp_path_factory.mktemp("charts")
    return [charts.packaged(versioned(PLAIN, version), scratch, scratch / "made") for version in VERSIONS]


@pytest.fixture
def server(tmp_path: Path, archives: list[Path]) -> Iterator[ChartServer]:
    with charts.chart_server(tmp_path / "http") as served:
        served.add(*archives)
        yield served


@pytest.fixture
def secure(tmp_path: Path, archives: list[Path]) -> Iterator[ChartServer]:
    with charts.chart_server(tmp_path / "https", tls=True, allowed=frozenset({BASIC, BEARER})) as served:
        served.add(*archives)
        yield served


@pytest.fixture(scope="module")
def open_registry(tmp_path_factory: pytest.TempPathFactory, archives: list[Path]) -> Iterator[Registry]:
    with charts.registry(tmp_path_factory.mktemp("registry")) as running:
        for archive in archives:
            running.push(archive)
        yield running


@pytest.fixture(scope="module")
def closed_registry(tmp_path_factory: pytest.TempPathFactory, archives: list[Path]) -> Iterator[Registry]:
    with charts.registry(tmp_path_factory.mktemp("secure"), tls=True, auth=True) as running:
        for archive in archives:
            running.push(archive)
        yield running


def rule(answer: ChartAnswer) -> str:
    assert answer.fault is not None, answer.version
    assert PASSWORD not in repr(answer)
    assert TOKEN not in repr(answer)
    return answer.fault.rule


@pytest.mark.parametrize(("wanted", "taken"), RANGES.items())
async def test_a_range_in_a_repository_takes_the_newest_that_fits(
    tmp_path: Path, server: ChartServer, wanted: str, taken: str
) -> None:
    answer = await Run(tmp_path / "cache").good(question(Chart(server.url, "plain", wanted)))
    assert answer.version == taken


@pytest.mark.parametrize(("wanted", "taken"), [row for row in RANGES.items() if row[0] != "v1.2.0"])
async def test_a_range_in_a_registry_takes_the_newest_that_fits(
    tmp_path: Path, open_registry: Registry, wanted: str, taken: str
) -> None:
    chart = Chart(open_registry.url, "plain", wanted, plain_http=True)
    assert (await Run(tmp_path / "cache").good(question(chart))).version == taken


async def test_what_is_not_there_is_told_from_what_does_not_answer(
    tmp_path: Path, server: ChartServer, open_registry: Registry
) -> None:
    run = Run(tmp_path / "cache")
    absent = [
        Chart(server.url, "plain", "9.x"),
        Chart(server.url, "none"),
        Chart(f"{server.url}/nowhere", "plain"),
        Chart(open_registry.url, "plain", "9.x", plain_http=True),
        Chart(open_registry.url, "plain", "9.0.0", plain_http=True),
        Chart(open_registry.url, "none", "1.0.0", plain_http=True),
    ]
    assert [rule(found) for found in await run.ask(*map(question, absent))] == ["chart-not-found"] * len(absent)
    silent = [
        Chart("http://127.0.0.1:1", "plain"),
        Chart("oci://127.0.0.1:1/charts", "plain", "1.0.0", plain_http=True),
    ]
    assert [rule(found) for found in await run.ask(*map(question, silent))] == ["chart-unreachable"] * 2


async def test_an_outage_is_never_remembered(tmp_path: Path, server: ChartServer) -> None:
    run = Run(tmp_path / "cache")
    asked = question(Chart(server.url, "plain", "^1.2"))
    server.status = 503
    assert rule(await run.one(asked)) == "chart-unreachable"
    server.status = 0
    run.again()
    assert (await run.good(asked)).version == "1.10.0"


async def test_an_outage_concerns_only_the_charts_of_that_repository(tmp_path: Path, server: ChartServer) -> None:
    run = Run(tmp_path / "cache")
    good, bad = await run.ask(question(Chart(server.url, "plain")), question(Chart("http://127.0.0.1:1", "plain")))
    assert good.fault is None
    assert rule(bad) == "chart-unreachable"


async def test_an_index_is_fetched_once_in_a_run_and_an_exact_version_once_for_ever(
    tmp_path: Path, server: ChartServer
) -> None:
    run = Run(tmp_path / "cache")
    ranges = [Chart(server.url, "plain", wanted) for wanted in ("^1", "~1.2", "1.x", "")]
    exact = Chart(server.url, "plain", "1.0.0")
    await run.ask(*map(question, (*ranges, exact)))
    assert server.count("index.yaml") == 1
    run.again()
    server.requests.clear()
    assert (await run.good(question(exact))).version == "1.0.0"
    assert server.requests == []
    await run.good(question(ranges[0]))
    assert server.count("index.yaml") == 1


async def test_nothing_is_fetched_offline_and_what_is_missing_is_named(tmp_path: Path, server: ChartServer) -> None:
    run = Run(tmp_path / "cache")
    known, newest = question(Chart(server.url, "plain", "1.0.0")), question(Chart(server.url, "plain", "^1"))
    await run.ask(known, newest)
    server.requests.clear()
    run.again(offline=True)
    unknown = question(Chart(server.url, "plain", "2.0.0"))
    answers = await run.ask(known, newest, unknown)
    assert [answer.version for answer in answers] == ["1.0.0", "1.10.0", ""]
    assert rule(answers[2]) == "chart-offline"
    assert answers[2].fault is not None
    assert all(word in answers[2].fault.message for word in (server.url, "plain", "2.0.0"))
    assert server.requests == []


@pytest.mark.parametrize("named", [BY_PAIR, BY_TOKEN], ids=["basic", "bearer"])
async def test_credentials_and_a_private_authority_open_a_repository(
    tmp_path: Path, secure: ChartServer, named: dict[str, str]
) -> None:
    assert secure.ca is not None
    run = Run(tmp_path / "cache", {"ca.pem": secure.ca.read_bytes()}, environment=ENVIRONMENT)
    run.with_repository(secure.url, ca_file="ca.pem", **named)
    asked = question(Chart(secure.url, "plain", "1.0.0"))
    assert (await run.good(asked)).version == "1.0.0"
    assert set(secure.authorisations) == {BASIC if named is BY_PAIR else BEARER}


@pytest.mark.parametrize("named", [BY_PAIR], ids=["basic"])
async def test_credentials_and_a_private_authority_open_a_registry(
    tmp_path: Path, closed_registry: Registry, named: dict[str, str]
) -> None:
    assert closed_registry.ca is not None
    run = Run(tmp_path / "cache", {"ca.pem": closed_registry.ca.read_bytes()}, environment=ENVIRONMENT)
    run.with_repository(closed_registry.url, ca_file="ca.pem", **named)
    answer = await run.good(question(Chart(closed_registry.url, "plain", "^1.2")))
    assert answer.version == "1.10.0"


async def test_a_token_is_sent_to_a_registry_as_it_is(tmp_path: Path) -> None:
    with charts.chart_server(tmp_path / "http", allowed=frozenset({BEARER})) as served:
        repo = f"oci://127.0.0.1:{served.port}/charts"
        run = Run(tmp_path / "cache", environment=ENVIRONMENT).with_repository(repo, **BY_TOKEN)
        await run.one(question(Chart(repo, "plain", "1.0.0", plain_http=True)))
    assert BEARER in served.authorisations
    assert served.requests[-1] == "/v2/charts/plain/manifests/1.0.0"


async def test_refusals_are_told_without_credentials(
    tmp_path: Path, secure: ChartServer, closed_registry: Registry
) -> None:
    assert secure.ca is not None
    assert closed_registry.ca is not None
    files = {"ca.pem": secure.ca.read_bytes(), "oci.pem": closed_registry.ca.read_bytes()}
    wrong = {"CHART_USER": USER, "CHART_PASSWORD": "wrong-canary"}
    run = Run(tmp_path / "cache", files, environment=wrong)
    run.with_charts(
        repositories=(
            Repository(url=secure.url, ca_file="ca.pem", **BY_PAIR),
            Repository(url=closed_registry.url, ca_file="oci.pem", **BY_PAIR),
        )
    )
    asked = [question(Chart(secure.url, "plain")), question(Chart(closed_registry.url, "plain"))]
    for answer in await run.ask(*asked):
        assert rule(answer) == "chart-refused"
        assert "wrong-canary" not in repr(answer)
    run.again(environment={**run.tools.environment, "CHART_PASSWORD": ""})
    assert [rule(answer) for answer in await run.ask(*asked)] == ["chart-credentials"] * 2


async def test_an_unknown_authority_is_refused(tmp_path: Path, secure: ChartServer, closed_registry: Registry) -> None:
    run = Run(tmp_path / "cache")
    asked = [question(Chart(secure.url, "plain")), question(Chart(closed_registry.url, "plain"))]
    for answer in await run.ask(*asked):
        assert rule(answer) == "chart-refused"
        assert answer.fault is not None
        assert "certificate" in answer.fault.message


async def test_a_pull_secret_comes_from_the_environment_or_the_hub(tmp_path: Path, secure: ChartServer) -> None:
    assert secure.ca is not None
    authority = {"ca.pem": secure.ca.read_bytes()}
    repository = (Repository(url=secure.url, ca_file="ca.pem"),)
    asked = question(Chart(secure.url, "plain", pull_secret="fleet/pull"))
    run = Run(tmp_path / "a", authority, environment=ENVIRONMENT)
    named = {"fleet/pull": SecretFrom(username_env="CHART_USER", password_env="CHART_PASSWORD")}
    await run.with_charts(repositories=repository, pull_secrets=named).good(asked)

    async def hub(settings: Settings, namespace: str, name: str) -> dict[str, str] | None:
        return {"username": USER, "password": PASSWORD} if (namespace, name) == ("fleet", "pull") else None

    run = Run(tmp_path / "b", authority, secrets=hub).with_charts(repositories=repository)
    assert rule(await run.one(asked)) == "chart-credentials"  # no parent is named
    run.again()
    run.settings = msgspec.structs.replace(
        run.settings, clusters=Clusters(source="parent", parent=Access(context="hub"))
    )
    await run.good(asked)
    other = question(Chart(secure.url, "plain", pull_secret="fleet/none"))
    assert rule(await run.one(other)) == "chart-credentials"
    run = Run(tmp_path / "c", authority).with_charts(repositories=repository)
    assert rule(await run.one(asked)) == "chart-credentials"


async def test_credentials_go_to_no_other_origin(tmp_path: Path, server: ChartServer, secure: ChartServer) -> None:
    """Neither by a redirect, nor by an index, nor by a URL that only begins alike."""
    run = Run(tmp_path / "cache", environment=ENVIRONMENT)
    run.with_repository(server.url, **BY_TOKEN)
    with charts.chart_server(tmp_path / "other") as other:
        other.add(*server.root.glob("plain-1.0.0.tgz"))
        server.redirect = other.url
        await run.good(question(Chart(server.url, "plain", "1.0.0")))
        assert set(server.authorisations) == {BEARER}
        assert set(other.authorisations) == {""}
        index = server.root / "index.yaml"
        index.write_text(index.read_text().replace("- plain-1.2.0.tgz", f"- {other.url}/plain-1.0.0.tgz"))
        run.again()
        await run.one(question(Chart(server.url, "plain", "1.2.0")))
        assert set(other.authorisations) == {""}
    run.with_repository(f"{server.url}/charts", **BY_TOKEN)
    server.authorisations.clear()
    for path in ("/chartsandmore", "/charts/../other"):
        await run.one(question(Chart(f"{server.url}{path}", "plain", "1.0.0")))
    assert set(server.authorisations) == {""}


async def test_https_never_leads_to_http(tmp_path: Path, server: ChartServer, secure: ChartServer) -> None:
    assert secure.ca is not None
    run = Run(tmp_path / "cache", {"ca.pem": secure.ca.read_bytes()}, environment=ENVIRONMENT)
    run.with_repository(secure.url, ca_file="ca.pem", **BY_TOKEN)
    secure.redirect = server.url
    assert rule(await run.one(question(Chart(secure.url, "plain", "1.0.0")))) == "chart-refused"
    assert server.requests == []


async def test_credentials_are_not_sent_in_clear_to_another_machine(tmp_path: Path) -> None:
    run = Run(tmp_path / "cache", environment=ENVIRONMENT)
    for chart in (Chart("http://charts.invalid", "plain"), Chart("oci://charts.invalid", "plain", plain_http=True)):
        run.with_repository(chart.repo, **BY_PAIR)
        answer = await run.one(question(chart))
        assert rule(answer) == "chart-refused"
        assert answer.fault is not None
        assert "without TLS" in answer.fault.message


async def test_credentials_in_a_url_are_refused_and_not_told(tmp_path: Path, server: ChartServer) -> None:
    run = Run(tmp_path / "cache")
    for scheme in ("http", "oci"):
        repo = f"{scheme}://{USER}:{PASSWORD}@127.0.0.1:{server.port}"
        assert rule(await run.one(question(Chart(repo, "plain", plain_http=True)))) == "chart-secret"
    assert server.requests == []


async def test_an_archive_that_is_not_the_one_of_the_index_is_refused(tmp_path: Path, server: ChartServer) -> None:
    (server.root / "plain-1.0.0.tgz").write_bytes((server.root / "plain-1.2.0.tgz").read_bytes())
    assert rule(await Run(tmp_path / "cache").one(question(Chart(server.url, "plain", "1.0.0")))) == "chart-invalid"


async def test_an_index_that_is_none_is_told(tmp_path: Path, server: ChartServer) -> None:
    for content in ("<html>", "entries: 1", "{", "a: [", "entries: {plain: [1]}"):
        (server.root / "index.yaml").write_text(content)
        run = Run(tmp_path / "cache")
        assert rule(await run.one(question(Chart(server.url, "plain")))) == "chart-invalid"


async def test_what_is_cached_is_private(tmp_path: Path, server: ChartServer) -> None:
    await Run(tmp_path / "cache").good(question(Chart(server.url, "plain", "1.0.0")))
    found = [Path(root, name) for root, _, names in os.walk(tmp_path / "cache") for name in names]
    assert found
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> charts.Signer:
    return charts.signer(tmp_path_factory.mktemp("gpg") / "maker")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> charts.Signer:
    return charts.signer(tmp_path_factory.mktemp("gpg") / "stranger", "stranger@example.com")


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, maker: charts.Signer) -> Path:
    scratch = tmp_path_factory.mktemp("signed")
    archive = charts.packaged(PLAIN, scratch, scratch / "made")
    maker.sign(archive)
    return archive


@pytest.mark.parametrize("where", ["http", "oci"])
async def test_with_a_keyring_only_what_its_keys_signed_is_used(
    tmp_path: Path, maker: charts.Signer, stranger: charts.Signer, signed: Path, archives: list[Path], where: str
) -> None:
    unsigned = next(archive for archive in archives if "1.2.0" in archive.name)
    with charts.chart_server(tmp_path / "http") as server, charts.registry(tmp_path / "oci") as running:
        server.add(signed, unsigned)
        running.push(signed)
        running.push(unsigned)
        repo = server.url if where == "http" else running.url
        chart = Chart(repo, "plain", "1.0.0", plain_http=where == "oci")
        files = {"maker.asc": maker.public, "stranger.asc": stranger.public, "both.asc": stranger.public + maker.public}
        run = Run(tmp_path / "cache", files)
        for keyring in ("maker.asc", "both.asc"):
            run.again()
            await run.with_charts(keyring=keyring).good(question(chart))
        run.again()
        foreign = await run.with_charts(keyring="stranger.asc").one(question(chart))
        assert rule(foreign) == "chart-not-verified"
        assert "no key of the keyring has signed it" in repr(foreign)
        run.again()
        without = await run.with_charts(keyring="maker.asc").one(question(type(chart)(repo, "plain", "1.2.0", True)))
        assert rule(without) == "chart-not-verified"
        assert "no provenance file" in repr(without)
        run.again()
        assert rule(await run.with_charts(keyring="gone.asc").one(question(chart))) == "chart-not-verified"


async def test_an_archive_that_was_changed_after_it_was_signed_is_refused(
    tmp_path: Path, maker: charts.Signer, signed: Path
) -> None:
    with charts.chart_server(tmp_path / "http") as server:
        server.add(signed)
        changed = charts.packaged({**PLAIN, "values.yaml": "color: red\n"}, tmp_path, tmp_path / "changed")
        (server.root / signed.name).write_bytes(changed.read_bytes())
        charts.helm("repo", "index", str(server.root), home=tmp_path)
        run = Run(tmp_path / "cache", {"maker.asc": maker.public}).with_charts(keyring="maker.asc")
        answer = await run.one(question(Chart(server.url, "plain", "1.0.0")))
        assert rule(answer) == "chart-not-verified"
        assert "not what was signed" in repr(answer)


@pytest.mark.parametrize("written", ["helm", "json", "flow", "indented"])
async def test_an_index_may_be_written_in_any_way(tmp_path: Path, server: ChartServer, written: str) -> None:
    said = yaml.safe_load((server.root / "index.yaml").read_text())
    said["entries"]["other"] = [{"name": "other", "version": "9.0.0", "description": "plain:\n- version: 8.0.0\n"}]
    for entry in said["entries"]["plain"]:
        entry["created"] = "now"
    dumped = {
        "helm": lambda: yaml.safe_dump({**said, "generated": "now"}),
        "json": lambda: json.dumps({**said, "generated": "now"}),
        "flow": lambda: yaml.safe_dump({**said, "generated": "now"}, default_flow_style=True),
        "indented": lambda: "".join(
            f"  {line}\n" for line in yaml.safe_dump({**said, "generated": "now"}).splitlines()
        ),
    }
    (server.root / "index.yaml").write_text(dumped[written]())
    assert (await Run(tmp_path / "cache").good(question(Chart(server.url, "plain")))).version == "2.0.0"
