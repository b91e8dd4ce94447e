"""Published binaries, taken only when their archive has the checksum pinned in pins.toml.

CONTROLPLANE_MIRROR=https://host[/path] asks that server in place of the publishers'; the path of
each archive stays what it is there.
"""

import hashlib
import http.client
import os
import shutil
import ssl
import tarfile
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from messages import say

PINS = Path(__file__).with_name("pins.toml")
PATIENCE = 10.0  # seconds without a byte until the publisher counts as out of reach
CHUNK = 1 << 20
OUT_OF_REACH = (
    urllib.error.URLError,
    http.client.HTTPException,
    TimeoutError,
    ConnectionError,
    ssl.SSLError,
)


class NotDownloaded(Exception):
    """An archive cannot be had or is not the pinned one; the text says which and why."""


@dataclass(frozen=True)
class Archive:
    """A published .tar.gz and where the wanted parts lie in it."""

    platform: str
    url: str
    sha512: str
    members: Mapping[str, str]

    @property
    def name(self) -> str:
        """The file name."""
        return self.url.rsplit("/", 1)[1]


def version() -> str:
    """The pinned version, such as v1.36.0."""
    return str(tomllib.loads(PINS.read_text())["version"])


def fetch(parts: Sequence[str], platform: str, folder: Path) -> dict[str, Path]:
    """Downloads what it can of `parts` into `folder` and tells where each is.

    A part that cannot be had is left out, and a line says why: it can still be built.
    """
    archives = [Archive(**pin) for pin in tomllib.loads(PINS.read_text())["archives"]]
    wanted = [a for a in archives if a.platform == platform and set(parts) & set(a.members)]
    if parts and not wanted:
        say(f"no published binaries are pinned for {platform}")
    found: dict[str, Path] = {}
    for archive in wanted:
        try:
            found |= unpack(archive, parts, folder)
        except NotDownloaded as error:
            say(f"not downloaded: {error}")
            break
    return found


def unpack(archive: Archive, parts: Sequence[str], folder: Path) -> dict[str, Path]:
    """Downloads one archive, verifies it whole, and only then opens it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        receive(archive, file)
        file.seek(0)
        if hashlib.file_digest(file, "sha512").hexdigest() != archive.sha512:
            raise NotDownloaded(f"{archive.name} does not have its pinned checksum; not used")
        file.seek(0)
        members = {p: m for p, m in archive.members.items() if p in parts}
        try:
            with tarfile.open(fileobj=file, mode="r:gz") as tar:
                return {part: extract(tar, path, folder / part) for part, path in members.items()}
        except (tarfile.TarError, KeyError) as error:
            raise NotDownloaded(f"{archive.name}: {error}; correct pins.toml") from error


def receive(archive: Archive, file: IO[bytes]) -> None:
    """Copies the archive from its publisher or the mirror into `file`."""
    url = mirrored(archive.url, os.environ.get("CONTROLPLANE_MIRROR", ""))
    host = urlsplit(url).netloc
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - http(s) only
            size = int(answer.headers.get("Content-Length") or 0)
            say(f"downloading {archive.name} ({size / 1e6:.0f} MB) from {host}")
            shutil.copyfileobj(answer, file, CHUNK)
    except urllib.error.HTTPError as error:
        with error:
            raise NotDownloaded(f"{host} answered {error.code} for {archive.name}") from error
    except OUT_OF_REACH as error:
        reason = getattr(error, "reason", error)
        raise NotDownloaded(f"{host} is out of reach ({reason})") from error
    if file.tell() < size:
        raise NotDownloaded(f"{archive.name} ended after {file.tell()} of {size} bytes")


def mirrored(url: str, mirror: str) -> str:
    """The address to ask: the publisher's, or the same path under the mirror."""
    if not mirror:
        return url
    if urlsplit(mirror).scheme not in ("http", "https"):
        raise NotDownloaded(f"CONTROLPLANE_MIRROR={mirror} is not an http or https address")
    return mirror.rstrip("/") + urlsplit(url).path


def extract(tar: tarfile.TarFile, member: str, target: Path) -> Path:
    """Writes one file of an archive as an executable; `target` is there whole or not at all."""
    source = tar.extractfile(member)
    if source is None:
        raise KeyError(f"{member} is no file")
    fresh = target.with_name(f".{target.name}.new")
    with source, fresh.open("wb") as file:
        shutil.copyfileobj(source, file, CHUNK)
    fresh.chmod(0o755)
    return fresh.rename(target)
