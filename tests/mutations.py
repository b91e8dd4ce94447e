"""Mutated reports, and what becomes of them."""

import os
import random
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from tests.generator.text import source as chance
from tests.storing import ingested

from nessus_operator.results.limits import Limits
from nessus_operator.results.policy import PolicyFilter
from nessus_operator.results.refusals import Refused

SECONDS = float(os.environ.get("FUZZ_SECONDS", "5"))
LEAST = 40  # reports, however slow the machine
LIMITS = Limits(file_bytes=3_000_000, items=5_000)

_PIECES = (
    b"<", b">", b"</", b"/>", b"&", b"&lt;", b"&#0;", b"&#x110000;", b"&x;", b'"', b"'", b"\0",
    b"\xff", b"\xef\xbb\xbf", b"\r", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?xml ?>", b"<?",
    b"<!DOCTYPE x>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"<ReportItem>", b"</ReportItem>",
    b"<ReportItem/>", b"<ReportHost name='x'>", b"</ReportHost>", b"<HostProperties>", b"<Report>",
    b"</Report>", b"<Policy>", b"</Policy>", b"<plugin_output>", b"</plugin_output>", b"<a>" * 300,
    b"x" * 70_000, b" xmlns='urn:x'", b"<cm:x>", b"<item>",
    b"<attachment><text a=''/></attachment>", b" severity='9'", b" port='\xd9\xa3'",
    b"HOST_END_TIMESTAMP", b"99999999999999",
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


def fuzz(seed: str, reports: Sequence[bytes], folder: Path) -> set[type[Refused] | None]:
    """Mutate, filter and ingest reports until the time is over; the outcomes, None is success."""
    ends = monotonic() + SECONDS
    outcomes: set[type[Refused] | None] = set()
    number = 0
    while number < LEAST or monotonic() < ends:
        source = chance(f"fuzz {seed} {number}")
        xml = mutated(source.choice(reports), source)
        chunk = source.choice((1_000, 65_536))
        for salvage in (False, True):
            outcomes.add(_stored(xml, folder, chunk, salvage=salvage))
        outcomes.add(_filtered(xml, chunk))
        number += 1
    return outcomes


def _stored(xml: bytes, folder: Path, chunk: int, *, salvage: bool) -> type[Refused] | None:
    try:
        ingested(folder, xml, chunk=chunk, limits=LIMITS, salvage=salvage)
    except Refused as refused:
        place = refused.position
        if place is None or not 0 <= place.offset <= len(xml):
            raise AssertionError(f"{refused!r} is nowhere in the report") from refused
        return type(refused)
    return None


def _filtered(xml: bytes, chunk: int) -> type[Refused] | None:
    filter_ = PolicyFilter()
    try:
        for start in range(0, len(xml), chunk):
            filter_.feed(xml[start : start + chunk])
        filter_.close()
    except Refused as refused:
        return type(refused)
    return None
