"""The operator as a process of its own, forked from one that has imported its code.

Hundreds are started, and nine tenths of what a start costs is imports. Each is a process as a pod
has it: with its environment, log, signals and exit status. `hack/demo` and tests/integration/demo
run the program itself.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["nessus_operator.__main__", "tests.forked"])


class Forked:
    """A running operator, in the words of subprocess.Popen."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        log.write_bytes(b"")
        self._process = _CONTEXT.Process(target=_become, args=(environment, log), daemon=True)
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
            raise subprocess.TimeoutExpired("nessus-operator", timeout or 0)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def _become(environment: dict[str, str], log: Path) -> None:
    """In the new process."""
    from nessus_operator.__main__ import start

    os.environ.clear()
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY)
    os.dup2(descriptor, sys.stdout.fileno())
    os.dup2(descriptor, sys.stderr.fileno())
    os.close(descriptor)
    sys.exit(start())
