"""A few requests to an API server as its administrator: what starting a fleet needs, no client library."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from localfleet.failures import FleetError


@dataclass(frozen=True)
class Api:
    """One API server; `pki` holds ca.crt, admin.crt and admin.key."""

    server: str
    pki: Path

    def request(self, method: str, path: str, body: object = None, media: str = "application/json") -> tuple[int, Any]:
        """Status and parsed answer; text where the answer is no JSON. Raises `OSError` if nobody listens."""
        url = urlsplit(self.server)
        trust = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
        trust.load_cert_chain(self.pki / "admin.crt", self.pki / "admin.key")
        connection = http.client.HTTPSConnection(url.hostname or "", url.port, context=trust, timeout=30)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": media, "Accept": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def get(self, path: str) -> Any:
        """The object at `path`; `FleetError` unless the server has it."""
        return self._expect("GET", path)

    def apply(self, path: str, body: object) -> Any:
        """Server-side apply, conflicts won."""
        query = "?fieldManager=local-fleet&force=true"
        return self._expect("PATCH", path + query, body, "application/apply-patch+yaml")

    def delete(self, path: str) -> None:
        """Delete without waiting; what is gone already is fine."""
        status, answer = self.request("DELETE", path)
        if status not in (200, 202, 404):
            raise FleetError(f"DELETE {path}: {status} {_message(answer)}")

    def is_ready(self) -> bool:
        """Whether the server says so itself."""
        try:
            return self.request("GET", "/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def has(self, path: str) -> bool:
        """Whether `path` is served now."""
        return self.request("GET", path)[0] == 200

    def _expect(self, method: str, path: str, body: object = None, media: str = "application/json") -> Any:
        status, answer = self.request(method, path, body, media)
        if status not in (200, 201):
            raise FleetError(f"{method} {path}: {status} {_message(answer)}")
        return answer


def _message(answer: Any) -> str:
    return str(answer.get("message", "")) if isinstance(answer, dict) else str(answer)[:200]
