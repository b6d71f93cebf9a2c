"""What helm does with charts before they are rendered: pull from a registry, resolve a range, verify a signature.

Credentials reach helm in a registry file of its private home. What helm says is sorted into the faults that also HTTP
repositories have, and told without its words where those could quote a credential.
"""

import base64
import os
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import urlsplit

import msgspec

from reconciler.adapters.tools.chartaccess import Access, Unfetched, check_secrecy, shown
from reconciler.adapters.tools.charthttp import Version
from reconciler.adapters.tools.chartstore import Kept
from reconciler.adapters.tools.helm import Helm
from reconciler.model.errors import ToolFailed
from reconciler.model.inflation import Chart
from reconciler.model.objects import canonical

_AGAIN = "This may pass: run again, or look at the server."
_PULLING = 180.0
"""Seconds."""
_REFUSED = re.compile(r"\b401\b|\b403\b|unauthorized|denied|forbidden|no basic auth", re.IGNORECASE)
_UNTRUSTED = re.compile(r"x509|certificate|gave HTTP response to HTTPS client|HTTPS response", re.IGNORECASE)
_ABSENT = re.compile(r"not found|could not locate a version|NAME_UNKNOWN|MANIFEST_UNKNOWN|\b404\b", re.IGNORECASE)
_NO_CONSTRAINT = re.compile(r"improper constraint|constraint parser error")
_GO_CERTIFICATES = "/etc/ssl/certs:/etc/pki/tls/certs"
"""Where Go looks for certificate authorities when nobody says."""


async def pull(helm: Helm, chart: Chart, access: Access) -> tuple[bytes, bytes | None]:
    """Archive and provenance of a chart in an OCI registry. Raises Unfetched."""
    check_secrecy(chart.repo, access, plain=chart.plain_http)
    home = Path(mkdtemp(dir=helm.home, prefix="pull-"))
    reference = f"{chart.repo.rstrip('/')}/{chart.name}"
    arguments = ["pull", reference, "--destination", str(home), "--prov"]
    if chart.version:
        arguments.append(f"--version={chart.version}")
    if chart.plain_http:
        arguments.append("--plain-http")
    try:
        ended = await helm.call(arguments, deadline=_PULLING, more=_registry(helm, home, chart, access))
    except ToolFailed as error:
        raise Unfetched("chart-unreachable", f"{shown(reference)}: {error.message}", _AGAIN) from error
    archive = _only(home, ".tgz")
    if ended.status != 0 or archive is None:
        raise _unfetched(ended.stderr, chart, shown(reference))
    return archive, _only(home, ".tgz.prov")


async def newest(helm: Helm, chart: Chart, versions: Sequence[Version]) -> Version | None:
    """The version that helm takes for what was asked; None when there is none that fits. Raises Unfetched."""
    if chart.version:
        exact = [version for version in versions if version.version == chart.version]
        if exact:
            return exact[0]
    home = Path(mkdtemp(dir=helm.home, prefix="search-"))
    entries = [{"apiVersion": "v2", "name": chart.name, "version": one.version, "urls": ["x"]} for one in versions]
    (home / "charts-index.yaml").write_bytes(canonical({"apiVersion": "v1", "entries": {chart.name: entries}}))
    (home / "repositories.yaml").write_bytes(canonical({"repositories": [{"name": "charts", "url": "http://none"}]}))
    where = {"HELM_REPOSITORY_CACHE": str(home), "HELM_REPOSITORY_CONFIG": str(home / "repositories.yaml")}
    wanted = chart.version or ">=0.0.0"
    arguments = ["search", "repo", f"charts/{chart.name}", f"--version={wanted}", "--output", "json"]
    ended = await helm.call(arguments, limit=64 << 20, more=where)
    if ended.status != 0:
        raise _unfetched(ended.stderr, chart, shown(chart.repo))
    for row in msgspec.json.decode(ended.stdout):
        if row["name"] == f"charts/{chart.name}":
            return next(one for one in versions if one.version == row["version"])
    return None


async def verify(helm: Helm, chart: Chart, kept: Kept, keyring: bytes) -> None:
    """Raises Unfetched `chart-not-verified` unless a key of the keyring has signed exactly this archive."""
    named = f"{chart.name} {kept.version}"
    if kept.provenance is None:
        hint = "Have the chart signed (`helm package --sign`), or remove `charts.keyring` from fleet.yaml."
        raise Unfetched("chart-not-verified", f"{named} has no provenance file", hint)
    home = Path(mkdtemp(dir=helm.home, prefix="verify-"))
    archive = home / f"{Path(chart.name).name}-{kept.version}.tgz"
    archive.write_bytes(kept.archive)
    archive.with_name(f"{archive.name}.prov").write_bytes(kept.provenance)
    (home / "keyring").write_bytes(keyring)
    ended = await helm.call(["verify", str(archive), "--keyring", str(home / "keyring")])
    if ended.status != 0:
        words = ended.stderr.lower()
        what = "no key of the keyring has signed it"
        if "sha256 sum does not match" in words or "hash does not match" in words:
            what = "its content is not what was signed"
        elif "unknown entity" not in words:
            what = "its signature is not valid, or the keyring cannot be read"
        raise Unfetched("chart-not-verified", f"{named} is not to be trusted: {what}", "Do not use it; ask its makers.")


def _only(home: Path, suffix: str) -> bytes | None:
    return next((path.read_bytes() for path in home.iterdir() if path.name.endswith(suffix)), None)


def _registry(helm: Helm, home: Path, chart: Chart, access: Access) -> dict[str, str]:
    """Environment of a pull: credentials and authorities in files that only we can read."""
    host = urlsplit(chart.repo).netloc.rpartition("@")[2]
    entry: dict[str, str] = {}
    if access.token:
        entry = {"registrytoken": access.token}
    elif access.given:
        entry = {"auth": base64.b64encode(f"{access.username}:{access.password}".encode()).decode()}
    config = home / "registry.json"
    config.touch(mode=0o600)
    config.write_bytes(canonical({"auths": {host: entry} if entry else {}}))
    environment = {"HELM_REGISTRY_CONFIG": str(config), "DOCKER_CONFIG": str(home)}
    if access.authorities:
        (home / "authorities").mkdir()
        (home / "authorities" / "given.pem").write_text(access.authorities)
        beside = helm.environment.get("SSL_CERT_DIR", _GO_CERTIFICATES)
        environment["SSL_CERT_DIR"] = os.pathsep.join([str(home / "authorities"), beside])
    return environment


def _unfetched(stderr: str, chart: Chart, where: str) -> Unfetched:
    wanted = f"a version that fits {chart.version!r}" if chart.version else "a stable version"
    if _NO_CONSTRAINT.search(stderr):
        return Unfetched("chart-version", f"{chart.version!r} is no version and no range", "Write `1.2.3` or `^1.2`.")
    if _UNTRUSTED.search(stderr):
        hint = "Name its authority (`charts.repositories[].caFile`), or set `plainHTTP` where there is no TLS."
        return Unfetched("chart-refused", f"the certificate of {where} is not trusted, or it has no TLS", hint)
    if _REFUSED.search(stderr):
        hint = "Give credentials: `charts.repositories` or `charts.pullSecrets` in fleet.yaml, or a `chartPullSecret`."
        return Unfetched("chart-refused", f"{where} refuses these credentials, or wants some", hint)
    if _ABSENT.search(stderr):
        hint = "Correct `repo`, `chart` or `version`; in a registry `1.2` is a tag, and `1.2.x` a range."
        return Unfetched("chart-not-found", f"there is no {where} with {wanted}", hint)
    return Unfetched("chart-unreachable", f"{where} cannot be reached", _AGAIN)
