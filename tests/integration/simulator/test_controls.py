"""Controls answer without a login, from this machine alone, and say what is wrong."""

import socket
from typing import Any

import httpx2
import pytest
from tests.integration.simulator.client import Client

from nessus_simulator.routes import control
from nessus_simulator.running import Simulator, start_simulator


def test_the_controls_explain_themselves(simulator: Simulator) -> None:
    text = httpx2.get(f"{simulator.url}/_simulator/", trust_env=False).text
    lines = text.strip().splitlines()
    assert len(lines) == len(control.ROUTES)
    for line, route in zip(lines, control.ROUTES, strict=True):
        method, path, explained = line.split(maxsplit=2)
        assert (method, path) == (route.method, f"/_simulator{route.path}")
        assert len(explained) > 10 or route.path == "/"


WRONG = {
    "an unknown licence": ("PUT", "/license", {"license": "free"}, "license"),
    "a clock that goes back": ("POST", "/clock", {"advance": -1}, "advance"),
    "a clock that is told nothing": ("POST", "/clock", {}, "advance"),
    "an unknown login": ("PUT", "/host-login", {"host_login": "maybe"}, "host_login"),
    "a fault without an action": ("POST", "/faults", {"path": "/"}, "action"),
    "a fault with a field too many": (
        "POST",
        "/faults",
        {"path": "/", "action": "cut", "times": 2},
        "times",
    ),
    "a bad pattern": ("GET", "/calls?path=(", None, "regular expression"),
    "a wait that is no number": ("GET", "/faults/1?wait=x", None, "wait"),
    "a scan that is not there": ("POST", "/scans/99/lose", None, "not found"),
}


@pytest.mark.parametrize(("method", "path", "json", "told"), WRONG.values(), ids=WRONG)
def test_wrong_orders_are_refused(
    method: str, path: str, json: Any, told: str, simulator: Simulator
) -> None:
    if path.startswith("/faults/1"):
        path = path.replace("/1", f"/{simulator.fault('cut', '/nothing')}")
    with pytest.raises(RuntimeError, match=told):
        simulator.control(method, path, json)


def test_calls_are_found_by_method_and_path(api: Client, simulator: Simulator) -> None:
    scan = api.create()
    api.get("/scans", folder_id=3)
    api.launch(scan)
    assert [call["path"] for call in simulator.calls("POST")] == ["/scans", f"/scans/{scan}/launch"]
    (call,) = simulator.calls("GET", "^/scans$")
    assert (call["query"], call["status"], call["outcome"]) == ({"folder_id": "3"}, 200, "answered")
    numbers = [call["sequence"] for call in simulator.calls()]
    assert numbers == sorted(numbers)
    simulator.clear_calls()
    assert simulator.calls() == []


def test_the_state_tells_of_scans_and_runs(api: Client, simulator: Simulator) -> None:
    scan = api.completed()
    state = simulator.state()
    (found,) = state["scans"]
    assert (found["id"], found["status"], found["template"]) == (scan, "completed", "advanced")
    (run,) = found["runs"]
    assert (run["status"], run["hosts"]) == ("completed", 2)
    assert state["clock"]["speed"] == 1
    assert state["accounts"] == ["api-1", "scanner"]


def test_controls_are_refused_to_other_machines() -> None:
    address = own_address()
    with start_simulator("--host", address) as simulator, httpx2.Client(trust_env=False) as http:
        assert http.get(f"{simulator.url}/server/status").status_code == 200
        refused = http.get(f"{simulator.url}/_simulator/state")
        assert (refused.status_code, "this machine" in refused.json()["error"]) == (403, True)


def own_address() -> str:
    """An address of this machine that is no loopback, so that it counts as another machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        address: str = probe.getsockname()[0]
    assert not address.startswith("127.")
    return address
