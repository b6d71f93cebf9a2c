"""A chartPullSecret that the hub holds is read with the run's own account, when a chart is fetched."""

import functools
import os
from pathlib import Path

from reconciler.model.inflation import Chart
from reconciler.model.settings import Access, Charts, Clusters, Repository, Settings
from reconciler.sync.options import Options
from reconciler.sync.reach import pull_secret
from tests.plugins import charts
from tests.plugins.charts import BASIC, PASSWORD, PLAIN, USER
from tests.plugins.fleet import Fleet
from tests.wire.charts.asking import Run, question


async def test_a_pull_secret_of_the_hub_opens_a_repository(fleet: Fleet, namespace: str, tmp_path: Path) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull", "namespace": namespace}}
    body["stringData"] = {"username": USER, "password": PASSWORD}
    fleet.parent.api.apply(f"/api/v1/namespaces/{namespace}/secrets/pull", body)
    environment = {**os.environ, "KUBECONFIG": str(fleet.kubeconfig)}
    options = Options(repo=".", cache=tmp_path, environment=environment, home=tmp_path)
    with charts.chart_server(tmp_path / "https", tls=True, allowed=frozenset({BASIC})) as server:
        assert server.ca is not None
        server.add(charts.packaged(PLAIN, tmp_path / "scratch", tmp_path / "made"))
        run = Run(
            tmp_path / "cache", {"ca.pem": server.ca.read_bytes()}, secrets=functools.partial(pull_secret, options)
        )
        parent = Clusters(source="parent", parent=Access(context=fleet.parent.context))
        trusted = Charts(repositories=(Repository(url=server.url, ca_file="ca.pem"),))
        run.settings = Settings(fleet="test", clusters=parent, charts=trusted)
        missing = await run.one(question(Chart(server.url, "plain", "1.0.0", pull_secret=f"{namespace}/none")))
        await run.good(question(Chart(server.url, "plain", "1.0.0", pull_secret=f"{namespace}/pull")))
    assert missing.fault is not None
    assert missing.fault.rule == "chart-credentials"
    assert "is not on the hub" in missing.fault.message
