"""Charts of many shapes, packaged by the real helm, and the places they come from: HTTP repositories and registries.

`shapes(root)` writes charts as directories; `packaged` and `signed` make archives of them. `chart_server` serves a
folder over HTTP(S) with basic auth or a bearer token; `registry` runs the real `distribution` registry.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from localfleet.certificates import Leaf, new_authority

from tests.plugins.fleet import tool

USER, PASSWORD, TOKEN = "ann", "s3cret-Pass", "s3cret-Token"


def chart_yaml(name: str, version: str = "1.0.0", more: str = "") -> str:
    return f"apiVersion: v2\nname: {name}\nversion: {version}\n{more}"


def config_map(name: str, data: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata:\n{data}"


PLAIN = {
    "Chart.yaml": chart_yaml("plain", more="description: a config map and nothing else\n"),
    "values.yaml": "color: blue\nnested: {deep: 1}\n",
    "templates/config.yaml": config_map("{{ .Release.Name }}", "  color: {{ .Values.color | quote }}\n"),
}
HOOKS = {
    "Chart.yaml": chart_yaml("hooks"),
    "values.yaml": "",
    "templates/config.yaml": config_map("{{ .Release.Name }}", "  a: b\n"),
    "templates/job.yaml": (
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations:\n"
        '    "helm.sh/hook": pre-install,pre-upgrade\n    "helm.sh/hook-weight": "-5"\n'
        "spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: m}]}}}\n"
    ),
    "templates/tests/probe.yaml": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: probe, annotations: {helm.sh/hook: test}}\n"
        "spec: {restartPolicy: Never, containers: [{name: p, image: p}]}\n"
    ),
}
DEFINITIONS = {
    "Chart.yaml": chart_yaml("definitions"),
    "values.yaml": "",
    "crds/widgets.yaml": (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\n"
        "spec:\n  group: example.com\n  scope: Namespaced\n  names: {kind: Widget, plural: widgets}\n"
        "  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]\n"
        "---\n"
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: gears.example.com}\n"
        "spec:\n  group: example.com\n  scope: Cluster\n  names: {kind: Gear, plural: gears}\n"
        "  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]\n"
    ),
    "templates/crds/widget.yaml": "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: one}\n",
}
_SUB = {
    "Chart.yaml": chart_yaml("store", "0.1.0"),
    "values.yaml": "size: 1Gi\nkeep: true\n",
    "templates/_names.tpl": '{{- define "store.name" }}{{ .Values.prefix | default "s" }}-store{{ end }}\n',
    "templates/config.yaml": config_map(
        '{{ include "store.name" . }}',
        "  size: {{ .Values.size }}\n  zone: {{ .Values.global.zone }}\n",
    ),
}
_LIBRARY = {
    "Chart.yaml": chart_yaml("bricks", "0.1.0", "type: library\n"),
    "templates/_bricks.tpl": '{{- define "bricks.labels" }}{team: {{ .Values.team | quote }}}{{ end }}\n',
}
FAMILY = {
    "Chart.yaml": chart_yaml(
        "family",
        more=(
            "dependencies:\n"
            "  - {name: store, version: 0.1.0, repository: '', condition: store.enabled}\n"
            "  - {name: store, version: 0.1.0, repository: '', alias: second}\n"
            "  - {name: bricks, version: 0.1.0, repository: ''}\n"
        ),
    ),
    "values.yaml": "team: red\nglobal: {zone: a}\nstore: {enabled: true, size: 5Gi}\nsecond: {prefix: two}\n",
    "templates/config.yaml": (
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: family, labels: {{ include "bricks.labels" . }}}\n'
    ),
    **{f"charts/store/{path}": text for path, text in _SUB.items()},
    **{f"charts/bricks/{path}": text for path, text in _LIBRARY.items()},
}
LOOKUP = {
    "Chart.yaml": chart_yaml("lookup"),
    "values.yaml": "",
    "templates/config.yaml": (
        '{{- $old := lookup "v1" "ConfigMap" .Release.Namespace "old" }}\n'
        + config_map("{{ .Release.Name }}", '  found: "{{ if $old }}yes{{ else }}no{{ end }}"\n')
    ),
}
CAPABILITIES = {
    "Chart.yaml": chart_yaml("capabilities", more='kubeVersion: ">=1.20.0-0"\n'),
    "values.yaml": "",
    "templates/config.yaml": config_map(
        "{{ .Release.Name }}",
        '  version: "{{ .Capabilities.KubeVersion.Version }}"\n'
        '  monitors: "{{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor" }}"\n'
        '  group: "{{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}"\n',
    ),
}
BIG = {
    "Chart.yaml": chart_yaml("big"),
    "values.yaml": "rows: []\n",
    "templates/config.yaml": (
        "{{- range $i, $row := .Values.rows }}\n---\n"
        + config_map("row-{{ $i }}", "  row: {{ $row | quote }}\n")
        + "{{- end }}\n"
    ),
}
SCHEMA = {
    "Chart.yaml": chart_yaml("schema"),
    "values.yaml": "replicas: 1\n",
    "values.schema.json": (
        '{"type": "object", "properties": {"replicas": {"type": "integer", "minimum": 1}, '
        '"password": {"type": "string", "pattern": "^p"}}, "additionalProperties": false}'
    ),
    "templates/config.yaml": config_map("{{ .Release.Name }}", '  replicas: "{{ .Values.replicas }}"\n'),
}
LOOSE = {
    "Chart.yaml": chart_yaml("loose"),
    "values.yaml": "",
    "templates/list.yaml": (
        "apiVersion: v1\nkind: List\nitems:\n"
        "  - {apiVersion: v1, kind: ConfigMap, metadata: {name: first}}\n"
        "  - {apiVersion: v1, kind: ConfigMap, metadata: {name: second}}\n"
    ),
    "templates/twice.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: third, labels: {a: '1', a: '2'}}\ndata: {mode: 'on'}\n"
    ),
    "templates/NOTES.txt": "Thank you.\n",
}
SHAPES: Mapping[str, Mapping[str, str]] = {
    "plain": PLAIN,
    "hooks": HOOKS,
    "definitions": DEFINITIONS,
    "family": FAMILY,
    "lookup": LOOKUP,
    "capabilities": CAPABILITIES,
    "big": BIG,
    "schema": SCHEMA,
    "loose": LOOSE,
}


def write_chart(directory: Path, files: Mapping[str, str]) -> Path:
    """A chart as a directory."""
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return directory


def versioned(files: Mapping[str, str], version: str) -> dict[str, str]:
    """The same chart in another version."""
    return {**files, "Chart.yaml": files["Chart.yaml"].replace("version: 1.0.0", f"version: {version}", 1)}


def helm(*arguments: str, input: str | None = None, home: Path | None = None) -> str:
    """The stdout of helm run by hand, without settings of the machine's user."""
    env = {"PATH": os.environ["PATH"], "HOME": str(home or "/nonexistent"), "KUBECONFIG": "/dev/null"}
    command = [str(tool("helm")), *arguments]
    done = subprocess.run(command, input=input, capture_output=True, text=True, timeout=60, env=env, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def packaged(files: Mapping[str, str], scratch: Path, into: Path) -> Path:
    """The archive that `helm package` makes."""
    name = files["Chart.yaml"].split("name: ")[1].split("\n")[0]
    directory = write_chart(_fresh(scratch) / name, files)
    into.mkdir(parents=True, exist_ok=True)
    said = helm("package", str(directory), "--destination", str(into), home=scratch)
    return Path(said.strip().rpartition(": ")[2])


@dataclass(frozen=True)
class Signer:
    """A key pair of gpg, as helm reads it."""

    home: Path
    name: str

    @property
    def public(self) -> bytes:
        """The armoured public key, as it is committed."""
        return self._export("--armor", "--export", self.name)

    def sign(self, archive: Path) -> Path:
        """Write the provenance file of an archive beside it."""
        ring = self.home / "secret.gpg"
        ring.write_bytes(self._export("--export-secret-keys", self.name))
        source = self.home / "unpacked"
        shutil.rmtree(source, ignore_errors=True)
        shutil.unpack_archive(archive, source, "gztar", filter="data")
        chart = next(source.iterdir())
        helm("package", "--sign", "--key", self.name, "--keyring", str(ring), str(chart), "-d", str(archive.parent))
        return archive.with_name(f"{archive.name}.prov")

    def _export(self, *arguments: str) -> bytes:
        return _gpg(self.home, *arguments)


def signer(home: Path, name: str = "maker@example.com") -> Signer:
    """A new key without a passphrase."""
    home.mkdir(mode=0o700, parents=True)
    _gpg(home, "--batch", "--passphrase", "", "--quick-generate-key", name, "rsa2048", "sign", "never")
    return Signer(home, name)


def _gpg(home: Path, *arguments: str) -> bytes:
    command = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback", *arguments]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


@dataclass
class ChartServer:
    """A chart repository; answers can be changed while it runs."""

    root: Path
    scheme: str
    port: int
    ca: Path | None
    requests: list[str] = field(default_factory=list)
    authorisations: list[str] = field(default_factory=list)
    allowed: frozenset[str] = frozenset()
    status: int = 0
    """Answer everything with this instead."""
    redirect: str = ""
    """Lead every archive to this origin."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def add(self, *archives: Path) -> None:
        """Take archives in, and make the index anew."""
        for archive in archives:
            for file in (archive, archive.with_name(f"{archive.name}.prov")):
                if file.exists() and file.parent != self.root:
                    shutil.copy(file, self.root)
        helm("repo", "index", str(self.root), home=self.root.parent)

    def count(self, word: str) -> int:
        return sum(word in request for request in self.requests)


BASIC = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
BEARER = f"Bearer {TOKEN}"


@contextlib.contextmanager
def chart_server(folder: Path, *, tls: bool = False, allowed: frozenset[str] = frozenset()) -> Iterator[ChartServer]:
    """Serve charts over HTTP or, with a private authority, HTTPS; asks for one of `allowed`, if any."""
    root = _fresh(folder)
    ca = private_authority(folder) if tls else None

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append(self.path)
            served.authorisations.append(self.headers.get("Authorization", ""))
            file = root / self.path.lstrip("/")
            status, body = served.status or 200, b""
            if not served.status and served.allowed and self.headers.get("Authorization") not in served.allowed:
                status = 401
            elif not served.status and served.redirect and file.suffix == ".tgz":
                status = 302
            elif not served.status and not file.is_file():
                status = 404
            elif status == 200:
                body = file.read_bytes()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", served.redirect + self.path)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Bearer realm="http://127.0.0.1:1/token",service="charts"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    served = ChartServer(root, "https" if tls else "http", server.server_address[1], ca, allowed=allowed)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def private_authority(folder: Path) -> Path:
    """A certificate authority of our own; `tls.crt` and `tls.key` beside it are a server's on loopback."""
    if not (folder / "ca.crt").exists():
        folder.mkdir(parents=True, exist_ok=True)
        leaf = Leaf("charts-server", hosts=("127.0.0.1", "localhost"))
        certificate, key = new_authority("charts", folder / "ca").sign(leaf)
        (folder / "tls.crt").write_bytes(certificate)
        (folder / "tls.key").write_bytes(key)
    return folder / "ca.crt"


@dataclass(frozen=True)
class Registry:
    """A running registry; `home` holds the login of helm run by hand."""

    host: str
    ca: Path | None
    home: Path
    log: Path

    @property
    def url(self) -> str:
        return f"oci://{self.host}/charts"

    def push(self, archive: Path) -> None:
        """Push a chart, with its provenance where it has one."""
        trust = ["--ca-file", str(self.ca)] if self.ca else ["--plain-http"]
        helm("push", str(archive), self.url, *trust, home=self.home)


@contextlib.contextmanager
def registry(folder: Path, *, tls: bool = False, auth: bool = False) -> Iterator[Registry]:
    """The real registry, in memory; with `auth` it wants USER and PASSWORD."""
    folder.mkdir(parents=True, exist_ok=True)
    ca = private_authority(folder) if tls else None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    config = f"version: 0.1\nlog: {{level: info}}\nstorage: {{inmemory: {{}}}}\nhttp:\n  addr: {host}\n"
    if tls:
        config += f"  tls: {{certificate: {folder / 'tls.crt'}, key: {folder / 'tls.key'}}}\n"
    if auth:
        (folder / "htpasswd").write_text(_htpasswd(folder))
        config += f"auth:\n  htpasswd: {{realm: charts, path: {folder / 'htpasswd'}}}\n"
    (folder / "registry.yml").write_text(config)
    log = folder / "registry.log"
    with log.open("wb") as out:
        command = [str(tool("registry")), "serve", str(folder / "registry.yml")]
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        _until_open(host, process, log)
        home = _fresh(folder)
        if auth:
            trust = ["--ca-file", str(ca)] if ca else ["--plain-http"]
            helm("registry", "login", host, "-u", USER, "--password-stdin", *trust, input=PASSWORD, home=home)
        yield Registry(host, ca, home, log)
    finally:
        process.terminate()
        process.wait()


def _htpasswd(scratch: Path) -> str:
    """A line of an htpasswd file, made by a template function of helm."""
    line = f'  line: {{{{ htpasswd "{USER}" "{PASSWORD}" }}}}\n'
    files = {"Chart.yaml": chart_yaml("htpasswd"), "templates/config.yaml": config_map("htpasswd", line)}
    return helm("template", str(write_chart(_fresh(scratch), files)), home=scratch).partition("line: ")[2]


def _until_open(host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    address, _, port = host.partition(":")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection((address, int(port)), timeout=1):
            return
        assert process.poll() is None, log.read_text()
        threading.Event().wait(0.05)
    raise AssertionError("the registry did not start")


def _fresh(parent: Path) -> Path:
    number = sum(1 for _ in parent.iterdir()) if parent.exists() else 0
    fresh = parent / f"made-{number}"
    fresh.mkdir(parents=True)
    return fresh
