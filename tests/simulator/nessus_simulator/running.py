"""Starts simulators as processes of their own, for tests and demonstrations.

Calls block: in an async test, let a wait that needs the test's own loop to go on run in a thread
(`await asyncio.to_thread(simulator.wait_held, fault)`).
"""

import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, Self

import httpx2

from nessus_simulator.server import READY

ACCESS_KEY, SECRET_KEY = "simulated-access-key", "simulated-secret-key"
USER, PASSWORD = "scanner", "simulated-password"

STOP_SECONDS = 10.0
REQUEST_SECONDS = 70.0  # more than the longest wait that the controls allow


class Process(Protocol):
    """What is needed of subprocess.Popen."""

    @property
    def pid(self) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    def wait(self, timeout: float | None = None) -> int: ...


class Simulator:
    """A running simulator; the context manager stops it."""

    def __init__(self, process: Process, url: str, tls_ca: Path | None) -> None:
        self.process = process
        self.url = url
        self.when_stopped = ExitStack()
        verify = tls_ca is None or ssl.create_default_context(cafile=tls_ca)
        self._http = httpx2.Client(
            base_url=f"{url}/_simulator",
            timeout=REQUEST_SECONDS,
            trust_env=False,
            verify=verify,
        )

    def control(
        self, method: str, path: str, json: Any = None, query: Mapping[str, str | float] = {}
    ) -> Any:
        """The JSON answer of a control, for example control("PUT", "/license", {...}).

        Raises RuntimeError with the simulator's own words when it refuses.
        """
        answer = self._http.request(method, path, json=json, params=query or None)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def calls(self, method: str | None = None, path: str = "") -> list[dict[str, Any]]:
        """What was called, oldest first; `path` is a regular expression."""
        query = {"path": path} | ({"method": method} if method else {})
        found: list[dict[str, Any]] = self.control("GET", "/calls", query=query)["calls"]
        return found

    def clear_calls(self) -> None:
        self.control("DELETE", "/calls")

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.control("GET", "/state")
        return state

    def advance(self, seconds: float) -> None:
        """Let simulated time pass."""
        self.control("POST", "/clock", {"advance": seconds})

    def fault(self, action: str, path: str, **fields: Any) -> int:
        """Order a fault on paths that match the regular expression; answers its number."""
        number: int = self.control("POST", "/faults", {"action": action, "path": path, **fields})[
            "id"
        ]
        return number

    def hold(self, path: str, method: str | None = None, stage: str = "before") -> int:
        """Hold the next matching request `before` or `after` it takes effect."""
        return self.fault("hold", path, method=method, stage=stage)

    def wait_held(self, fault: int, seconds: float = 30.0) -> None:
        """Until the fault holds a request. Raises TimeoutError."""
        view = self.control("GET", f"/faults/{fault}", query={"wait": seconds})
        if not view["held"]:
            raise TimeoutError(f"fault {fault} held nothing within {seconds} s: {view}")

    def wait_struck(self, fault: int, requests: int = 1, seconds: float = 30.0) -> None:
        """Until the fault is done with that many requests. Raises TimeoutError."""
        query = {"wait": seconds, "requests": requests}
        view = self.control("GET", f"/faults/{fault}", query=query)
        if view["hits"] - view["open"] < requests:
            raise TimeoutError(f"fault {fault} struck too little within {seconds} s: {view}")

    def release(self, fault: int, *, drop: bool = False) -> None:
        """Let held requests go on, or drop them; they are done when this returns."""
        self.control("DELETE", f"/faults/{fault}", query={"drop": int(drop)})

    def release_all(self) -> None:
        self.control("DELETE", "/faults")

    def set_license(self, which: str, *, drop_refusals: bool = False) -> None:
        self.control("PUT", "/license", {"license": which, "drop_refusals": drop_refusals})

    def lose_scan(self, scan_id: int) -> None:
        self.control("POST", f"/scans/{scan_id}/lose")

    def abort_scan(self, scan_id: int) -> None:
        self.control("POST", f"/scans/{scan_id}/abort")

    def stop(self) -> int:
        """End the process; answers its exit status."""
        self._http.close()
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.when_stopped.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def arguments(
    *options: str,
    api_keys: Iterable[tuple[str, str]] = ((ACCESS_KEY, SECRET_KEY),),
    users: Iterable[tuple[str, str]] = ((USER, PASSWORD),),
    port: int = 0,
    tls: tuple[Path, Path] | None = None,
) -> list[str]:
    """Those of the command line, for any free port and for our users unless others are named.

    `tls` is a certificate chain and its key.
    """
    arguments = ["--port", str(port), *options]
    arguments += [f"--api-key={access}:{secret}" for access, secret in api_keys]
    arguments += [f"--user={name}:{password}" for name, password in users]
    if tls:
        arguments += ["--tls-cert", str(tls[0]), "--tls-key", str(tls[1])]
    return arguments


def start_simulator(*options: str, tls_ca: Path | None = None, **others: Any) -> Simulator:
    """Start one and wait until it is ready. It ends with this process at the latest.

    `options` are those of the command line, for example "--license", "essentials", and `others`
    those of `arguments`; `tls_ca` is what this object trusts. Raises RuntimeError with what the
    process wrote when it does not start.
    """
    command = [sys.executable, "-m", "nessus_simulator", *arguments(*options, **others)]
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [*command, "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith(READY):
            process.kill()
            process.communicate()
            errors.seek(0)
            raise RuntimeError(f"the simulator did not start: {line}{errors.read()}")
    simulator = Simulator(process, line.removeprefix(READY).strip(), tls_ca)
    simulator.when_stopped.enter_context(process)
    return simulator
