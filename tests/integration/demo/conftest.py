"""A hack/demo in a TMPDIR of its own, so that a test sees whatever it leaves behind."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PATIENCE = 120  # seconds until something that should come counts as missing


def eventually(condition: Callable[[], bool], what: Callable[[], str]) -> None:
    """Waits for other processes to do what they must do by themselves."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


class Demo:
    """One run. It is in a process group of its own, as a terminal would put it."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.out, self.err = folder / "out", folder / "err"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str | Path, output: int | None = None, **environment: str) -> None:
        """`output`: a descriptor for its stdout, in place of the file that `said` reads."""
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [ROOT / "hack/demo", *arguments],
                env=os.environ | {"TMPDIR": str(self.temporary)} | environment,
                stdin=subprocess.DEVNULL,
                stdout=out if output is None else output,
                stderr=err,
                cwd=ROOT,
                start_new_session=True,
            )

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(PATIENCE)

    def run(self, *arguments: str | Path, **environment: str) -> tuple[int, str, str]:
        """Exit status, stdout and stderr."""
        self.start(*arguments, **environment)
        return self.wait(), self.said(), self.complained()

    def said(self) -> str:
        return self.out.read_text()

    def complained(self) -> str:
        return self.err.read_text()

    def until_said(self, text: str) -> None:
        def over() -> bool:
            assert self.process is not None
            return text in self.said() or self.process.poll() is not None

        eventually(over, lambda: f"{text!r} not in {self.said()}{self.complained()}")
        assert text in self.said(), self.complained()

    def press_ctrl_c(self) -> int:
        """As a terminal does; answers the exit status."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)
        return self.wait()

    def processes(self, words: str = "") -> list[int]:
        """Those that work in our TMPDIR and have these words in their command line."""
        mine = str(self.temporary).encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command = (folder / "cmdline").read_bytes()
                known = mine in command or mine in (folder / "environ").read_bytes()
                if known and command and words.encode() in command.replace(b"\0", b" "):
                    found.append(int(folder.name))
        return found

    def left(self) -> list[str]:
        """What should not be there any more."""
        processes = [Path(f"/proc/{pid}/cmdline").read_text() for pid in self.processes()]
        return [*processes, *map(str, self.temporary.iterdir())]

    def ends_clean(self) -> bool:
        with suppress(FileNotFoundError):
            return not self.left()
        return False


@pytest.fixture
def demo(binaries: Path, tmp_path: Path) -> Iterator[Demo]:
    """Ends what a failing test would leave; a green test leaves nothing to end."""
    demo = Demo(tmp_path)
    yield demo
    for process in demo.processes():
        os.kill(process, signal.SIGKILL)
    if demo.process:
        demo.process.wait()
