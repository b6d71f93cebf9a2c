"""Charts that were fetched before, on disk: archives by their content, and which content a version had.

May be deleted at any time. An exact version is the same content for ever; what a range or "the newest" meant is used
again only where nothing may be fetched.
"""

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from reconciler.model.inflation import Chart
from reconciler.model.objects import canonical


class Kept(msgspec.Struct, frozen=True):
    """A chart as it was fetched."""

    version: str
    archive: bytes
    provenance: bytes | None = None


class _Record(msgspec.Struct, frozen=True):
    version: str
    archive: str
    """SHA-256."""
    provenance: str = ""


class Store:
    """The charts of one cache directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, chart: Chart) -> Kept | None:
        """What was kept for this question; its version may be another one than was asked for, if that was a range."""
        with contextlib.suppress(OSError, msgspec.DecodeError, ValueError):
            record = msgspec.json.decode(self._name(chart).read_bytes(), type=_Record)
            provenance = self._content(record.provenance) if record.provenance else None
            return Kept(record.version, self._content(record.archive), provenance)
        return None

    def keep(self, chart: Chart, kept: Kept) -> None:
        """Keep a chart under what was asked for, and under its exact version."""
        with contextlib.suppress(OSError):
            provenance = self._put(kept.provenance) if kept.provenance is not None else ""
            record = msgspec.json.encode(_Record(kept.version, self._put(kept.archive), provenance))
            for asked in {chart.version, kept.version}:
                replace(self._name(msgspec.structs.replace(chart, version=asked)), record)

    def _name(self, chart: Chart) -> Path:
        asked = canonical((chart.repo.rstrip("/"), chart.name, chart.version))
        return self._directory / "names" / f"{hashlib.sha256(asked).hexdigest()}.json"

    def _content(self, digest: str) -> bytes:
        content = (self._directory / "contents" / digest).read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError("damaged")
        return content

    def _put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self._directory / "contents" / digest
        if not path.exists():
            replace(path, content)
        return digest


def is_exact(asked: str, version: str) -> bool:
    """Whether a chart of this version can only have been asked for by name."""
    return asked.removeprefix("v") == version.removeprefix("v")


def replace(path: Path, content: bytes) -> None:
    """Write whole or not at all; charts may be private, so nobody else reads them."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.touch(mode=0o600)
    temporary.write_bytes(content)
    temporary.replace(path)
