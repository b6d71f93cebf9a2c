"""Kubeconfigs by kubectl's rules; kubectl itself is asked what they mean."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters.kube import kubeconfig
from reconciler.adapters.kube.connection import (
    AuthProvider,
    Basic,
    ClientCertificate,
    Connection,
    ExecPlugin,
    Token,
    TokenFile,
)
from reconciler.adapters.kube.kubeconfigfile import load, load_text
from reconciler.adapters.kube.noproxy import bypasses
from reconciler.model.errors import Untrusted, UsageError
from reconciler.model.settings import Access
from tests.plugins.fleet import tool

SERVER = "https://example.invalid:6443"


def text(user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, name: str = "it") -> str:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": {"server": SERVER, **(cluster or {})}}],
        "users": [{"name": name, "user": user or {}}],
    }
    return yaml.safe_dump(config)


def connection(user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None) -> Connection:
    return kubeconfig.connection_of(load_text(text(user, cluster), "$K"))


def b64(content: str) -> str:
    return base64.b64encode(content.encode()).decode()


USERS = [
    ("token", {"token": "abc"}, Token("abc")),
    ("token that looks like a number", {"token": "0123"}, Token("0123")),
    ("token file before token", {"token": "abc", "tokenFile": "/t"}, TokenFile("/t")),
    ("password", {"username": "u", "password": "p"}, Basic("u", "p")),
    ("plugin", {"exec": {"command": "aws"}}, ExecPlugin({"command": "aws"}, cluster={"server": SERVER})),
    ("provider", {"auth-provider": {"name": "oidc"}}, AuthProvider({"name": "oidc"})),
    ("nothing", {}, None),
]


@pytest.mark.parametrize(("user", "credential"), [case[1:] for case in USERS], ids=[case[0] for case in USERS])
def test_user_is_read_as_client_go_reads_it(user: dict[str, Any], credential: object) -> None:
    assert connection(user).credential == credential


def test_data_goes_before_files(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("file")
    cluster = {"certificate-authority-data": b64("data"), "certificate-authority": str(tmp_path / "ca.crt")}
    assert connection(cluster=cluster).tls.authorities == b"data"


def test_relative_paths_start_at_the_file_that_says_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "there"
    there.mkdir()
    for name in ("ca.crt", "me.crt", "me.key"):
        (there / name).write_text(name)
    user = {"client-certificate": "me.crt", "client-key": "me.key"}
    (there / "config").write_text(text(user, {"certificate-authority": "ca.crt"}))
    monkeypatch.chdir(tmp_path)
    tls = kubeconfig.connection_of(load([Path("there/config")])).tls
    assert (tls.authorities, tls.certificate) == (b"ca.crt", ClientCertificate(b"me.crt", b"me.key"))


def test_plugin_with_a_slash_starts_at_the_file_and_one_without_comes_from_path(tmp_path: Path) -> None:
    def command(given: str) -> str:
        (tmp_path / "config").write_text(text({"exec": {"command": given}}))
        credential = kubeconfig.connection_of(load([tmp_path / "config"])).credential
        assert isinstance(credential, ExecPlugin)
        return str(credential.spec["command"])

    assert command("./bin/login") == str(tmp_path / "bin/login")
    assert command("login") == "login"


def test_impersonation_becomes_headers() -> None:
    user = {"token": "t", "as": "me", "as-uid": "7", "as-groups": ["a", "b"], "as-user-extra": {"scopes": ["x", "y"]}}
    assert connection(user).headers == (
        ("Impersonate-User", "me"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-scopes", "x"),
        ("Impersonate-Extra-scopes", "y"),
    )


def test_tls_server_name_path_and_proxy_are_kept() -> None:
    found = connection(cluster={"server": SERVER + "/a/b/", "tls-server-name": "n", "proxy-url": "http://p:1"})
    assert (found.server, found.tls.server_name, found.proxy) == (SERVER + "/a/b", "n", "http://p:1")


@pytest.mark.parametrize("more", [{}, {"certificate-authority-data": b64("x")}], ids=["alone", "with authority"])
def test_unverified_tls_is_refused_with_what_to_put_instead(more: dict[str, object]) -> None:
    with pytest.raises(Untrusted) as raised:
        connection(cluster={"insecure-skip-tls-verify": True, **more})
    assert raised.value.code == "not-verified"
    assert "--certificate-authority" in raised.value.hint


REFUSED = {
    "certificate without key": ({"client-certificate-data": b64("x")}, {}),
    "data that is no base64": ({}, {"certificate-authority-data": "!!"}),
    "file that is not there": ({}, {"certificate-authority": "/does/not/exist"}),
    "credential over plain http": ({"token": "t"}, {"server": "http://127.0.0.1:8080"}),
    "plain http to another machine": ({}, {"server": "http://example.invalid"}),
    "no server": ({}, {"server": ""}),
    "socks proxy": ({}, {"proxy-url": "socks5://p:1"}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_safely_is_refused_with_the_context(case: str) -> None:
    user, cluster = REFUSED[case]
    with pytest.raises(UsageError, match="context 'it'"):
        connection(user, cluster)


BAD_TEXT = {
    "not YAML": "a: [",
    "not a mapping": "- a",
    "name twice": "contexts: [{name: a, context: {}}, {name: a, context: {}}]",
    "entry without form": "users: [1]",
    "name that is a truth value": "users: [{name: yes, user: {}}]",
}


@pytest.mark.parametrize("case", BAD_TEXT)
def test_what_is_no_kubeconfig_is_refused_with_its_name(case: str) -> None:
    with pytest.raises(UsageError, match=r"\$K"):
        load_text(BAD_TEXT[case], "$K")


def test_no_secret_stands_in_any_text_form() -> None:
    secret = "canary-secret"
    user = {"token": secret, "client-certificate-data": b64(secret), "client-key-data": b64(secret)}
    found = connection(user)
    assert secret not in repr(found)
    assert secret not in str(found)
    assert secret not in repr(connection({"username": "u", "password": secret}))
    assert secret not in repr(connection({"exec": {"command": "x", "env": [{"name": "A", "value": secret}]}}))
    assert secret not in repr(load_text(text(user), "$K"))


def test_plain_http_without_a_credential_reaches_this_machine() -> None:
    assert connection(cluster={"server": "http://127.0.0.1:8001"}).server == "http://127.0.0.1:8001"


def test_unknown_context_names_those_that_exist(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(text())
    with pytest.raises(UsageError) as raised:
        kubeconfig.resolve(Access(context="other"), {"KUBECONFIG": str(tmp_path / "config")}, tmp_path)
    assert raised.value.hint.endswith("it")


def test_default_is_the_file_in_the_home_directory(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(text())
    assert kubeconfig.resolve(Access(context="it"), {}, tmp_path).server == SERVER


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "path"])
def test_variable_holds_a_path_or_the_text(tmp_path: Path, as_text: bool) -> None:
    (tmp_path / "config").write_text(text())
    value = text() if as_text else str(tmp_path / "config")
    assert kubeconfig.resolve(Access(kubeconfig_env="EAST"), {"EAST": value}, tmp_path).server == SERVER


def test_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="EAST"):
        kubeconfig.resolve(Access(kubeconfig_env="EAST"), {}, tmp_path)


def test_pod_uses_its_service_account(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("pem")
    found = kubeconfig.in_cluster({"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}, tmp_path)
    assert (found.server, found.credential) == ("https://[fd00::1]:443", TokenFile(str(tmp_path / "token")))
    with pytest.raises(UsageError, match="this is no pod"):
        kubeconfig.in_cluster({}, tmp_path)


PROXIES = [
    ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
    ({"https_proxy": "http://p:1", "NO_PROXY": "other.invalid"}, "http://p:1"),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".invalid"}, ""),
    ({}, ""),
]


@pytest.mark.parametrize(("environment", "proxy"), PROXIES)
def test_proxy_of_the_environment_is_used_as_by_every_go_program(
    tmp_path: Path, environment: dict[str, str], proxy: str
) -> None:
    (tmp_path / "config").write_text(text())
    variables = {"KUBECONFIG": str(tmp_path / "config"), **environment}
    assert kubeconfig.resolve(Access(context="it"), variables, tmp_path).proxy == proxy


DIRECT = [
    ("10.0.0.9", "10.0.0.0/8", True),
    ("11.0.0.9", "10.0.0.0/8", False),
    ("10.0.0.9", "10.0.0.9:443", True),
    ("10.0.0.9", "10.0.0.9:6443", False),
    ("fd00::1", "[fd00::1]:443", True),
    ("fd00::1", "fd00::/8", True),
    ("api.example.com", "example.com", True),
    ("example.com", "example.com", True),
    ("badexample.com", "example.com", False),
    ("example.com", ".example.com", False),
    ("api.example.com", " x , .EXAMPLE.com", True),
    ("api.example.com", "example.com:6443", False),
    ("anything", "*", True),
    ("127.0.0.9", "", True),
    ("anything", "", False),
]


@pytest.mark.parametrize(("host", "without", "direct"), DIRECT)
def test_no_proxy_is_read_as_go_reads_it(host: str, without: str, direct: bool) -> None:
    assert bypasses(host, 443, without) is direct


def _config(server: str, token: str, current: str = "", **names: str) -> str:
    name = names.get("name", "a")
    lines = [f"current-context: {current}"] if current else []
    lines += [
        f"contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}}}}}]",
        f"clusters: [{{name: {name}, cluster: {{server: '{server}'{names.get('more', '')}}}}}]",
        f"users: [{{name: {name}, user: {{token: {token}}}}}]",
    ]
    return "\n".join(lines)


def test_file_of_many_contexts_is_parsed_once_for_all_and_anew_when_it_changed(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text('{"contexts": [{"name": "a", "context": {"cluster": "c"}}]}')
    first = load([file])
    assert load([file]).contexts["a"] is first.contexts["a"]
    file.write_text('{"contexts": [{"name": "b", "context": {"cluster": "c"}}]}')
    assert load([file]).contexts.keys() == {"b"}


MERGES = {
    "one": [_config(SERVER, "t1", "a")],
    "same names": [_config("https://one", "t1", "a"), _config("https://two", "t2", "a")],
    "same names, second adds a field": [
        _config("https://one", "t1", "a"),
        _config("https://two", "t2", more=", tls-server-name: second"),
    ],
    "other names": [_config("https://one", "t1"), _config("https://two", "t2", "b", name="b")],
    "current of the first": [_config("https://one", "t1", "a"), _config("https://two", "t2", "b", name="b")],
    "missing in the middle": [_config("https://one", "t1", "a"), None, _config("https://two", "t2", name="b")],
    "empty first": ["", _config("https://two", "t2", "a")],
    "null sections": ["contexts: null\nclusters: null\nusers: null\ncurrent-context: ''", _config(SERVER, "t", "a")],
}


@pytest.mark.needs_tool("kubectl")
@pytest.mark.parametrize("case", MERGES)
def test_files_merge_as_kubectl_merges_them(tmp_path: Path, case: str) -> None:
    files = []
    for number, content in enumerate(MERGES[case]):
        files.append(tmp_path / f"config-{number}")
        if content is not None:
            files[-1].write_text(content)
    variables = {"KUBECONFIG": ":".join(map(str, files)), "HOME": str(tmp_path)}
    command = [str(tool("kubectl")), "config", "view", "--raw", "--minify", "--flatten", "-o", "json"]
    said = json.loads(subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout)
    ours = kubeconfig.connection_of(load(files))
    theirs = said["clusters"][0]["cluster"]
    assert ours.name == said["current-context"]
    assert (ours.server, ours.tls.server_name) == (theirs["server"], theirs.get("tls-server-name", ""))
    assert ours.credential == Token(said["users"][0]["user"]["token"])
