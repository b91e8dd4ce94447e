"""A real Kubernetes control plane of this demonstration's own, and kubectl to speak to it."""

import asyncio
import json
import os
import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from demo.children import die_with_parent
from demo.failures import AlreadySaid, Failure
from nessus_operator.results.clean import one_line

REPOSITORY = Path(__file__).resolve().parents[3]
COMMAND = REPOSITORY / "hack/controlplane"
TOKEN_DURATION = "720h"  # noqa: S105 - how long the parts can work before they are locked out


@dataclass(frozen=True)
class ControlPlane:
    """A running one. It removes its folder `home`, with all that we put there, when we end."""

    home: Path
    binaries: Path
    supervisor: int  # process id

    @classmethod
    async def up(cls) -> Self:
        """Shows how far it is on stderr; the first time takes minutes. Raises AlreadySaid."""
        process = await asyncio.create_subprocess_exec(
            COMMAND,
            *("up", "--with-controller-manager", "--owner", str(os.getpid())),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        answer = asyncio.create_task(process.communicate())
        try:
            said, _ = await asyncio.shield(answer)
        except asyncio.CancelledError:
            # To its whole group, since a build has processes of its own; some may not listen.
            _send(process.pid, signal.SIGINT)
            said, _ = await answer
            _send(process.pid, signal.SIGKILL)
            if said.strip():
                await remove(Path(said.decode().strip()))
            raise
        if process.returncode:
            raise AlreadySaid
        home = Path(said.decode().strip())
        state = json.loads((home / "state.json").read_text())
        return cls(home, Path(state["binaries"]), state["supervisor"])

    @property
    def kubeconfig(self) -> Path:
        """Its administrator's login."""
        return self.home / "kubeconfig"

    def watch(self, fault: asyncio.Future[Failure]) -> None:
        """Have the fault set when it ends by itself."""
        loop, descriptor = asyncio.get_running_loop(), os.pidfd_open(self.supervisor)

        def ended() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            if not fault.done():
                fault.set_result(Failure("the control plane ended"))

        loop.add_reader(descriptor, ended)

    async def kubectl(self, *arguments: str | Path, given: Any = None) -> str:
        """What it prints; `-f -` reads the object `given`. Raises Failure."""
        process = await asyncio.create_subprocess_exec(
            self.binaries / "kubectl",
            f"--kubeconfig={self.kubeconfig}",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        body = json.dumps(given).encode() if given is not None else b""
        try:
            said, complaint = await process.communicate(body)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            why = one_line(complaint.decode(errors="replace"), 400)
            raise Failure(f"kubectl {arguments[0]} failed: {why}")
        return said.decode()

    async def version(self) -> str:
        """Such as Kubernetes v1.36.4."""
        said = json.loads(await self.kubectl("version", "--output=json"))
        return f"Kubernetes {said['serverVersion']['gitVersion']}"

    async def login(self, namespace: str, account: str, file: Path) -> Path:
        """Writes a kubeconfig with a token of that ServiceAccount, readable by its owner alone."""
        place = ("--namespace", namespace)
        token = await self.kubectl(
            "create", "token", account, *place, f"--duration={TOKEN_DURATION}"
        )
        config = json.loads(self.kubeconfig.read_text())
        config["users"] = [{"name": account, "user": {"token": token.strip()}}]
        config["contexts"][0]["context"]["user"] = account
        write_secret(file, json.dumps(config))
        return file


async def remove(home: Path) -> None:
    """Ends the control plane and removes its folder, also where its supervisor was killed."""
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        *("down", home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    await process.wait()
    shutil.rmtree(home, ignore_errors=True)


def _send(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def write_secret(path: Path, text: str) -> None:
    """Writes a file that only its owner can read."""
    path.touch(mode=0o600)
    path.write_text(text)
