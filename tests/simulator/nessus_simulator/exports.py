"""Exports: asked for, ready a little later, then downloaded as often as one likes."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from nessus_simulator import refusals

EXPORT_SECONDS = 2.0  # simulated


@dataclass(frozen=True, slots=True)
class Export:
    file: int
    token: str
    scan_id: int
    name: str
    path: Path
    ready: float  # simulated Unix seconds

    def status(self, now: float) -> str:
        return "ready" if now >= self.ready else "loading"


class Exports:
    def __init__(self) -> None:
        self._exports: dict[int, Export] = {}
        self._next_file = 1 + secrets.randbelow(1_000_000_000)

    def start(self, scan_id: int, name: str, path: Path, now: float) -> Export:
        export = Export(
            self._next_file, secrets.token_hex(32), scan_id, name, path, now + EXPORT_SECONDS
        )
        self._next_file += 1
        self._exports[export.file] = export
        return export

    def find(self, scan_id: int, file: int) -> Export:
        export = self._exports.get(file)
        if export is None or export.scan_id != scan_id:
            raise refusals.not_found()
        return export

    def by_token(self, token: str) -> Export:
        for export in self._exports.values():
            if export.token == token:
                return export
        raise refusals.not_found()

    def forget(self, scan_id: int) -> None:
        self._exports = {
            file: export for file, export in self._exports.items() if export.scan_id != scan_id
        }

    def __len__(self) -> int:
        return len(self._exports)
