"""One background process per control plane: starts it, watches it and removes all it left.

`up` starts it and waits for one line on its stdout: `ready`, or why not.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import homes
from messages import Failure, explain
from servers import Servers, free_ports

READY = "ready"
LOOK_EVERY = 0.5  # seconds
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def launch(binaries: Path, *, controllers: bool, owner: int | None) -> Path:
    """Starts a control plane in the background and returns its folder. Raises Failure."""
    home, lock = homes.make()
    command = [sys.executable, str(Path(__file__).parent), "supervise", str(home), str(binaries)]
    command += ["--with-controller-manager"] if controllers else []
    command += ["--owner", str(owner)] if owner else []
    words, mouth = os.pipe()
    process = subprocess.Popen(  # noqa: S603 - this very program
        command,
        stdin=subprocess.DEVNULL,
        stdout=mouth,
        stderr=subprocess.DEVNULL,
        pass_fds=[lock],
        start_new_session=True,  # a Ctrl-C meant for the caller must not reach the servers
    )
    os.close(lock)
    os.close(mouth)
    line = ""
    try:
        with open(words) as said:
            line = said.readline().strip()
    finally:
        if line != READY:
            process.terminate()
            process.wait()
            shutil.rmtree(home, ignore_errors=True)
    if line != READY:
        raise Failure(line or "the supervisor ended without a word; is the machine out of memory?")
    return home


def supervise(home: Path, binaries: Path, *, controllers: bool, owner: int | None) -> None:
    """The life of one control plane, from the first process to the removed folder."""
    for number in ENDINGS:
        signal.signal(number, leave)
    servers = Servers(home, binaries)
    try:
        watched = os.pidfd_open(owner) if owner is not None else None
        servers.start(controllers=controllers, ports=free_ports)
        homes.write(home, described(servers, owner))
        answer(READY)
        while not ended(watched):
            if servers.revive():
                homes.write(home, described(servers, owner))
    except ProcessLookupError:
        answer(f"the owner, process {owner}, does not run")
    except Failure as failure:
        answer(str(failure))
    except OSError as error:
        answer(explain(error))
    finally:
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        servers.stop()
        shutil.rmtree(home, ignore_errors=True)


def ended(owner: int | None) -> bool:
    """Has the process behind this descriptor ended? Waits LOOK_EVERY for it."""
    ready, _, _ = select.select([] if owner is None else [owner], [], [], LOOK_EVERY)
    return bool(ready)


def described(servers: Servers, owner: int | None) -> homes.State:
    """What `env`, `down` and tests need to know of it."""
    return homes.State(
        kubeconfig=str(servers.kubeconfig),
        binaries=str(servers.binaries),
        supervisor=os.getpid(),
        servers={name: process.pid for name, process in servers.processes.items()},
        owner=owner,
    )


def answer(line: str) -> None:
    """Tells `up`, once; raises BrokenPipeError when it is gone, and nobody knows the folder."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def leave(_number: int, _frame: FrameType | None) -> None:
    """Ends by way of the `finally` above."""
    raise SystemExit
