"""Where a chart comes from: the cache, a repository over HTTP(S), or an OCI registry; and whether it is to be trusted.

Each repository is asked for its index once in a run, each version range resolved once. An outage concerns the charts of
that repository in that run, and is never remembered.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from urllib.parse import urlsplit

from reconciler.adapters.tools import helmcharts
from reconciler.adapters.tools.chartaccess import Access, Unfetched, shown
from reconciler.adapters.tools.chartfiles import of_archive
from reconciler.adapters.tools.charthttp import HttpRepo, Version
from reconciler.adapters.tools.chartstore import Kept, Store, is_exact
from reconciler.adapters.tools.helm import Helm
from reconciler.model.inflation import Chart
from reconciler.model.settings import Settings
from reconciler.sync.chartaccess import access_of, file_of
from reconciler.sync.tools import Tools

_ARMOUR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"


async def fetched(tools: Tools, settings: Settings, helm: Helm, chart: Chart) -> Kept:
    """A chart from outside the fleet repo. Raises Unfetched, BadChart and ToolFailed."""
    if "@" in urlsplit(chart.repo).netloc:
        # an override can bring it; it would end up on helm's command line
        hint = "Remove and replace them; name environment variables under `charts` in fleet.yaml."
        raise Unfetched("chart-secret", f"the URL of {shown(chart.repo)} holds credentials", hint)
    store = Store(tools.cache.directory / "charts")
    keyring = await _keyring(tools, settings)
    kept = store.find(chart)
    if kept is None or not (tools.offline or is_exact(chart.version, kept.version)) or _unproven(tools, kept, keyring):
        if tools.offline:
            raise _offline(chart)
        access = await access_of(tools, settings, chart)
        kept = await _from_outside(tools, helm, chart, access, signed=keyring is not None)
        store.keep(chart, kept)
    if keyring is not None:
        await helmcharts.verify(helm, chart, kept, keyring)
    return kept


def _unproven(tools: Tools, kept: Kept, keyring: bytes | None) -> bool:
    """It was fetched before anybody asked for its provenance."""
    return keyring is not None and kept.provenance is None and not tools.offline


def _offline(chart: Chart) -> Unfetched:
    version = f"version {chart.version}" if chart.version else "its newest version"
    what = (
        f"the chart {chart.name} of {shown(chart.repo)}, {version}, was not fetched yet, and --offline fetches nothing"
    )
    return Unfetched("chart-offline", what, "Run `reconciler render` once without --offline, with the same cache.")


async def _from_outside(tools: Tools, helm: Helm, chart: Chart, access: Access, *, signed: bool) -> Kept:
    if chart.repo.startswith("oci://"):
        archive, provenance = await helmcharts.pull(helm, chart, access)
    else:
        archive, provenance = await _from_repo(tools, helm, chart, access, signed=signed)
    return Kept(of_archive(archive).version, archive, provenance)


async def _from_repo(
    tools: Tools, helm: Helm, chart: Chart, access: Access, *, signed: bool
) -> tuple[bytes, bytes | None]:
    repo = HttpRepo(chart.repo, access, tools.environment)
    index = await tools.once.ask(("index", repo.url, access), repo.index)
    listed = await repo.versions(index, chart.name)
    version = await helmcharts.newest(helm, chart, listed) if listed else None
    if version is None or not version.url:
        raise _absent(chart, listed)
    archive = await repo.archive(version)
    if version.digest and hashlib.sha256(archive).hexdigest() != version.digest.lower():
        what = f"the archive of {chart.name} {version.version} is not the one that the index of {shown(repo.url)} names"
        raise Unfetched("chart-invalid", what, "Have the index made anew, or find out who changed the archive.")
    return archive, await repo.provenance(version) if signed else None


def _absent(chart: Chart, listed: Sequence[Version]) -> Unfetched:
    where = shown(chart.repo)
    if not listed:
        return Unfetched("chart-not-found", f"{where} has no chart {chart.name}", "Correct `chart` or `repo`.")
    wanted = f"no version that fits {chart.version!r}" if chart.version else "no stable version"
    hint = "Correct `version`; `helm search repo --versions` lists what there is."
    return Unfetched("chart-not-found", f"{where} has the chart {chart.name}, but {wanted}", hint)


async def _keyring(tools: Tools, settings: Settings) -> bytes | None:
    path = settings.charts.keyring
    if path is None:
        return None
    content = await file_of(tools, path)
    if content is None:
        hint = "Add the file, or correct `charts.keyring`."
        raise Unfetched("chart-not-verified", f"the keyring {path} is not in the repo", hint)
    try:
        return _without_armour(content) if _ARMOUR in content else content
    except binascii.Error as error:
        hint = "Export it anew: `gpg --export --armor KEY`."
        raise Unfetched("chart-not-verified", f"the keyring {path} is no keyring", hint) from error


def _without_armour(content: bytes) -> bytes:
    """The keys of an armoured keyring; helm reads binary ones only."""
    keys = b""
    for block in content.replace(b"\r", b"").split(_ARMOUR)[1:]:
        _, _, body = block.partition(b"-----END")[0].partition(b"\n\n")
        lines = [line for line in body.split(b"\n") if not line.startswith(b"=")]
        keys += base64.b64decode(b"".join(lines), validate=True)
    return keys
