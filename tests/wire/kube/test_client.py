"""The verbs on a real API server, and the ways in."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from reconciler.adapters.kube import client as kube
from reconciler.adapters.kube.client import Client, connect
from reconciler.adapters.kube.connection import Connection, ExecPlugin, Tls, Token, TokenFile
from reconciler.adapters.kube.kubeconfig import resolve
from reconciler.model.errors import ApiError, Unreachable, Untrusted
from reconciler.model.settings import Access
from tests.plugins.faults import Fault, FaultProxy
from tests.plugins.fleet import Cluster, Fleet

T = TypeVar("T")


@pytest.fixture
def child(fleet: Fleet) -> Cluster:
    return fleet.children[0]


@pytest.fixture
def proxy(child: Cluster) -> Iterator[FaultProxy]:
    with FaultProxy(child, seed=3) as running:
        yield running


def connection(cluster: Cluster, kubeconfig: Path | None = None) -> Connection:
    file = kubeconfig or cluster.kubeconfig
    return resolve(Access(context=cluster.context), {"KUBECONFIG": str(file)}, Path.home())


def run(how: Connection, work: Callable[[Client], Awaitable[T]]) -> T:
    async def main() -> T:
        async with asyncio.timeout(60), connect(how) as client:
            return await work(client)

    return asyncio.run(main())


def config(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"v": "1"}}


def maps(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps" + (f"/{name}" if name else "")


def token_of(cluster: Cluster, namespace: str) -> str:
    cluster.kubectl("wait", "-n", namespace, "serviceaccount/default", "--for=create", "--timeout=30s")
    return cluster.kubectl("create", "token", "default", "-n", namespace).strip()


def with_token(cluster: Cluster, credential: Token | TokenFile | ExecPlugin) -> Connection:
    tls = Tls(authorities=cluster.ca_file.read_bytes())
    return Connection(server=cluster.server, name="it", tls=tls, credential=credential)


def test_whole_collection_comes_in_pages(proxy: FaultProxy, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube, "PAGE", 2)

    async def work(client: Client) -> list[str]:
        for number in range(5):
            await client.create(maps(namespace), config(f"c{number}"), "test")
        return [item["metadata"]["name"] for item in (await client.list(maps(namespace), fields="")).items]

    names = run(connection(proxy.cluster, proxy.kubeconfig), work)
    assert {f"c{number}" for number in range(5)} <= set(names)
    assert len(names) == len(set(names))
    assert proxy.count("GET", "continue=") >= 2


def test_items_of_a_list_say_their_kind(child: Cluster, namespace: str) -> None:
    async def work(client: Client) -> set[tuple[str, str]]:
        await client.create(maps(namespace), config("a"), "test")
        return {(item["apiVersion"], item["kind"]) for item in (await client.list(maps(namespace))).items}

    assert run(connection(child), work) == {("v1", "ConfigMap")}


def test_watch_goes_on_over_connections_that_break(proxy: FaultProxy, namespace: str) -> None:
    async def work(client: Client) -> list[tuple[str, str]]:
        seen = []
        since = (await client.list(maps(namespace))).resource_version
        async with aclosing(client.watch(maps(namespace), since)) as events:
            for number in range(3):
                await client.create(maps(namespace), config(f"c{number}"), "test")
                async for event, obj in events:
                    if obj["metadata"]["name"] == f"c{number}":
                        seen.append((event, obj["metadata"]["name"]))
                        break
                await asyncio.to_thread(proxy.reset_connections)
        return seen

    seen = run(connection(proxy.cluster, proxy.kubeconfig), work)
    assert seen == [("ADDED", "c0"), ("ADDED", "c1"), ("ADDED", "c2")]


def test_moment_that_the_server_has_forgotten_is_410(child: Cluster, namespace: str) -> None:
    async def work(client: Client) -> ApiError:
        with pytest.raises(ApiError) as raised:
            async with aclosing(client.watch(maps(namespace), "1")) as events:
                async for _ in events:
                    pass
        return raised.value

    assert run(connection(child), work).status == 410


def test_replace_with_an_old_version_is_a_conflict(child: Cluster, namespace: str) -> None:
    async def work(client: Client) -> ApiError:
        made = await client.create(maps(namespace), config("a"), "test")
        await client.replace(maps(namespace, "a"), {**made, "data": {"v": "2"}}, "test")
        with pytest.raises(ApiError) as raised:
            await client.replace(maps(namespace, "a"), {**made, "data": {"v": "3"}}, "test")
        return raised.value

    error = run(connection(child), work)
    assert (error.status, error.reason) == (409, "Conflict")


def test_merge_patch_dry_run_and_delete_with_preconditions(child: Cluster, namespace: str) -> None:
    async def work(client: Client) -> None:
        made = await client.create(maps(namespace), config("a"), "test")
        tried = await client.merge_patch(maps(namespace, "a"), {"data": {"v": "2"}}, "test", dry_run=True)
        assert (tried["data"], (await client.get(maps(namespace, "a")))["data"]) == ({"v": "2"}, {"v": "1"})
        with pytest.raises(ApiError, match="UID"):
            await client.delete(maps(namespace, "a"), uid="another")
        assert await client.delete(maps(namespace, "a"), uid=made["metadata"]["uid"]) is None

    run(connection(child), work)


def test_built_in_kinds_cost_no_discovery_and_others_one_request(proxy: FaultProxy) -> None:
    async def unknown(client: Client) -> None:
        assert (await client.resource("apps/v1", "Deployment")).plural == "deployments"
        assert proxy.requests().total() == 0
        with pytest.raises(ApiError, match="no matches for kind"):
            await client.resource("events.k8s.io/v2", "Event")
        known = await client.resource("events.k8s.io/v1", "Event")
        assert (known.plural, known.namespaced) == ("events", True)
        before = proxy.requests().total()
        await client.resource("events.k8s.io/v1", "Event")
        assert proxy.requests().total() == before

    run(connection(proxy.cluster, proxy.kubeconfig), unknown)


def test_many_who_ask_for_one_kind_cost_one_request(proxy: FaultProxy) -> None:
    async def work(client: Client) -> None:
        await asyncio.gather(*(client.resource("events.k8s.io/v1", "Event") for _ in range(50)))

    run(connection(proxy.cluster, proxy.kubeconfig), work)
    assert proxy.requests().total() == 1


def test_static_table_agrees_with_the_server(child: Cluster) -> None:
    from reconciler.adapters.kube.resources import _KINDS

    async def work(client: Client) -> None:
        missing = []
        for (group, kind), (plural, namespaced) in _KINDS.items():
            found = await client.any_version(f"{group}/v1" if group else "v1", kind)
            if found is None or (found.plural, found.namespaced) != (plural, namespaced):
                missing.append((group, kind, found))
        assert missing == []

    run(connection(child), work)


def test_health_endpoints_answer_text(child: Cluster) -> None:
    assert run(connection(child), lambda client: client.text("/readyz")) == "ok"


def test_token_file_that_was_renewed_is_read_again_when_the_old_token_is_refused(
    child: Cluster, namespace: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("expired")

    async def work(client: Client) -> ApiError:
        file.write_text(token)
        with pytest.raises(ApiError) as raised:
            await client.get(maps(namespace, "a"))
        return raised.value

    token = token_of(child, namespace)
    error = run(with_token(child, TokenFile(str(file))), work)
    assert error.status == 403
    assert f"system:serviceaccount:{namespace}:default" in error.message


def test_token_that_is_refused_is_untrusted_and_not_shown(child: Cluster) -> None:
    with pytest.raises(Untrusted) as raised:
        run(with_token(child, Token("canary-token")), lambda client: client.get("/api/v1/namespaces"))
    assert "canary" not in repr(raised.value)


def _plugin(tmp_path: Path, body: str) -> ExecPlugin:
    script = tmp_path / "login"
    script.write_text(f"#!{sys.executable}\n{body}")
    script.chmod(0o755)
    return ExecPlugin({"apiVersion": "client.authentication.k8s.io/v1", "command": str(script), "args": ["a"]})


def test_plugin_is_asked_for_a_token_and_asked_again_when_it_is_refused(
    child: Cluster, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(token_of(child, namespace))
    answer = (
        "import json, pathlib\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "calls = here / 'calls'\n"
        "first = not calls.exists()\n"
        "calls.write_text('x')\n"
        "token = 'expired' if first else (here / 'token').read_text()\n"
        "print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential',"
        " 'status': {'token': token}}))\n"
    )
    with pytest.raises(ApiError, match=f"system:serviceaccount:{namespace}:default"):
        run(with_token(child, _plugin(tmp_path, answer)), lambda client: client.get(maps(namespace, "a")))


def test_plugin_may_answer_with_a_certificate(child: Cluster, tmp_path: Path) -> None:
    status = {
        "clientCertificateData": child.admin_cert.read_text(),
        "clientKeyData": child.admin_key.read_text(),
    }
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    plugin = _plugin(tmp_path, f"print({json.dumps(answer)!r})")
    assert run(with_token(child, plugin), lambda client: client.text("/readyz")) == "ok"


def test_plugin_that_fails_is_untrusted_with_its_own_words(child: Cluster, tmp_path: Path) -> None:
    plugin = _plugin(tmp_path, "import sys; print('please log in', file=sys.stderr); sys.exit(1)")
    with pytest.raises(Untrusted, match="please log in"):
        run(with_token(child, plugin), lambda client: client.text("/readyz"))


def test_server_with_a_certificate_of_somebody_else_is_untrusted(fleet: Fleet) -> None:
    one, other = fleet.children[:2]
    how = Connection(server=one.server, tls=Tls(authorities=other.ca_file.read_bytes()))
    with pytest.raises(Untrusted):
        run(how, lambda client: client.text("/readyz"))


def test_server_name_is_what_the_certificate_must_have(child: Cluster) -> None:
    def named(name: str) -> Connection:
        how = connection(child)
        return msgspec.structs.replace(how, tls=msgspec.structs.replace(how.tls, server_name=name))

    assert run(named("kubernetes.default.svc"), lambda client: client.text("/readyz")) == "ok"
    with pytest.raises(Untrusted):
        run(named("wrong.invalid"), lambda client: client.text("/readyz"))


def test_nobody_listening_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="cannot be reached"):
        run(Connection(server="https://127.0.0.1:1"), lambda client: client.text("/readyz"))


def test_impersonation_is_sent_with_every_request(child: Cluster, namespace: str) -> None:
    how = msgspec.structs.replace(
        connection(child),
        headers=(("Impersonate-User", "jane"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b")),
    )

    async def work(client: Client) -> object:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        return (await client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", review))["status"]["userInfo"]

    who = run(how, work)
    assert isinstance(who, dict)
    assert who["username"] == "jane"
    assert {"a", "b"} <= set(who["groups"])


def test_at_most_so_many_requests_are_in_flight(proxy: FaultProxy, namespace: str) -> None:
    proxy.inject(Fault("GET", "configmaps", delay=0.3))
    how = msgspec.structs.replace(connection(proxy.cluster, proxy.kubeconfig), in_flight=2)

    async def work(client: Client) -> float:
        clock = asyncio.get_running_loop().time
        began = clock()
        await asyncio.gather(*(client.list(maps(namespace)) for _ in range(6)))
        return clock() - began

    assert run(how, work) >= 0.9
