"""Real control planes from `up` to nothing: no process and no folder stays, however they end."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("binaries")

ROOT = Path(__file__).parents[3]
COMMAND = ROOT / "hack/controlplane"
PATIENCE = 30  # seconds until a process that should end counts as left behind


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Waits for another process to do what it must do by itself."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Ground:
    """A TMPDIR of its own, so that each test sees and ends only its own control planes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = os.environ | {"TMPDIR": str(folder)}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [COMMAND, *arguments], env=self.env, stdout=pipe, stderr=pipe, text=True
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=100)
        return process.returncode, out.strip(), err.strip()

    def up(self, *arguments: str) -> Path:
        status, home, reason = self.run("up", *arguments)
        assert status == 0, reason
        return Path(home)

    def kubectl(self, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        exports = self.run("env", str(home))[1]
        command = ["bash", "-c", f'{exports}\nkubectl "$@"', "bash", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def state(self, home: Path) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((home / "state.json").read_text())
        return state

    def homes(self) -> list[Path]:
        return list(self.folder.glob("nessus-controlplane-*"))

    def processes(self) -> list[int]:
        """Processes with our folder in their command line: servers and supervisors."""
        found = []
        for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                mine = f"{self.folder}/nessus-controlplane-".encode() in cmdline.read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            found += [int(cmdline.parent.name)] if mine else []
        return found

    def is_clean(self) -> bool:
        return not self.homes() and not self.processes()


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """Ends what a failing test would leave; a green test leaves nothing to end."""
    ground = Ground(tmp_path)
    yield ground
    for process in ground.processes():
        os.kill(process, signal.SIGKILL)


def test_a_cached_control_plane_is_ready_within_ten_seconds(ground: Ground) -> None:
    seconds: list[float] = []
    while min(seconds, default=11) > 10 and len(seconds) < 3:
        # The best of three: tests that run beside it can only add to its time.
        began = time.monotonic()
        ground.up()
        seconds.append(time.monotonic() - began)
        ground.run("down")
    assert min(seconds) <= 10, seconds


def test_down_leaves_nothing(ground: Ground) -> None:
    home = ground.up()
    shown = ground.kubectl(home, "get", "namespaces", "--output=name")
    assert "namespace/default" in shown.stdout.splitlines(), shown.stderr
    assert ground.run("down") == (0, "", "")
    assert ground.is_clean(), (ground.homes(), ground.processes())


def test_secrets_are_readable_by_their_owner_alone(ground: Ground) -> None:
    home = ground.up()
    kubeconfig = json.loads((home / "kubeconfig").read_text())
    token = kubeconfig["users"][0]["user"]["token"].encode()
    holders = [file for file in home.glob("*") if file.is_file() and token in file.read_bytes()]
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in ground.processes()]
    assert sorted(file.name for file in holders) == ["kubeconfig", "tokens.csv"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in holders} == {0o600}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert len(commands) == 3
    assert not any(token in command for command in commands)
    ground.run("down")


def test_two_at_once_have_ports_and_folders_of_their_own(ground: Ground) -> None:
    with ground.start("up") as one, ground.start("up") as other:
        homes = [Path(p.communicate(timeout=100)[0].strip()) for p in (one, other)]
    servers = {ground.kubectl(home, "config", "view", "--minify").stdout for home in homes}
    assert len(servers) == len(set(homes)) == 2
    status, _, reason = ground.run("down")
    assert status == 1
    assert reason == (
        f"hack/controlplane: several run, so name one of them: {' '.join(map(str, sorted(homes)))}"
    )
    for home in homes:
        assert ground.run("down", str(home)) == (0, "", "")
    assert ground.is_clean()


def test_an_interrupted_start_leaves_nothing(ground: Ground) -> None:
    with ground.start("up") as process:
        eventually(lambda: len(ground.processes()) >= 3, "the servers never started")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert ground.is_clean(), ground.processes()


def test_a_start_whose_caller_was_killed_leaves_nothing(ground: Ground) -> None:
    with ground.start("up") as process:
        eventually(lambda: len(ground.processes()) >= 3, "the servers never started")
        process.kill()
    eventually(ground.is_clean, "something outlived the killed caller")


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name)
def test_a_control_plane_ends_with_its_owner(ground: Ground, ending: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        ground.up("--with-controller-manager", "--owner", str(owner.pid))
        assert len(ground.processes()) == 4
        assert ground.run("env")[0] == 1  # it is the owner's, not for whoever types `env`
        owner.send_signal(ending)
        eventually(ground.is_clean, "it outlived its owner, who is a zombie by now")


def test_servers_die_with_a_killed_supervisor_and_the_next_start_sweeps_the_folder(
    ground: Ground,
) -> None:
    left = ground.up()
    os.kill(ground.state(left)["supervisor"], signal.SIGKILL)
    eventually(lambda: not ground.processes(), "the servers outlived their supervisor")
    assert ground.run("env", str(left))[2] == (
        f"hack/controlplane: no control plane runs in {left}"
    )
    fresh = ground.up()
    assert ground.homes() == [fresh]
    ground.run("down")
    assert ground.is_clean()


def test_a_killed_api_server_is_started_again_with_its_objects(ground: Ground) -> None:
    home = ground.up()
    assert ground.kubectl(home, "create", "namespace", "kept").returncode == 0
    before = ground.state(home)["servers"]["kube-apiserver"]
    os.kill(before, signal.SIGKILL)
    kept = ("get", "namespace", "kept")
    eventually(lambda: ground.kubectl(home, *kept).returncode == 0, "it never came back")
    assert ground.state(home)["servers"]["kube-apiserver"] != before
    ground.run("down")


TAKEN = """
import pathlib, socket, sys
sys.path.insert(0, {tools!r})
import servers
blocker = socket.create_server(("127.0.0.1", 0))
taken, offered = blocker.getsockname()[1], []
def ports(count):
    offered.append(servers.free_ports(count))
    if len(offered) == 1:
        offered[0][{index}] = taken
    return offered[-1]
started = servers.Servers(pathlib.Path({home!r}), pathlib.Path({binaries!r}))
try:
    started.start(controllers=False, ports=ports)
    print(len(offered))
finally:
    started.stop()
"""


@pytest.mark.parametrize("index", [0, 1, 2], ids=["etcd", "etcd's peers", "kube-apiserver"])
def test_a_port_that_was_taken_meanwhile_is_replaced(
    binaries: Path, tmp_path: Path, index: int
) -> None:
    tools = str(ROOT / "hack/controlplane.d")
    script = TAKEN.format(tools=tools, index=index, home=str(tmp_path), binaries=str(binaries))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr


REFUSALS = {
    "down, when none runs": (("down",), 1, "no control plane runs here: start one with"),
    "env for a folder that is none": (("env", "/nowhere"), 1, "no control plane runs in /nowhere"),
    "up for an owner that is gone": (("up", "--owner", "4194304"), 1, "the owner, process 4194304"),
    "up for an owner that is no process": (("up", "--owner", "0"), 2, "invalid process_id value"),
    "an unknown command": (("upp",), 2, "invalid choice: 'upp'"),
}


@pytest.mark.parametrize(("arguments", "status", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    ground: Ground, arguments: tuple[str, ...], status: int, reason: str
) -> None:
    got, out, err = ground.run(*arguments)
    assert (got, out) == (status, "")
    assert reason in err
    assert "Traceback" not in err
    assert ground.is_clean()
