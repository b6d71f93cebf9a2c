"""The fault proxy does to real requests what it was told, and nothing else."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.plugins.faults import Fault, FaultProxy
from tests.plugins.fleet import Cluster, Fleet, tool

CUT = (ConnectionError, http.client.RemoteDisconnected, ssl.SSLEOFError)
"""What a cut connection looks like: whether TLS or TCP notices first, and while sending or receiving, is chance."""


@pytest.fixture
def proxy(fleet: Fleet) -> Iterator[FaultProxy]:
    with FaultProxy(fleet.children[0], seed=7) as running:
        yield running


def _connection(proxy: FaultProxy) -> http.client.HTTPSConnection:
    trust = ssl.create_default_context(cafile=str(proxy.ca_file))
    return http.client.HTTPSConnection("127.0.0.1", int(proxy.server.rsplit(":", 1)[1]), context=trust, timeout=20)


def _request(proxy: FaultProxy, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any, str]:
    """Status, parsed body and Retry-After of one request through the proxy."""
    connection = _connection(proxy)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), answer.headers.get("Retry-After", "")
    finally:
        connection.close()


def _config_map(name: str, data: str = "x") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"key": data}}


def _maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def test_requests_pass_unchanged_and_are_counted(proxy: FaultProxy, namespace: str) -> None:
    assert _request(proxy, "POST", _maps(namespace), _config_map("one"))[0] == 201
    assert _request(proxy, "GET", f"{_maps(namespace)}/one")[1]["data"] == {"key": "x"}
    assert proxy.count("POST", "configmaps") == 1
    assert proxy.count(path=namespace) == 2


def test_kubectl_works_through_the_proxy(proxy: FaultProxy, namespace: str) -> None:
    kubectl = [str(tool("kubectl")), f"--kubeconfig={proxy.kubeconfig}", f"--context={proxy.cluster.context}"]
    apply = [*kubectl, "apply", "--server-side", "-n", namespace, "-f", "-"]
    subprocess.run(apply, input=json.dumps(_config_map("two")), text=True, check=True, capture_output=True)
    assert proxy.count("PATCH", "configmaps/two") == 1


def test_bearer_token_is_passed_on(proxy: FaultProxy, fleet: Fleet, namespace: str) -> None:
    child = fleet.children[0]
    child.kubectl("wait", "-n", namespace, "serviceaccount/default", "--for=create", "--timeout=30s")
    token = child.kubectl("create", "token", "default", "-n", namespace).strip()
    status, answer, _ = _request(proxy, "GET", "/api/v1/namespaces", Authorization=f"Bearer {token}")
    assert status == 403
    assert f"system:serviceaccount:{namespace}:default" in answer["message"]


@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_chosen_requests_are_answered_with_an_error(proxy: FaultProxy, namespace: str, status: int) -> None:
    proxy.inject(Fault("POST", "configmaps", count=1, status=status, retry_after=3))
    refused, answer, retry_after = _request(proxy, "POST", _maps(namespace), _config_map("three"))
    assert (refused, answer["kind"], answer["code"], retry_after) == (status, "Status", status, "3")
    assert _request(proxy, "GET", f"{_maps(namespace)}/three")[0] == 404
    assert _request(proxy, "POST", _maps(namespace), _config_map("three"))[0] == 201


def test_delay_holds_only_matching_requests(proxy: FaultProxy) -> None:
    proxy.inject(Fault(path="^/version", delay=0.5))
    began = time.monotonic()
    _request(proxy, "GET", "/api")
    between = time.monotonic()
    _request(proxy, "GET", "/version")
    assert between - began < 0.5 <= time.monotonic() - between


def test_throttled_answer_flows_slowly(proxy: FaultProxy, namespace: str, fleet: Fleet) -> None:
    fleet.children[0].api.apply(f"{_maps(namespace)}/big", _config_map("big", "x" * 20_000))
    proxy.inject(Fault(path="/big", bytes_per_second=40_000))
    began = time.monotonic()
    assert len(_request(proxy, "GET", f"{_maps(namespace)}/big")[1]["data"]["key"]) == 20_000
    assert 0.4 < time.monotonic() - began < 5


def test_cut_request_never_reaches_the_server(proxy: FaultProxy, namespace: str) -> None:
    proxy.inject(Fault("POST", "configmaps", cut_request=True))
    with pytest.raises(CUT):
        _request(proxy, "POST", _maps(namespace), _config_map("four"))
    assert _request(proxy, "GET", f"{_maps(namespace)}/four")[0] == 404


def test_cut_answer_leaves_the_work_done(proxy: FaultProxy, namespace: str) -> None:
    proxy.inject(Fault("POST", "configmaps", cut_answer_after=0))
    with pytest.raises(CUT):
        _request(proxy, "POST", _maps(namespace), _config_map("five"))
    assert _request(proxy, "GET", f"{_maps(namespace)}/five")[0] == 200


def test_answer_is_cut_in_the_middle(proxy: FaultProxy, namespace: str, fleet: Fleet) -> None:
    fleet.children[0].api.apply(f"{_maps(namespace)}/six", _config_map("six", "x" * 5_000))
    proxy.inject(Fault("GET", "/six", cut_answer_after=1_000))
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        _request(proxy, "GET", f"{_maps(namespace)}/six")


def test_dead_server_refuses_and_comes_back_on_the_same_port(proxy: FaultProxy) -> None:
    before = proxy.server
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        _request(proxy, "GET", "/version")
    proxy.accept()
    assert (_request(proxy, "GET", "/version")[0], proxy.server) == (200, before)


def test_watch_is_streamed_and_can_be_cut(proxy: FaultProxy, namespace: str, fleet: Fleet) -> None:
    connection = _connection(proxy)
    connection.request("GET", f"{_maps(namespace)}?watch=true&fieldSelector=metadata.name%3Dseven")
    answer = connection.getresponse()
    for data in ("first", "second"):
        fleet.children[0].api.apply(f"{_maps(namespace)}/seven", _config_map("seven", data))
        assert json.loads(answer.readline())["object"]["data"] == {"key": data}
    assert proxy.reset_connections() == 1
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead, ssl.SSLError)):
        answer.read()
    connection.close()


def test_probability_is_reproducible_by_seed(fleet: Fleet) -> None:
    assert _struck(fleet.children[0]) == _struck(fleet.children[0])


def _struck(cluster: Cluster) -> list[int]:
    with FaultProxy(cluster, seed=3) as proxy:
        proxy.inject(Fault(path="/version", status=500, probability=0.5))
        answers = [_request(proxy, "GET", "/version")[0] for _ in range(12)]
    assert set(answers) == {200, 500}
    return answers
