"""`nessus-results` on a terminal, in a pipe, and when it is stopped."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.reports import check, host, item, report
from tests.unit.results.cli.program import NOW, run

from nessus_operator.results.clean import clean


@pytest.mark.parametrize("way", ["SIGINT", "SIGTERM", "closed"])
@pytest.mark.parametrize("command", ["page", "export"])
def test_a_program_that_is_stopped_leaves_nothing_behind(
    tmp_path: Path, command: str, way: str
) -> None:
    """It has more to say than a pipe holds, so it waits there, with its report stored."""
    kept = tmp_path / "temporary"
    kept.mkdir()
    long = report(host("192.0.2.1", *(item(1, plugin_output="x" * 9_999) for _ in range(100))))
    (tmp_path / "long.nessus").write_bytes(long)
    options = {"page": ["--page", "0", "--profile", "full"], "export": ["--format", "jsonl"]}
    arguments = [command, "long.nessus", *options[command]]
    with subprocess.Popen(
        [sys.executable, "-m", "nessus_operator.cli.results", *arguments],
        cwd=tmp_path, env={**os.environ, "TMPDIR": str(kept)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stderr
        assert process.stdout.read(1) == b"{"
        assert list(kept.iterdir()) != []
        if way == "closed":
            process.stdout.close()
        else:
            process.send_signal(signal.Signals[way])
        said = process.stderr.read().decode()
        number = signal.SIGPIPE if way == "closed" else signal.Signals[way]
        assert process.wait(60) == 128 + number
    assert list(kept.iterdir()) == []
    assert said.splitlines() == [said.strip()]
    assert "storing long.nessus for the moment" in said


def test_a_terminal_that_speaks_no_utf_8_is_no_fault(home: Path) -> None:
    (home / "word.nessus").write_bytes(report(host("192.0.2.1", item(1, name="Café", severity=4))))
    assert run(home, "ingest", "word.nessus", "word").returncode == 0
    told = run(home, "page", "word", "--table", PYTHONIOENCODING="ascii")
    assert (told.returncode, told.stderr) == (0, "")
    assert "Caf\\xe9" in told.stdout
    for command in (["summary", "word", "--json"], ["page", "word"]):
        told = run(home, *command, PYTHONIOENCODING="ascii")
        assert "Café" in told.stdout


@pytest.mark.parametrize("name", ["now.nessus", "[[b]x\x1b[31m\u202e.nessus"])
def test_ingest_shows_a_bar_on_a_terminal(home: Path, name: str) -> None:
    (home / name).write_bytes(NOW)
    shown = _on_a_terminal(home, "ingest", name, "again", TERM="xterm")
    assert "━" in shown
    assert f"{len(NOW) / 1000:.1f}/{len(NOW) / 1000:.1f} kB" in shown
    assert clean(name)[:5] in shown
    assert not {"\x1b[31m", "\u202e"} & {*shown.split("m"), *shown}
    assert "\x1b[2K" in shown.split("kB")[-1]  # and it is gone in the end
    assert "1 host, 3 findings" in shown


def test_ingest_shows_no_bar_elsewhere(home: Path) -> None:
    assert run(home, "ingest", "now.nessus", "again").stderr == ""


def test_a_reader_that_has_seen_enough_ends_it_quietly(home: Path) -> None:
    command = f"{sys.executable} -m nessus_operator.cli.results page now --page 0 | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=home, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "command", [["page", "bad"], ["page", "bad", "--table"], ["summary", "bad"], ["fields", "bad"],
                ["page", "bad", "--profile", "full", "--table"], ["page", "bad", "--field", "none"],
                ["compare", "before", "bad"], ["compare", "before", "bad", "--json"]],
    ids=lambda command: " ".join(command),
)  # fmt: skip
def test_nothing_hidden_reaches_a_terminal(home: Path, command: list[str]) -> None:
    letters = "x\U000e0068\U000e0069"  # of a name, and nobody sees them
    hidden = "\u202eevil\u2066\u200b\U000e0041\u0085\u009b31m"
    hostile = report(
        host(
            hidden,
            item(
                9,
                ("cve", hidden),
                ("synopsis", hidden),
                (letters, hidden),
                severity=4,
                name=hidden,
                family=hidden,
            ),
            check("FAILED", ("cm:compliance-check-name", hidden)),
        ),
        name=hidden,
    )
    (home / "bad.nessus").write_bytes(hostile)
    assert run(home, "ingest", "bad.nessus", "bad").returncode == 0
    shown = _on_a_terminal(home, *command)
    assert "evil" in shown or command[0] == "fields" or "none" in command
    for line in shown.splitlines():
        assert clean(line) == line


def _on_a_terminal(home: Path, *arguments: str, **more: str) -> str:
    """What a terminal is sent, without the colours that are our own."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200", **more}
    with subprocess.Popen(
        [sys.executable, "-m", "nessus_operator.cli.results", *arguments],
        cwd=home, stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65_536):
                shown += part
        except OSError:  # the terminal is closed when the program has ended
            pass
        process.wait()
    os.close(ours)
    return shown.decode()
