from contextlib import aclosing

import httpx2
import pytest
from tests.unit.scanners import wire
from tests.unit.scanners.wire import Wire, answer

from nessus_operator.clients.errors import Conflict, Fault, NotFound, Rejected, Unavailable
from nessus_operator.clients.scanners.nessus import export
from nessus_operator.clients.scanners.nessus.export import Limits

ASK, TELL, SEND = (
    "POST /scans/12/export",
    "GET /scans/12/export/7/status",
    "GET /scans/12/export/7/download",
)
REPORT = b"<NessusClientData_v2><Report/></NessusClientData_v2>\n"
PATIENT = Limits(first_wait=0.0, longest_wait=0.0, ready_within=1.0)


def sized(content: bytes) -> dict[str, str]:
    return {"Content-Length": str(len(content))}


def exporting(content: bytes = REPORT) -> Wire:
    on = Wire().on(ASK, lambda: answer({"file": 7, "token": "t"}))
    return on.on(SEND, lambda: answer(content, headers=sized(content)))


def ready(on: Wire, loading: int = 0) -> Wire:
    words = ["loading"] * loading + ["ready"]
    return on.on(TELL, *(lambda word=word: answer({"status": word}) for word in words))


async def fetched(on: Wire, limits: Limits = PATIENT, history_id: int | None = None) -> bytes:
    one = wire.nessus(on, limits=limits)
    return b"".join([chunk async for chunk in one.export_report(12, history_id)])


async def refused(on: Wire, limits: Limits = PATIENT) -> Fault:
    with pytest.raises(Fault) as fault:
        await fetched(on, limits)
    return fault.value


async def test_a_report_is_asked_for_waited_for_and_fetched() -> None:
    on = ready(exporting(), loading=3)
    assert await fetched(on) == REPORT
    assert wire.sent(on.asked(ASK)[0]) == {"format": "nessus"}
    assert on.observed == [
        ("export_request", "ok"),
        *[("export_status", "ok")] * 4,
        ("export_download", "ok"),
    ]


async def test_an_earlier_run_is_named() -> None:
    on = ready(exporting())
    await fetched(on, history_id=3)
    assert on.asked(ASK)[0].url.params["history_id"] == "3"


async def test_a_large_report_comes_in_chunks_of_at_most_a_mebibyte() -> None:
    content = bytes(5 * export.CHUNK + 17)
    on = ready(exporting(content))
    sizes = [len(chunk) async for chunk in wire.nessus(on, limits=PATIENT).export_report(12)]
    assert max(sizes) <= 1 << 20
    assert sum(sizes) == len(content)


def chunked(*, whole: bool) -> Wire:
    broken = None if whole else httpx2.RemoteProtocolError("incomplete chunked read")
    given = {"Transfer-Encoding": "chunked"}
    return ready(Wire().on(ASK, lambda: answer({"file": 7}))).on(
        SEND, lambda: answer(REPORT[:20], headers=given, broken=broken)
    )


def unframed(content: bytes) -> Wire:
    return ready(Wire().on(ASK, lambda: answer({"file": 7}))).on(SEND, lambda: answer([content]))


def of_length(length: str) -> Wire:
    return ready(Wire().on(ASK, lambda: answer({"file": 7}))).on(
        SEND, lambda: answer(REPORT, headers={"Content-Length": length})
    )


PACKED = {"Content-Encoding": "gzip", "Content-Length": "8"}
CUT = {
    "shorter than announced": of_length("999"),
    "longer than announced": of_length("10"),
    "a chunk missing": chunked(whole=False),
    "nothing in chunks": ready(Wire().on(ASK, lambda: answer({"file": 7}))).on(
        SEND, lambda: answer([], headers={"Transfer-Encoding": "chunked"})
    ),
    "no announced length and no end in the report": unframed(REPORT[:-20]),
    "packed, though asked not to be": ready(Wire().on(ASK, lambda: answer({"file": 7}))).on(
        SEND, lambda: answer(b"\x1f\x8b345678", headers=PACKED)
    ),
}


@pytest.mark.parametrize("on", CUT.values(), ids=CUT)
async def test_a_cut_report_is_no_report(on: Wire) -> None:
    assert type(await refused(on)) is Unavailable


WHOLE = {
    "in chunks": (chunked(whole=True), REPORT[:20]),
    "without an announced length": (unframed(REPORT), REPORT),
    "an old report": (unframed(b"<NessusClientData></NessusClientData>"), None),
    "a report that breaks off but was sent whole": (ready(exporting(REPORT[:9])), REPORT[:9]),
}


@pytest.mark.parametrize(("on", "content"), WHOLE.values(), ids=WHOLE)
async def test_a_whole_report_is_one(on: Wire, content: bytes | None) -> None:
    assert await fetched(on) == (content or b"<NessusClientData></NessusClientData>")


async def test_an_end_that_falls_between_two_chunks_is_found() -> None:
    content = b" " * (export.CHUNK - 5) + b"</NessusClientData_v2>\n"
    assert await fetched(unframed(content)) == content


async def test_a_report_that_is_never_ready_is_given_up() -> None:
    on = exporting().on(TELL, lambda: answer({"status": "loading"}))
    fault = await refused(on, Limits(first_wait=0.001, longest_wait=0.01, ready_within=0.02))
    assert type(fault) is Unavailable
    assert "was not ready within" in str(fault)
    assert len(on.asked(TELL)) < 20


def test_the_waits_grow_to_a_bound_and_end() -> None:
    waits = list(Limits(first_wait=1.0, longest_wait=4.0, ready_within=20.0).waits())
    assert waits == [1.0, 1.5, 2.25, 3.375, 4.0, 4.0, 4.0]


ASKINGS = {
    "the scan is gone": (lambda: answer(status=404), NotFound),
    "the scan never ran": (lambda: answer({"error": "no results"}, status=409), Conflict),
    "no file is named": (lambda: answer({"token": "t"}), Unavailable),
    "the file leads elsewhere": (lambda: answer({"file": "../../session"}), Unavailable),
}


@pytest.mark.parametrize(("reply", "kind"), ASKINGS.values(), ids=ASKINGS)
async def test_asking(reply: object, kind: type[Fault]) -> None:
    assert type(await refused(Wire().on(ASK, reply))) is kind


WORDS = {
    "error": {"status": "error"},
    "nothing": {},
    "hostile": {"status": "\x1b[31mowned"},
}


@pytest.mark.parametrize("reply", WORDS.values(), ids=WORDS)
async def test_a_report_that_nessus_could_not_write_is_told(reply: object) -> None:
    fault = await refused(exporting().on(TELL, lambda: answer(reply)))
    assert "could not write the report" in str(fault)
    assert "\x1b" not in str(fault)


@pytest.mark.parametrize("lost", [TELL, SEND])
async def test_a_report_that_nessus_lost_is_not_a_scan_that_is_gone(lost: str) -> None:
    on = Wire().on(ASK, lambda: answer({"file": 7}))
    if lost == SEND:
        ready(on)
    assert type(await refused(on)) is Unavailable


async def test_a_report_larger_than_the_limit_is_not_fetched_to_its_end() -> None:
    on = ready(exporting(bytes(4 << 20)))
    fault = await refused(on, Limits(first_wait=0.0, ready_within=1.0, report_bytes=2 << 20))
    assert type(fault) is Rejected
    assert on.observed[-1] == ("export_download", "server_error")


async def test_a_report_that_comes_too_slowly_is_given_up() -> None:
    on = ready(exporting(bytes(4 << 20)))
    fault = await refused(on, Limits(first_wait=0.0, ready_within=1.0, fetched_within=-1.0))
    assert type(fault) is Unavailable
    assert "too slowly" in str(fault)


async def test_a_reader_may_leave_early() -> None:
    on = ready(exporting(bytes(4 << 20)))
    one = wire.nessus(on, limits=PATIENT)
    async with aclosing(one.export_report(12)) as chunks:
        async for _ in chunks:
            break
    assert ("export_download", "ok") not in on.observed
    await one.close()
