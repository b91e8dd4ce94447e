"""The folders of running control planes: how one finds, describes, ends and sweeps them.

A folder's supervisor holds a lock on its file `lock` as long as it lives. So a folder whose lock is
free belongs to nobody, and the process id in its state can be trusted while the lock is held.
"""

import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from messages import Failure

PREFIX = "nessus-controlplane-"
END_WITHIN = 10.0  # seconds


@dataclass(frozen=True)
class State:
    """What a running control plane says of itself, in the file `state.json` of its folder."""

    kubeconfig: str
    binaries: str
    supervisor: int  # process ids
    servers: dict[str, int]
    owner: int | None  # it ends with this process; None: it ends with `down`


def make() -> tuple[Path, int]:
    """A new folder, mode 0700, and the descriptor of its lock, held."""
    home = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = os.open(home / "lock.new", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    (home / "lock.new").rename(home / "lock")  # whoever sees it sees it held
    return home, lock


def write(home: Path, state: State) -> None:
    """Makes a folder findable."""
    fresh = home / "state.json.new"
    fresh.write_text(json.dumps(asdict(state), indent=1))
    fresh.rename(home / "state.json")


def read(home: Path) -> State | None:
    """The state of a control plane that runs in this folder."""
    try:
        state = State(**json.loads((home / "state.json").read_text()))
    except FileNotFoundError:
        return None
    return state if held(home) else None


def running() -> dict[Path, State]:
    """All control planes of this user that run now."""
    found = {home: read(home) for home in ours()}
    return {home: state for home, state in found.items() if state is not None}


def chosen(named: Path | None) -> tuple[Path, State]:
    """The control plane that a command means. Raises Failure when that is not clear."""
    if named is not None:
        state = read(named)
        if state is None:
            raise Failure(f"no control plane runs in {named}")
        return named, state
    free = {home: state for home, state in running().items() if state.owner is None}
    if not free:
        raise Failure("no control plane runs here: start one with `hack/controlplane up`")
    if len(free) > 1:
        raise Failure(f"several run, so name one of them: {' '.join(map(str, sorted(free)))}")
    return next(iter(free.items()))


def end(home: Path, state: State) -> None:
    """Ends a control plane and returns when its processes and its folder are gone."""
    with suppress(ProcessLookupError):
        supervisor = os.pidfd_open(state.supervisor)
        signal.pidfd_send_signal(supervisor, signal.SIGTERM)
        ended, _, _ = select.select([supervisor], [], [], END_WITHIN)
        if not ended:
            signal.pidfd_send_signal(supervisor, signal.SIGKILL)  # its servers die with it
    if home.exists():
        shutil.rmtree(home)


def sweep() -> None:
    """Removes the folders whose supervisor was killed before it could."""
    for home in ours():
        if (home / "lock").exists() and not held(home):
            shutil.rmtree(home, ignore_errors=True)


def ours() -> Iterable[Path]:
    """The folders of control planes that this user made, whether they run or not."""
    everyone = Path(tempfile.gettempdir()).glob(f"{PREFIX}*")
    return [home for home in everyone if home.lstat().st_uid == os.getuid()]


def held(home: Path) -> bool:
    """Does a supervisor hold the lock of this folder?"""
    try:
        with (home / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
