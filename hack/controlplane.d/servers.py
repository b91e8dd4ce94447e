"""etcd, kube-apiserver and kube-controller-manager as child processes on free ports of 127.0.0.1.

They die with the process that started them, and all that they write lies in one folder.
"""

import base64
import ctypes
import http.client
import json
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from messages import DISK_FULL, Failure, last_line

HOST = "127.0.0.1"
ATTEMPTS = 5  # each with other ports
READY_WITHIN = 60.0  # seconds
LOOK_EVERY = 0.05  # seconds
CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "resourcequota-controller",
    "serviceaccount-controller",
)


class PortTaken(Exception):
    """Another process was faster to bind a port that was free a moment ago."""


@dataclass
class Servers:
    """The running processes of one control plane. `home` is theirs alone and mode 0700."""

    home: Path
    binaries: Path
    url: str = ""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _flags: dict[str, Sequence[str]] = field(default_factory=dict)

    @property
    def kubeconfig(self) -> Path:
        """A login as system:masters, mode 0600."""
        return self.home / "kubeconfig"

    def start(self, *, controllers: bool, ports: Callable[[int], Sequence[int]]) -> None:
        """Returns when the API answers /readyz and its controllers work. Raises Failure.

        `ports(n)` names n ports to try; it is asked again when one of them turns out to be taken.
        """
        for _ in range(ATTEMPTS):
            try:
                self._start_once(*ports(3), controllers=controllers)
            except PortTaken:
                self.stop()
                shutil.rmtree(self.home / "etcd", ignore_errors=True)
                for log in self.home.glob("*.log"):
                    log.unlink()
            else:
                return
        raise Failure(f"no free port on {HOST} in {ATTEMPTS} attempts: end what binds them so fast")

    def stop(self) -> None:
        """Ends all at once: what they hold is thrown away, and a polite end takes up to 60 s."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
        self.processes.clear()

    def revive(self) -> bool:
        """Starts again what has ended, with the same flags, as a kubelet would. Was there any?"""
        ended = self._ended()
        for name in ended:
            self._launch(name, self._flags[name])
        return bool(ended)

    def _start_once(self, etcd: int, peer: int, api: int, *, controllers: bool) -> None:
        self.url = f"https://{HOST}:{api}"
        tokens = self.home / "tokens.csv"
        write_secret(tokens, f'{self.token},admin,admin,"system:masters"\n')
        self._launch("etcd", etcd_flags(self.home / "etcd", etcd, peer))
        self._launch("kube-apiserver", api_flags(self.home / "certs", tokens, etcd, api))
        self._await(lambda: self._get("/readyz") == b"ok")
        ca = (self.home / "certs/apiserver.crt").read_text()
        write_secret(self.kubeconfig, kubeconfig(self.url, self.token, ca))
        if controllers:
            self._launch("kube-controller-manager", controller_flags(self.kubeconfig))
            account = "/api/v1/namespaces/default/serviceaccounts/default"
            self._await(lambda: self._get(account) is not None)

    def _launch(self, name: str, flags: Sequence[str]) -> None:
        self._flags[name] = flags
        with self._log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(  # noqa: S603 - our binaries and our flags
                [self.binaries / name, *flags],
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )

    def _why_ended(self, name: str) -> Exception:
        log = self._log(name).read_text(errors="replace")
        if "address already in use" in log:
            return PortTaken()
        if "no space left on device" in log:
            return Failure(DISK_FULL)
        return Failure(f"{name} ended at its start: {last_line(log)}")

    def _last_words(self, name: str) -> str:
        return last_line(self._log(name).read_text(errors="replace"))

    def _ended(self) -> list[str]:
        return [name for name, process in self.processes.items() if process.poll() is not None]

    def _log(self, name: str) -> Path:
        return self.home / f"{name}.log"

    def _await(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while not condition():
            for name in self._ended():
                raise self._why_ended(name)
            if time.monotonic() > deadline:
                raise Failure(
                    f"not ready within {READY_WITHIN:.0f} s; kube-apiserver says: "
                    f"{self._last_words('kube-apiserver')}"
                )
            time.sleep(LOOK_EVERY)

    def _get(self, path: str) -> bytes | None:
        """The body of a 200 answer of the API server, else None."""
        ca = self.home / "certs/apiserver.crt"
        login = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(self.url + path, headers=login)  # noqa: S310 - https
        try:
            context = ssl.create_default_context(cafile=ca)
            with urllib.request.urlopen(request, timeout=5, context=context) as answer:  # noqa: S310
                body: bytes = answer.read()
        except (OSError, http.client.HTTPException):  # no certificate yet, refused, not ready, 404
            return None
        return body


def free_ports(count: int) -> list[int]:
    """Ports of HOST that nobody had bound a moment ago, all different."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def etcd_flags(store: Path, client: int, peer: int) -> list[str]:
    """A member that is alone and forgets on a power cut: the folder is thrown away anyhow."""
    clients, peers = f"http://{HOST}:{client}", f"http://{HOST}:{peer}"
    return [
        f"--data-dir={store}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        "--watch-progress-notify-interval=5s",  # as kubeadm has it; watches get no bookmark without
        "--log-level=warn",
    ]


def api_flags(certs: Path, tokens: Path, etcd: int, port: int) -> list[str]:
    """RBAC on; the key that it makes for TLS signs ServiceAccount tokens too."""
    key = certs / "apiserver.key"
    return [
        f"--etcd-servers=http://{HOST}:{etcd}",
        f"--bind-address={HOST}",
        f"--advertise-address={HOST}",
        f"--secure-port={port}",
        f"--cert-dir={certs}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--endpoint-reconciler-type=none",
        "--disable-admission-plugins=ServiceAccount",  # nothing runs pods here
    ]


def controller_flags(login: Path) -> list[str]:
    """The controllers that objects without pods need; no port of its own."""
    return [
        f"--kubeconfig={login}",
        f"--controllers={','.join(CONTROLLERS)}",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--concurrent-namespace-syncs=20",
    ]


def kubeconfig(server: str, token: str, ca: str) -> str:
    """A kubeconfig (JSON, which is YAML) with one context."""
    authority = base64.b64encode(ca.encode()).decode()
    cluster = {"server": server, "certificate-authority-data": authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "controlplane", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": token}}],
            "contexts": [
                {"name": "controlplane", "context": {"cluster": "controlplane", "user": "admin"}}
            ],
            "current-context": "controlplane",
        }
    )


def write_secret(path: Path, text: str) -> None:
    """Writes a file that only its owner can read."""
    path.touch(mode=0o600)
    path.write_text(text)


def die_with_parent() -> None:
    """In a new child: ask Linux to kill it when its parent ends, however that ends."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
