"""The log of calls keeps no secret."""

import json
import re

import pytest

from nessus_simulator.calls import Calls, redacted_body

SSH = {"auth_method": "password", "username": "scan", "password": "geheim"}

SHOWN = {
    "ordinary settings": ({"settings": {"name": "a"}}, {"settings": {"name": "a"}}),
    "a login": (
        {"username": "alice", "password": "geheim"},
        {"username": "alice", "password": "********"},
    ),
    "credentials": (
        {"credentials": {"add": {"Host": {"SSH": [SSH]}}}},
        {"credentials": {"add": {"Host": {"SSH": [SSH | {"password": "********"}]}}}},
    ),
    "a secret under a name that nobody thought of": (
        {"credentials": {"add": {"Host": {"SSH": [{"hush": "geheim", "pin": 1234}]}}}},
        {"credentials": {"add": {"Host": {"SSH": [{"hush": "********", "pin": "********"}]}}}},
    ),
    "what is deleted": (
        {"credentials": {"delete": [1, "2"]}},
        {"credentials": {"delete": [1, "2"]}},
    ),
    "empty text is no secret": (
        {"credentials": {"add": {"Host": {"SSH": [{"password": "", "x": None}]}}}},
        {"credentials": {"add": {"Host": {"SSH": [{"password": "", "x": None}]}}}},
    ),
    "settings that sound secret": (
        {"settings": {"http_login_password": "geheim", "api_token": 5, "keyed": None}},
        {"settings": {"http_login_password": "********", "api_token": "********", "keyed": None}},
    ),
    "a list": ([{"secret": "geheim"}], [{"secret": "********"}]),
}


@pytest.mark.parametrize(("body", "shown"), SHOWN.values(), ids=SHOWN)
def test_how_a_body_is_shown(body: object, shown: object) -> None:
    assert redacted_body(json.dumps(body).encode()) == shown


SIZED = {
    "a key file": b"-----BEGIN PRIVATE KEY-----geheim",
    "bare text": b'"geheim"',
    "text in another encoding": b"\xff\xfe",
    "a very large body": json.dumps({"name": "geheim" * 100_000}).encode(),
}


@pytest.mark.parametrize("body", SIZED.values(), ids=SIZED)
def test_of_other_bodies_only_the_size_is_kept(body: bytes) -> None:
    assert redacted_body(body) == {"bytes": len(body)}


def test_no_body_is_shown_as_none() -> None:
    assert redacted_body(b"") is None


def test_tokens_in_paths_and_queries_are_masked() -> None:
    call = Calls().begin(0.0, "GET", "/tokens/geheim/status", {"key": "geheim", "id": "3"}, b"")
    assert call.path == "/tokens/********/status"
    assert call.query == {"key": "********", "id": "3"}


def test_calls_are_numbered_on_when_the_log_is_cleared() -> None:
    calls = Calls()
    calls.begin(0.0, "GET", "/scans", {}, b"")
    assert calls.clear() == 1
    calls.begin(1.0, "GET", "/scans", {}, b"")
    assert [call.sequence for call in calls.matching(None, re.compile(""))] == [2]


def test_calls_are_found_by_method_and_path() -> None:
    calls = Calls()
    for method, path in (("GET", "/scans"), ("POST", "/scans"), ("POST", "/scans/5/launch")):
        calls.begin(0.0, method, path, {}, b"")
    found = calls.matching("POST", re.compile("^/scans$"))
    assert [(call.method, call.path) for call in found] == [("POST", "/scans")]
