"""Operators and simulators as processes of their own, forked from one that has imported their code.

Hundreds are started, and nine tenths of what a start costs is imports. Each is a process as a pod
has it: with its environment, log, signals and exit status. `hack/demo` and tests/integration/demo
run the programs themselves. They end with the process that started them at the latest.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nessus_simulator.running import Simulator, arguments
from nessus_simulator.server import READY

START_SECONDS = 30.0

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["nessus_operator.__main__", "nessus_simulator.cli", "tests.forked"]
)


class Forked:
    """A running process, in the words of subprocess.Popen; its output goes to the log."""

    def __init__(
        self, program: Callable[..., Any], *given: object, environment: Mapping[str, str], log: Path
    ) -> None:
        log.write_bytes(b"")
        self._name = program.__name__
        become = (program, given, dict(environment), log)
        self._process = _CONTEXT.Process(target=_become, args=become, daemon=True)
        self._process.start()
        pid = self._process.pid
        assert pid is not None  # it was started
        self.pid: int = pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(self._name, timeout or 0)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def start_operator(environment: Mapping[str, str], log: Path) -> Forked:
    return Forked(_operator, environment=environment, log=log)


def start_simulator(*options: str, tls_ca: Path | None = None, **others: Any) -> Simulator:
    """As nessus_simulator.running.start_simulator, in a fraction of its time."""
    folder = tempfile.TemporaryDirectory()
    log = Path(folder.name) / "log"
    given = arguments(*options, **others)
    process = Forked(_simulator, given, environment=os.environ, log=log)
    simulator = Simulator(process, _ready(process, log), tls_ca)
    simulator.when_stopped.enter_context(folder)
    return simulator


def _ready(process: Forked, log: Path) -> str:
    """The simulator's address once it listens."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        ended = process.poll() is not None
        for line in log.read_text().splitlines(keepends=True):
            if line.startswith(READY) and line.endswith("\n"):
                return line.removeprefix(READY).strip()
        if ended or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"the simulator did not start: {log.read_text()}")
        time.sleep(0.01)


def _become(
    program: Callable[..., Any], given: tuple[object, ...], environment: dict[str, str], log: Path
) -> None:
    """In the new process."""
    os.environ.clear()
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, sys.stdout.fileno())
    os.dup2(descriptor, sys.stderr.fileno())
    os.close(descriptor)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(program(*given))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # this is a child
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _operator() -> int:
    from nessus_operator.__main__ import start

    return start()


def _simulator(given: list[str]) -> None:
    from nessus_simulator.cli import app

    app(given, prog_name="nessus_simulator")
