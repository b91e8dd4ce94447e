"""A copy of the control plane's tools that knows only a publisher and a Go made for the test."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
MEMBERS = {
    "envtest": {part: f"envtest/{part}" for part in ("etcd", "kube-apiserver", "kubectl")},
    "server": {"kube-controller-manager": "bin/kube-controller-manager"},
}


def program(part: str, version: str = "v1.36.0") -> str:
    """A tiny executable that answers --version as the real one does."""
    return f"#!/bin/sh\n# {part}\necho Kubernetes {version}\n"


def put(folder: Path, *parts: str, version: str = "v1.36.0") -> Path:
    """A folder that holds tiny executables of these names."""
    folder.mkdir(parents=True)
    for part in parts:
        (folder / part).write_text(program(part, version))
        (folder / part).chmod(0o755)
    return folder


def archive(members: dict[str, str]) -> bytes:
    """A .tar.gz with one tiny executable per member."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        for part, path in members.items():
            content = program(part).encode()
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return target.getvalue()


@dataclass
class Publisher:
    """An HTTP server with archives by path; it can be told to answer wrongly, or late."""

    files: dict[str, bytes]
    url: str = ""
    asked: list[str] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)  # paths whose answer ends in the middle
    arrived: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)

    def respond(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        self.arrived.set()
        self.may_answer.wait(30)
        content = self.files.get(request.path)
        if content is None:
            request.send_error(404)
            return
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[: len(content) // 2] if request.path in self.cut else content)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """Serves both archives as they should be."""
    served = Publisher({f"/{name}.tar.gz": archive(members) for name, members in MEMBERS.items()})
    served.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.respond(self)

        def log_message(self, *_: object) -> None:
            """Nothing: pytest shows what was asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield served
    served.may_answer.set()
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Tools:
    """The copied tools in a home of their own."""

    home: Path
    env: dict[str, str]

    @property
    def cache(self) -> Path:
        return self.home / ".cache/nessus-operator/controlplane"

    def go(self, script: str) -> None:
        """Installs a Go that is this shell script."""
        (self.home / "bin").mkdir(exist_ok=True)
        (self.home / "bin/go").write_text(f"#!/bin/sh\n{script}\n")
        (self.home / "bin/go").chmod(0o755)

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, self.home / "controlplane.d", *arguments],
            env=self.env | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **env: str) -> tuple[int, str, str]:
        """Exit status, stdout and stderr."""
        with self.start(*arguments, **env) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out.strip(), err.strip()


@pytest.fixture
def tools(tmp_path: Path, publisher: Publisher) -> Tools:
    """Tools whose pins name the publisher's archives; no Go, no other source."""
    shutil.copytree(ROOT / "hack/controlplane.d", tmp_path / "controlplane.d")
    pins = ['version = "v1.36.0"']
    for name, members in MEMBERS.items():
        pins += [
            "[[archives]]",
            f'platform = "{this_platform()}"',
            f'url = "https://publisher.invalid/{name}.tar.gz"',
            f'sha512 = "{hashlib.sha512(publisher.files[f"/{name}.tar.gz"]).hexdigest()}"',
            *(f'members.{part} = "{path}"' for part, path in members.items()),
        ]
    (tmp_path / "controlplane.d/pins.toml").write_text("\n".join(pins))
    env = {
        "HOME": str(tmp_path),
        "PATH": str(tmp_path / "bin"),
        "CONTROLPLANE_MIRROR": publisher.url,
    }
    return Tools(tmp_path, env)


def this_platform() -> str:
    """linux-amd64 or linux-arm64."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    return f"linux-{machine}"
