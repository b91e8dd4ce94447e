from collections.abc import Awaitable, Callable

import httpx2
import pytest
from tests.unit.scanners import wire
from tests.unit.scanners.wire import Wire, answer, logged_in

from nessus_operator.api.pool import AuthType
from nessus_operator.api.remote import RemoteProgress, RemoteState
from nessus_operator.clients import errors
from nessus_operator.clients.scanners.nessus.driver import Nessus
from nessus_operator.clients.scanners.protocol import ScanRequest

ADVANCED, BASIC = "ad629e16-03b6", "731a8e52-3ea6"
TEMPLATES = {
    "templates": [{"name": "advanced", "uuid": ADVANCED}, {"name": "basic", "uuid": BASIC}]
}
DOCUMENT = {"settings": {"discovery": {"inputs": [{"id": "portscan_range", "default": "default"}]}}}
FOLDERS = {"folders": [{"id": 9, "type": "main"}, {"id": 8, "type": "trash"}]}
REQUEST = ScanRequest(name="weekly [t-1]", targets=("192.0.2.1",))
LOGIN = {"Host": {"SSH": [{"username": "bob", "password": "hunter2"}]}}

WRITES: dict[str, tuple[str, Callable[[Nessus], Awaitable[object]]]] = {
    "create": ("POST /scans", lambda one: one.create_scan(REQUEST)),
    "launch": ("POST /scans/12/launch", lambda one: one.launch_scan(12)),
    "stop": ("POST /scans/12/stop", lambda one: one.stop_scan(12)),
    "pause": ("POST /scans/12/pause", lambda one: one.pause_scan(12)),
    "resume": ("POST /scans/12/resume", lambda one: one.resume_scan(12)),
    "delete": ("DELETE /scans/12", lambda one: one.delete_scan(12)),
}


def scanner(*templates: Callable[[], httpx2.Response]) -> Wire:
    """Answers whatever is looked up before a scan is created."""
    offers = templates or (lambda: answer(TEMPLATES),)
    return (
        Wire()
        .on("GET /editor/scan/templates", *offers)
        .on(f"GET /editor/scan/templates/{ADVANCED}", lambda: answer(DOCUMENT))
        .on(f"GET /editor/scan/templates/{BASIC}", lambda: answer(DOCUMENT))
        .on("GET /folders", lambda: answer(FOLDERS))
    )


LOST = {
    "no answer in time": lambda: httpx2.ReadTimeout("x"),
    "a broken connection": lambda: httpx2.ReadError("x"),
    "half an answer": lambda: answer([b'{"sc'], broken=httpx2.ReadError("x")),
    "an overloaded scanner": lambda: answer(status=502),
}


@pytest.mark.parametrize("reply", LOST.values(), ids=LOST)
@pytest.mark.parametrize(("asked", "act"), WRITES.values(), ids=WRITES)
async def test_what_changes_the_scanner_is_never_asked_twice_after_a_lost_answer(
    asked: str, act: Callable[[Nessus], Awaitable[object]], reply: object
) -> None:
    on = scanner().on(asked, reply)
    with pytest.raises(errors.Unavailable):
        await act(wire.nessus(on))
    assert len(on.asked(asked)) == 1


NONSENSE = {
    "create": ({"scan": {"id": 0}}, WRITES["create"]),
    "create without a scan": ({"scan": None}, WRITES["create"]),
    "launch": ({"scan_uuid": None}, WRITES["launch"]),
}


@pytest.mark.parametrize(("reply", "write"), NONSENSE.values(), ids=NONSENSE)
async def test_an_answer_without_what_was_made_is_as_good_as_lost(
    reply: object, write: tuple[str, Callable[[Nessus], Awaitable[object]]]
) -> None:
    asked, act = write
    on = scanner().on(asked, lambda: answer(reply))
    with pytest.raises(errors.Unavailable):
        await act(wire.nessus(on))
    assert len(on.asked(asked)) == 1


@pytest.mark.parametrize(("asked", "act"), WRITES.values(), ids=WRITES)
async def test_a_refused_write_is_made_once_more_with_a_new_session(
    asked: str, act: Callable[[Nessus], Awaitable[object]]
) -> None:
    done = {"scan": {"id": 12}, "scan_uuid": "u-1"}
    on = logged_in(scanner(), "session-1", "session-2")
    on.on(asked, lambda: answer(status=401), lambda: answer(done))
    await act(wire.nessus(on, AuthType.SESSION))
    assert [one.headers["x-cookie"] for one in on.asked(asked)] == [
        "token=session-1",
        "token=session-2",
    ]


OPERATIONS = {
    "create": "create_scan",
    "launch": "launch",
    "stop": "stop",
    "pause": "configure",
    "resume": "configure",
    "delete": "delete",
}


@pytest.mark.parametrize("write", WRITES)
async def test_writes_are_observed_by_their_names(write: str) -> None:
    asked, act = WRITES[write]
    on = scanner().on(asked, lambda: answer({"scan": {"id": 12}, "scan_uuid": "u-1"}))
    await act(wire.nessus(on))
    assert on.observed[-1] == (OPERATIONS[write], "ok")


CONFLICTS = {
    "launch": errors.Conflict,
    "stop": None,
    "pause": errors.Conflict,
    "resume": errors.Conflict,
    "delete": errors.Conflict,
}
ABSENCES = {
    "launch": errors.NotFound,
    "stop": None,
    "pause": errors.NotFound,
    "resume": errors.NotFound,
    "delete": None,
}


async def outcome(write: str, status: int) -> type[BaseException] | None:
    asked, act = WRITES[write]
    on = scanner().on(asked, lambda: answer({"error": "x"}, status=status))
    try:
        await act(wire.nessus(on))
    except errors.Fault as fault:
        return type(fault)
    return None


@pytest.mark.parametrize(("write", "kind"), CONFLICTS.items(), ids=CONFLICTS)
async def test_in_the_wrong_state(write: str, kind: type[BaseException] | None) -> None:
    assert await outcome(write, 409) is kind


@pytest.mark.parametrize(("write", "kind"), ABSENCES.items(), ids=ABSENCES)
async def test_gone(write: str, kind: type[BaseException] | None) -> None:
    assert await outcome(write, 404) is kind


@pytest.mark.parametrize("write", WRITES)
async def test_a_licence_that_closes_the_api_is_told(write: str) -> None:
    assert await outcome(write, 412) is errors.NotLicensed


async def test_a_scan_is_created_from_its_template_in_our_own_folder() -> None:
    on = scanner().on("POST /scans", lambda: answer({"scan": {"id": 12}}))
    assert await wire.nessus(on).create_scan(REQUEST) == 12
    body = wire.sent(on.asked("POST /scans")[0])
    assert body["uuid"] == ADVANCED
    assert body["settings"]["folder_id"] == 9
    assert body["settings"]["portscan_range"] == "default"
    template = on.asked(f"GET /editor/scan/templates/{ADVANCED}")[0]
    assert template.headers["x-api-version"] == "2"


async def test_what_was_looked_up_is_remembered() -> None:
    on = scanner().on("POST /scans", lambda: answer({"scan": {"id": 12}}))
    one = wire.nessus(on)
    for _ in range(3):
        await one.create_scan(REQUEST)
    assert len(on.requests) == 3 + 3


async def test_a_template_that_is_new_is_found() -> None:
    old = {"templates": [{"name": "basic", "uuid": BASIC}]}
    on = scanner(lambda: answer(old), lambda: answer(TEMPLATES))
    on.on("POST /scans", lambda: answer({"scan": {"id": 12}}))
    one = wire.nessus(on)
    await one.create_scan(ScanRequest(name="n", targets=("192.0.2.1",), template="basic"))
    await one.create_scan(REQUEST)
    assert wire.sent(on.asked("POST /scans")[1])["uuid"] == ADVANCED


async def test_an_unknown_template_is_rejected_with_the_known_names() -> None:
    on = scanner()
    request = ScanRequest(name="n", targets=("192.0.2.1",), template="advnced")
    with pytest.raises(errors.Rejected, match="no template advnced; it has: advanced, basic"):
        await wire.nessus(on).create_scan(request)
    assert not on.asked("POST /scans")


async def test_a_refused_scan_with_credentials_shows_no_word_of_the_answer() -> None:
    said = {"error": "password hunter2 is too short"}
    on = scanner().on("POST /scans", lambda: answer(said, status=400))
    request = ScanRequest(name="n", targets=("192.0.2.1",), credentials=LOGIN)
    with pytest.raises(errors.Rejected) as fault:
        await wire.nessus(on).create_scan(request)
    assert "hunter2" not in str(fault.value)
    assert "hunter2" not in repr(request)


PROPERTIES = {"uuid": "u-1", "server_version": "10.8.3", "license": {"features": {}}}


def probed(on: Wire, status: object, code: int = 200) -> Wire:
    return (
        on.on("GET /server/status", lambda: answer(status, status=code))
        .on("GET /server/properties", lambda: answer(PROPERTIES))
        .on("GET /session", lambda: answer({"username": "scanner"}))
    )


async def test_a_probe_tells_what_the_scanner_is_and_who_we_are() -> None:
    on = probed(Wire(), {"status": "ready"})
    info = await wire.nessus(on).probe()
    assert info.ready
    assert (info.uuid, info.version, info.account) == ("u-1", "10.8.3", "scanner")
    assert set(on.observed) == {("probe", "ok")}


@pytest.mark.parametrize("code", [200, 503])
async def test_a_scanner_that_loads_its_plugins_is_not_ready_and_not_logged_in_to(
    code: int,
) -> None:
    on = probed(logged_in(Wire()), {"status": "loading", "code": code}, code)
    info = await wire.nessus(on, AuthType.SESSION).probe()
    assert not info.ready
    assert len(on.requests) == 1


async def test_a_proxy_that_says_503_is_a_scanner_out_of_reach() -> None:
    on = probed(Wire(), b"<html>", 503)
    with pytest.raises(errors.Unavailable):
        await wire.nessus(on).probe()


async def test_a_probe_finds_out_that_the_key_is_wrong() -> None:
    on = Wire().on("GET /server/status", lambda: answer({"status": "ready"}))
    on.on("GET /session", lambda: answer(status=401))
    with pytest.raises(errors.Unauthorized):
        await wire.nessus(on).probe()
    assert on.observed == [("probe", "ok"), ("probe", "auth_error")]


async def test_another_version_has_its_templates_looked_up_anew() -> None:
    on = probed(scanner(), {"status": "ready"})
    on.on("POST /scans", lambda: answer({"scan": {"id": 12}}))
    newer = {**PROPERTIES, "server_version": "10.9.0"}
    on.on("GET /server/properties", lambda: answer(PROPERTIES), lambda: answer(newer))
    one = wire.nessus(on)
    for _ in range(3):
        await one.probe()
        await one.create_scan(REQUEST)
    assert len(on.asked("GET /editor/scan/templates")) == 2


async def test_the_list_marks_the_trash_by_the_folders_that_come_with_it() -> None:
    lines = [{"id": 1, "name": "a", "status": "empty", "folder_id": 8}, {"id": 2, "folder_id": 9}]
    on = Wire().on("GET /scans", lambda: answer({**FOLDERS, "scans": lines}))
    assert [scan.in_trash for scan in await wire.nessus(on).list_scans()] == [True, False]
    assert len(on.requests) == 1


async def test_a_list_without_folders_has_them_looked_up() -> None:
    lines = [{"id": 1, "name": "a", "status": "empty", "folder_id": 8}]
    on = scanner().on("GET /scans", lambda: answer({"folders": None, "scans": lines}))
    assert [scan.in_trash for scan in await wire.nessus(on).list_scans()] == [True]


def a_scan(**changes: object) -> Wire:
    info = {"name": "weekly", "status": "running", "targets": "192.0.2.1, 192.0.2.2"}
    steps = [{"scanprogresscurrent": 50, "scanprogresstotal": 100}]
    return scanner().on(
        "GET /scans/12", lambda: answer({"info": {**info, **changes}, "hosts": steps})
    )


async def test_a_scan_in_detail() -> None:
    found = await wire.nessus(a_scan(folder_id=8)).get_scan(12)
    assert found.scan.state is RemoteState.RUNNING
    assert found.scan.in_trash
    assert found.targets == "192.0.2.1,192.0.2.2"
    assert found.progress == RemoteProgress(50, 0, 1)


async def test_the_targets_of_a_scan_that_never_ran_come_from_the_editor() -> None:
    basic = {"basic": {"inputs": [{"id": "text_targets", "default": "192.0.2.7"}]}}
    on = a_scan(status="empty", targets=None)
    on.on("GET /editor/scan/12", lambda: answer({"settings": basic}))
    assert (await wire.nessus(on).get_scan(12)).targets == "192.0.2.7"


async def test_a_scan_that_is_gone_is_not_found() -> None:
    with pytest.raises(errors.NotFound):
        await wire.nessus(scanner()).get_scan(12)


async def test_a_secret_is_in_no_representation() -> None:
    shown = repr(wire.connection()) + repr(wire.nessus(Wire()))
    assert wire.SECRET_KEY not in shown
