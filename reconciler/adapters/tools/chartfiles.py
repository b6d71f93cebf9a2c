"""The files of a chart: from an archive or a directory, those of its subcharts beside them, bounded.

An archive is untrusted: it is read in memory, up to a size that no honest chart needs, and nothing of it is written by
the names that it gives.
"""

import hashlib
import io
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import msgspec
import yaml

from reconciler.model.inflation import Fault
from reconciler.model.objects import Digest

LARGEST = 64 << 20
"""Bytes of a whole chart, unpacked. Helm itself stops at 100 MiB."""
_MOST = 10_000
"""Files of a chart."""
_DEEPEST = 8
"""Subcharts of subcharts."""
_HINT = "Have the chart packaged anew by `helm package`."


class BadChart(Exception):
    """A chart that cannot be used, with the fault that says why."""

    def __init__(self, message: str, hint: str = _HINT) -> None:
        super().__init__(message)
        self.fault = Fault("chart-invalid", message, hint)


class ChartFiles(msgspec.Struct, frozen=True):
    """One chart, open."""

    name: str
    version: str
    digest: Digest
    """Of all its files, so that it is the same however the chart was packed."""
    files: Mapping[str, bytes]
    """By path below the chart; a subchart's below `charts/NAME/`, even where it is packed there."""


def of_archive(content: bytes) -> ChartFiles:
    """A chart from the archive that `helm package` makes. Raises BadChart."""
    return _of(_flat(_unpacked(content), 0))


def of_files(files: Mapping[str, bytes]) -> ChartFiles:
    """A chart from the files of its directory. Raises BadChart."""
    return _of(_flat(files, 0))


def description(files: Mapping[str, bytes]) -> Mapping[str, Any]:
    """What Chart.yaml says, every scalar as text. Raises BadChart."""
    try:
        # CBaseLoader is a safe loader that makes text of everything: a version `1.10` stays one
        said = yaml.load(files.get("Chart.yaml", b""), Loader=yaml.CBaseLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise BadChart("Chart.yaml is not valid YAML") from error
    if not isinstance(said, dict) or not isinstance(said.get("name"), str) or not isinstance(said.get("version"), str):
        raise BadChart("it has no Chart.yaml with a name and a version", "Name a chart.")
    return said


def _of(files: Mapping[str, bytes]) -> ChartFiles:
    said = description(files)
    if said.get("type") == "library":
        raise BadChart(f"{said['name']} is a library chart, which makes no objects", "Deliver a chart that uses it.")
    for wanted in said.get("dependencies") or ():
        name = wanted.get("name") if isinstance(wanted, dict) else None
        if name and f"charts/{name}/Chart.yaml" not in files:
            hint = "Run `helm dependency build` and commit the `charts` directory."
            raise BadChart(f"{said['name']} depends on {name}, which is not in its `charts` directory", hint)
    content = hashlib.sha256()
    for path in sorted(files):
        content.update(f"{path}\0{len(files[path])}\0".encode() + files[path])
    return ChartFiles(said["name"], said["version"], Digest(content.hexdigest()[:40]), files)


def _flat(files: Mapping[str, bytes], depth: int) -> dict[str, bytes]:
    """The files with packed subcharts opened."""
    if depth > _DEEPEST:
        raise BadChart(f"its subcharts are nested more than {_DEEPEST} deep")
    flat: dict[str, bytes] = {}
    for path, content in files.items():
        if not (path.startswith("charts/") and path.count("/") == 1 and path.endswith(".tgz")):
            flat[path] = content
            continue
        sub = _flat(_unpacked(content), depth + 1)
        flat |= {f"charts/{description(sub)['name']}/{inner}": found for inner, found in sub.items()}
        if sum(map(len, flat.values())) > LARGEST:
            raise BadChart(f"it is larger than {LARGEST >> 20} MiB unpacked")
    return flat


def _unpacked(archive: bytes) -> dict[str, bytes]:
    """The files of an archive by path below its one directory."""
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(_inflated(archive))) as tar:
            for member in tar:
                parts = PurePosixPath(member.name).parts
                if ".." in parts or member.name.startswith("/"):
                    raise BadChart("its archive holds a path that leads out of it")
                if not member.isreg() or len(parts) < 2:
                    continue
                if member.size > LARGEST or len(files) >= _MOST:
                    raise BadChart("its archive is larger than any chart")
                found = tar.extractfile(member)
                files["/".join(parts[1:])] = found.read() if found else b""
    except tarfile.TarError as error:
        raise BadChart("its archive is damaged") from error
    return files


def _inflated(archive: bytes) -> bytes:
    """A gzip archive inflated, up to the bound."""
    inflate = zlib.decompressobj(wbits=31)
    try:
        content = inflate.decompress(archive, LARGEST)
    except zlib.error as error:
        raise BadChart("its archive is damaged") from error
    if inflate.unconsumed_tail:
        raise BadChart(f"it is larger than {LARGEST >> 20} MiB unpacked")
    if not inflate.eof:
        raise BadChart("its archive is cut off")
    return content
