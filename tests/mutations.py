"""Mutated reports, and what becomes of them, in a process with the limits of ingest.

As many as REPORTS for one seed, so that a seed always does the same; or, where FUZZ_SECONDS is
set, as many as fit into that time.
"""

import json
import os
import random
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from time import monotonic

from tests.generator.text import source as chance
from tests.peak import peak_memory
from tests.storing import ingested

from nessus_operator.results.limits import DEFAULT_PROCESS_LIMITS, Limits, limit_this_process
from nessus_operator.results.policy import PolicyFilter
from nessus_operator.results.refusals import Refused

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
REPORTS = 300
LIMITS = Limits(file_bytes=3_000_000, items=5_000)
PEAK = 64_000_000  # bytes of memory

_PIECES = (
    b"<", b">", b"</", b"/>", b"&", b"&lt;", b"&#0;", b"&#x110000;", b"&x;", b'"', b"'", b"\0",
    b"\xff", b"\xef\xbb\xbf", b"\r", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?xml ?>", b"<?",
    b"<!DOCTYPE x>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"<ReportItem>", b"</ReportItem>",
    b"<ReportItem/>", b"<ReportHost name='x'>", b"</ReportHost>", b"<HostProperties>", b"<Report>",
    b"</Report>", b"<Policy>", b"</Policy>", b"<plugin_output>", b"</plugin_output>", b"<a>" * 300,
    b"x" * 70_000, b" xmlns='urn:x'", b"<cm:x>", b"<item>",
    b"<attachment><text a=''/></attachment>", b" severity='9'", b" port='\xd9\xa3'",
    b"HOST_END_TIMESTAMP", b"99999999999999", b"\xff\xfe", b"iso-",
    b"<?xml version='1.0' encoding='utf-16'?>", b"<?xml version='1.0' encoding='",
)  # fmt: skip


def mutated(xml: bytes, source: random.Random) -> bytes:
    """Some pieces cut out, doubled, moved, put in or changed."""
    found = bytearray(xml)
    for _ in range(source.choice((1, 1, 2, 4, 16))):
        start = source.randrange(len(found) + 1)
        end = min(len(found), start + int(source.expovariate(1 / 60)))
        match source.randrange(6):
            case 0:
                del found[start:end]
            case 1:
                found[start:start] = found[start:end] * source.choice((1, 2, 50))
            case 2:
                piece = bytes(found[start:end])
                del found[start:end]
                at = source.randrange(len(found) + 1)
                found[at:at] = piece
            case 3:
                found[start:end] = source.choice(_PIECES)
            case 4:
                found[start:start] = source.choice(_PIECES)
            case _ if start < len(found):
                found[start] = source.randrange(256)
            case _:
                del found[start // 2 :]
    return bytes(found)


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """outcomes: names of refusals, or "stored". peak: bytes of memory."""

    reports: int
    outcomes: set[str]
    peak: int


def fuzz(seed: str, reports: Sequence[Path], folder: Path) -> Fuzzed:
    """Mutate, filter and ingest reports; raises AssertionError with what went wrong."""
    command = [sys.executable, "-m", "tests.mutations", seed, str(folder), *map(str, reports)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return Fuzzed(found["reports"], set(found["outcomes"]), found["peak"])


def main(seed: str, folder: Path, reports: Sequence[Path]) -> None:
    """One run, as JSON on stdout; a report that raises what is no refusal is left in `folder`."""
    limit_this_process(replace(DEFAULT_PROCESS_LIMITS, cpu_seconds=round(SECONDS) + 600))
    outcomes: set[str] = set()
    done = 0
    for number in _numbers():
        source = chance(f"fuzz {seed} {number}")
        xml = mutated(source.choice(reports).read_bytes(), source)
        try:
            outcomes |= set(_outcomes(xml, folder, source.choice((1_000, 65_536))))
        except Exception:
            (folder / "failed.nessus").write_bytes(xml)
            traceback.print_exc()
            sys.exit(f"Report {number} of seed {seed!r}; it is {folder / 'failed.nessus'}")
        done += 1
    found = {"reports": done, "outcomes": sorted(outcomes), "peak": peak_memory()}
    print(json.dumps(found))


def _numbers() -> Iterator[int]:
    if not SECONDS:
        yield from range(REPORTS)
        return
    ends = monotonic() + SECONDS
    for number in count():
        if monotonic() > ends:
            return
        yield number


def _outcomes(xml: bytes, folder: Path, chunk: int) -> Iterator[str]:
    for salvage in (False, True):
        yield _stored(xml, folder, chunk, salvage=salvage)
    yield _filtered(xml, chunk)


def _stored(xml: bytes, folder: Path, chunk: int, *, salvage: bool) -> str:
    try:
        ingested(folder, xml, chunk=chunk, limits=LIMITS, salvage=salvage)
    except Refused as refused:
        place = refused.position
        if place is None or not 0 <= place.offset <= len(xml):
            raise AssertionError(f"{refused!r} is nowhere in the report") from refused
        return refused.reason
    return "stored"


def _filtered(xml: bytes, chunk: int) -> str:
    filter_ = PolicyFilter()
    try:
        for start in range(0, len(xml), chunk):
            filter_.feed(xml[start : start + chunk])
        filter_.close()
    except Refused as refused:
        return refused.reason
    return "stored"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]])
