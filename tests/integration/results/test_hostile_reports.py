"""A report that means harm is refused by name in memory that does not grow with it."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.storing import host, item, output, report

_MB = 1_000_000
_MOST = 150 * _MB  # two parsers that each hold a text of 10 MB; less than the reports have
# Ingest as the operator runs it; then its exit status and what of memory it had at most.
_INGEST = """
import sys
from nessus_operator.cli.results import main
from tests.peak import peak_memory
sys.argv = ["nessus-results", "ingest", "--json", *sys.argv[1:]]
status = 0
try:
    main()
except SystemExit as exit:
    status = exit.code
print(status, peak_memory())
"""

BEGIN = b'<NessusClientData_v2><Report name="r"><ReportHost name="192.0.2.1">'


def repeated(piece: bytes, size: int, before: bytes = BEGIN) -> Iterator[bytes]:
    yield before
    many = piece * (_MB // len(piece))
    for _ in range(size // len(many)):
        yield many


def bomb() -> Iterator[bytes]:
    yield b'<!DOCTYPE x [<!ENTITY a0 "aaaaaaaaaa">'
    for level in range(1, 40):
        yield f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">'.encode()
    yield b"]><NessusClientData_v2>&a39;</NessusClientData_v2>"


def declarations() -> Iterator[bytes]:
    yield b"<!DOCTYPE x ["
    for number in range(2_000_000):
        yield f'<!ENTITY e{number} "{number}">'.encode()


def compressed() -> Iterator[bytes]:
    yield gzip.compress(b" " * 100 * _MB)


REPORTS: dict[str, tuple[Callable[[], Iterator[bytes]], str]] = {
    "entities that grow": (bomb, "DoctypeRefused"),
    "millions of declarations": (declarations, "DoctypeRefused"),
    "elements without end": (lambda: repeated(b"<a>", 60 * _MB), "TooDeep"),
    "a text without end": (lambda: repeated(b"x", 200 * _MB), "TextTooLong"),
    "an output without end": (
        lambda: repeated(b"x", 200 * _MB, BEGIN + b"<ReportItem><plugin_output>"), "TextTooLong",
    ),
    "an attribute without end": (
        lambda: repeated(b"x", 200 * _MB, BEGIN + b'<a b="'), "TextTooLong",
    ),
    "a comment without end": (lambda: repeated(b"x", 200 * _MB, BEGIN + b"<!--"), "TextTooLong"),
    "a tag name without end": (lambda: repeated(b"x", 200 * _MB, BEGIN + b"<"), "TextTooLong"),
    "blanks without end": (lambda: repeated(b" \n", 200 * _MB, b""), "TextTooLong"),
    "attributes without end": (
        lambda: repeated(b' a="1"', 200 * _MB, BEGIN + b"<b"), "TextTooLong",
    ),
    "something else that is large": (lambda: repeated(b"\x7fELF", 100 * _MB, b""), "NotXML"),
    "compressed": (compressed, "Compressed"),
}  # fmt: skip


def ingest(path: Path, folder: Path) -> tuple[int, dict[str, object], int]:
    """Exit status, the answer, and bytes of memory."""
    done = subprocess.run(
        [sys.executable, "-c", _INGEST, str(path), str(folder)],
        capture_output=True, text=True, check=True, timeout=300,
        env={**os.environ, "SQLITE_TMPDIR": str(folder.parent)},
    )  # fmt: skip
    *_, answer, measured = done.stdout.splitlines()
    status, peak = measured.split()
    return int(status), json.loads(answer), int(peak)


@pytest.mark.parametrize(("make", "reason"), REPORTS.values(), ids=REPORTS)
def test_it_is_refused_in_little_memory(
    make: Callable[[], Iterator[bytes]], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "hostile.nessus"
    with path.open("wb") as file:
        file.writelines(make())
    status, answer, peak = ingest(path, tmp_path / "results")
    assert status == 3
    refused = answer["refused"]
    assert isinstance(refused, dict)
    assert refused["reason"] == reason
    assert peak <= _MOST
    assert list((tmp_path / "results").iterdir()) == []


def test_a_sound_report_takes_no_more(tmp_path: Path) -> None:
    """Of 60 MB, with texts of the longest kind that is allowed."""
    items = [item(output(f"{number}{'y' * 9_900_000}"), plugin=number) for number in range(6)]
    path = tmp_path / "large.nessus"
    path.write_bytes(report(host(*items)))
    status, answer, peak = ingest(path, tmp_path / "results")
    assert (status, answer["findings"]) == (0, 6)
    assert peak <= _MOST


def test_outputs_of_short_lines_take_no_more_either(tmp_path: Path) -> None:
    """Of 22 MB, of which each byte is a line: four bytes in the store."""
    items = [item(output("\n" * 900_000), plugin=number) for number in range(25)]
    path = tmp_path / "lines.nessus"
    path.write_bytes(report(host(*items)))
    status, answer, peak = ingest(path, tmp_path / "results")
    assert (status, answer["findings"]) == (0, 25)
    assert peak <= 64 * _MB
