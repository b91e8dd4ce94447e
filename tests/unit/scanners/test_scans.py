import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nessus_operator.api.remote import RemoteProgress, RemoteScan, RemoteState
from nessus_operator.clients.errors import Unavailable
from nessus_operator.clients.scanners.nessus import scans

STATES = {
    "empty": RemoteState.EMPTY,
    "pending": RemoteState.PENDING,
    "initializing": RemoteState.RUNNING,
    "publishing": RemoteState.RUNNING,
    "running": RemoteState.RUNNING,
    "processing": RemoteState.RUNNING,
    "pausing": RemoteState.PAUSING,
    "resuming": RemoteState.RESUMING,
    "paused": RemoteState.PAUSED,
    "stopping": RemoteState.STOPPING,
    "canceling": RemoteState.STOPPING,
    "completed": RemoteState.COMPLETED,
    "imported": RemoteState.COMPLETED,
    "canceled": RemoteState.STOPPED,
    "stopped": RemoteState.STOPPED,
    "aborted": RemoteState.ABORTED,
    "quarantined": RemoteState.UNKNOWN,
    "": RemoteState.UNKNOWN,
}


def a_scan(**fields: Any) -> dict[str, Any]:
    return {"id": 12, "name": "weekly", "status": "running", **fields}


@pytest.mark.parametrize(("word", "state"), STATES.items(), ids=STATES)
def test_state(word: str, state: RemoteState) -> None:
    scan = scans.remote_scan(12, a_scan(status=word), None)
    assert (scan.state, scan.word) == (state, word)


def test_an_unknown_word_is_cleaned_and_cut() -> None:
    scan = scans.remote_scan(12, a_scan(status="\x1b[31m" + "w" * 100), None)
    assert scan.state is RemoteState.UNKNOWN
    assert scan.word == "w" * 31 + "…"


def test_a_line_of_the_list_is_told_in_our_words() -> None:
    line = a_scan(uuid="u-1", owner="scanner", folder_id=2, status="completed")
    assert scans.listed({"scans": [line]}, trash=2) == [
        RemoteScan(12, "weekly", RemoteState.COMPLETED, "completed", "u-1", "scanner", True)
    ]


def test_a_list_of_null_is_empty() -> None:
    assert scans.listed({"scans": None}, trash=2) == []


def test_without_a_trash_nothing_is_in_it() -> None:
    assert not scans.listed({"scans": [a_scan(folder_id=None)]}, trash=None)[0].in_trash


def test_our_token_is_found_wherever_it_stands_in_a_long_name() -> None:
    name = "x" * 900 + " [token-1]"
    assert scans.remote_scan(12, a_scan(name=name), None).name.endswith("[token-1]")


UNREADABLE = {
    "a text": "scans",
    "an object": {"1": a_scan()},
    "a line that is no object": [a_scan(), 7],
    "a line without an id": [{"name": "weekly"}],
    "a line with id 0": [a_scan(id=0)],
    "a line with id true": [a_scan(id=True)],
    "a line with a broken number": [a_scan(id=1.5)],
}


@pytest.mark.parametrize("lines", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_line_spoils_the_list_so_that_no_scan_of_ours_is_overlooked(
    lines: object,
) -> None:
    with pytest.raises(Unavailable):
        scans.listed({"scans": lines}, None)


def test_an_answer_without_a_list_is_not_an_empty_one() -> None:
    with pytest.raises(Unavailable):
        scans.listed({}, None)


def host(current: object, total: object = 100) -> dict[str, object]:
    return {"scanprogresscurrent": current, "scanprogresstotal": total}


RUNNING = {
    "no hosts yet": ([], (0, 0, 0)),
    "half of one": ([host(50)], (50, 0, 1)),
    "one of two": ([host(100), host(0)], (50, 1, 2)),
    "hosts of unlike size": ([host(90, 90), host(0, 10)], (90, 1, 2)),
    "never more than all": ([host(500, 100), host(0)], (50, 1, 2)),
    "rounded down: 100 is the end": ([host(9999, 10000)], (99, 0, 1)),
    "nothing said counts as not begun": ([{}], (0, 0, 1)),
    "null counts as not begun": ([host(None, None)], (0, 0, 1)),
    "digits are numbers": ([host("50", "100")], (50, 0, 1)),
    "words are not": ([host("half", "all")], (0, 0, 1)),
    "a host without steps": ([host(0, 0)], (0, 0, 1)),
    "less than nothing": ([host(-5, -10)], (0, 0, 1)),
    "more than can be summed": ([host(1e308, 1e308), host(1e308, 1e308)], (100, 2, 2)),
    "an endless number": ([host(10**400, 10**400)], (0, 0, 1)),
    "no number": ([host(float("nan"), float("inf"))], (0, 0, 1)),
}


@pytest.mark.parametrize(("hosts", "expected"), RUNNING.values(), ids=RUNNING)
def test_progress(hosts: list[scans.Json], expected: tuple[int, int, int]) -> None:
    assert scans.progress(RemoteState.RUNNING, hosts) == RemoteProgress(*expected)


def test_a_completed_scan_without_live_hosts_is_done() -> None:
    assert scans.progress(RemoteState.COMPLETED, []) == RemoteProgress(100, 0, 0)


def test_details_survive_null_hosts() -> None:
    found = scans.details(12, {"info": a_scan(), "hosts": None}, "192.0.2.1", None)
    assert found.progress == RemoteProgress(0, 0, 0)
    assert found.scan.id == 12


def test_an_answer_without_details_is_told() -> None:
    with pytest.raises(Unavailable, match="no details"):
        scans.info({"info": None})


TARGETS = {
    "commas": ("192.0.2.1,192.0.2.2", "192.0.2.1,192.0.2.2"),
    "commas and blanks": ("192.0.2.1, 192.0.2.2 ", "192.0.2.1,192.0.2.2"),
    "lines": ("192.0.2.1\r\n192.0.2.2\n", "192.0.2.1,192.0.2.2"),
    "null": (None, ""),
}


@pytest.mark.parametrize(("text", "expected"), TARGETS.values(), ids=TARGETS)
def test_targets(text: object, expected: str) -> None:
    assert scans.targets(text) == expected


def test_many_targets_are_not_cut() -> None:
    many = ",".join(f"host-{number}.example.org" for number in range(500))
    assert scans.targets(many) == many


def test_folders_are_found_by_their_type() -> None:
    folders = [{"id": 7, "type": "custom"}, {"id": 2, "type": "trash"}, {"id": 5, "type": "main"}]
    assert scans.folder_id(folders, "main") == 5
    assert scans.folder_id(folders, "trash") == 2
    assert scans.folder_id(None, "trash") is None


@pytest.mark.parametrize("uuid", [None, "", 7, "\x00"])
def test_a_launch_without_a_uuid_is_told(uuid: object) -> None:
    with pytest.raises(Unavailable, match="may run all the same"):
        scans.run_uuid({"scan_uuid": uuid})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
FIELDS = ("name", "status", "uuid", "owner", "folder_id", "targets")


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)), JSON)
def test_no_details_however_odd_make_the_mapping_fail(info: scans.Json, hosts: object) -> None:
    given_ = json.loads(json.dumps({"info": info, "hosts": hosts}))
    found = scans.details(1, given_, scans.targets(given_["info"].get("targets")), 2)
    assert 0 <= found.progress.percent <= 100
    assert found.progress.hosts_completed <= found.progress.hosts_total
    assert len(found.scan.word) <= 32
