"""Faults: what a request did and what its client sees of it are two things."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from tests.integration.simulator.client import Client, body

from nessus_simulator.running import Simulator, start_simulator

CREATE = "^/scans$"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def create(api: Client) -> httpx2.Response:
    return api.ask("POST", "/scans", body())


def scans(simulator: Simulator) -> int:
    return len(simulator.state()["scans"])


def last_call(simulator: Simulator) -> tuple[Any, ...]:
    call = simulator.calls("POST")[-1]
    return call["outcome"], call["acted"], call["status"]


# stage, dropped: whether the scan exists while held, whether it does afterwards, the call
HOLDS = {
    "before, and it goes on": ("before", False, 0, 1, ("answered", True, 200)),
    "after, and it goes on": ("after", False, 1, 1, ("answered", True, 200)),
    "before, and it is dropped": ("before", True, 0, 0, ("dropped", False, None)),
    "after, and its answer is dropped": ("after", True, 1, 1, ("cut", True, 200)),
}


@pytest.mark.parametrize(
    ("stage", "drop", "meanwhile", "finally_", "call"), HOLDS.values(), ids=HOLDS
)
def test_a_request_is_held(
    stage: str,
    drop: bool,
    meanwhile: int,
    finally_: int,
    call: tuple[Any, ...],
    api: Client,
    simulator: Simulator,
    pool: ThreadPoolExecutor,
) -> None:
    fault = simulator.hold(CREATE, "POST", stage)
    request: Future[httpx2.Response] = pool.submit(create, api)
    simulator.wait_held(fault)
    assert scans(simulator) == meanwhile
    assert simulator.calls("POST")[-1]["outcome"] == "open"
    assert not request.done()

    simulator.release(fault, drop=drop)
    if drop:
        with pytest.raises(httpx2.RemoteProtocolError):
            request.result(10)
    else:
        assert request.result(10).status_code == 200
    assert scans(simulator) == finally_
    assert last_call(simulator) == call


# stage, dropped: whether the scan exists once its client has gone and the request is released
GONE = {
    "a request that was read takes effect all the same": ("before", False, 1, "unread"),
    "unless it is dropped": ("before", True, 0, "dropped"),
    "an answer nobody waits for was given": ("after", False, 1, "unread"),
}


@pytest.mark.parametrize(("stage", "drop", "after", "outcome"), GONE.values(), ids=GONE)
def test_the_client_of_a_held_request_goes_away(
    stage: str, drop: bool, after: int, outcome: str, api: Client, simulator: Simulator
) -> None:
    fault = simulator.hold(CREATE, "POST", stage)
    with pytest.raises(httpx2.ReadTimeout):
        api.ask("POST", "/scans", body(), timeout=0.3)
    api.http.close()
    simulator.wait_held(fault)
    simulator.release(fault, drop=drop)
    assert scans(simulator) == after
    assert simulator.calls("POST")[-1]["outcome"] == outcome


def test_several_requests_are_held_and_released_together(
    api: Client, simulator: Simulator, pool: ThreadPoolExecutor
) -> None:
    fault = simulator.fault("hold", CREATE, method="POST", count=3)
    requests = [pool.submit(create, api) for _ in range(3)]
    view = simulator.control("GET", f"/faults/{fault}", query={"wait": 20, "requests": 3})
    assert (view["held"], view["open"], view["hits"]) == (3, 3, 3)
    assert scans(simulator) == 0
    simulator.release(fault)
    assert scans(simulator) == 3
    assert [request.result(10).status_code for request in requests] == [200] * 3


@pytest.mark.parametrize("stage", ["before", "after"])
def test_a_connection_is_cut(stage: str, api: Client, simulator: Simulator) -> None:
    fault = simulator.fault("cut", CREATE, method="POST", stage=stage)
    with pytest.raises(httpx2.RemoteProtocolError):
        create(api)
    simulator.wait_struck(fault)
    assert scans(simulator) == (stage == "after")
    call = simulator.calls("POST")[-1]
    assert (call["outcome"], call["acted"], call["fault"]) == ("cut", stage == "after", fault)
    assert create(api).status_code == 200


def test_an_answer_is_cut_in_the_middle(api: Client, simulator: Simulator) -> None:
    simulator.fault("truncate", CREATE, method="POST")
    with pytest.raises(httpx2.RemoteProtocolError, match="without sending complete"):
        create(api)
    assert scans(simulator) == 1


def test_a_download_is_cut_in_the_middle(api: Client, simulator: Simulator) -> None:
    scan = api.completed()
    whole = api.export(scan)
    file = api.do("POST", f"/scans/{scan}/export", {"format": "nessus"})["file"]
    simulator.advance(10)
    simulator.fault("truncate", "/download$")
    with api.http.stream("GET", f"/scans/{scan}/export/{file}/download") as answer:
        received = b"".join(until_cut(answer))
    assert received == whole[: len(whole) // 2]


def until_cut(answer: httpx2.Response) -> Iterator[bytes]:
    with pytest.raises(httpx2.RemoteProtocolError):
        yield from answer.iter_bytes()


@pytest.mark.parametrize("stage", ["before", "after"])
def test_another_status_is_answered(stage: str, api: Client, simulator: Simulator) -> None:
    simulator.fault("status", CREATE, method="POST", stage=stage, status=503)
    answer = create(api)
    assert (answer.status_code, answer.json()) == (503, {"error": "Simulated"})
    assert scans(simulator) == (stage == "after")


def test_another_answer_can_be_written_in_full(api: Client, simulator: Simulator) -> None:
    headers = {"Location": "https://elsewhere.example.org/", "Content-Type": "text/html"}
    simulator.fault("status", CREATE, status=302, headers=headers, body="<p>over there</p>")
    answer = api.ask("GET", "/scans")
    assert answer.status_code == 302
    assert answer.headers["Location"] == headers["Location"]
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.text == "<p>over there</p>"


def test_a_limit_asks_to_wait(api: Client, simulator: Simulator) -> None:
    simulator.fault("status", CREATE, status=429, headers={"Retry-After": "7"}, count=2)
    seen = [api.ask("GET", "/scans") for _ in range(3)]
    assert [answer.status_code for answer in seen] == [429, 429, 200]
    assert seen[0].headers["Retry-After"] == "7"


def test_a_wrong_uuid_is_answered_for_a_right_launch(api: Client, simulator: Simulator) -> None:
    scan = api.create()
    simulator.fault("wrong-uuid", "/launch$")
    told = api.launch(scan)
    truth = api.get(f"/scans/{scan}")["info"]["uuid"]
    assert told != truth
    assert len(told) == len(truth)


def test_an_answer_is_delayed(api: Client, simulator: Simulator) -> None:
    simulator.fault("delay", CREATE, seconds=0.4)
    started = time.monotonic()
    assert api.ask("GET", "/scans").status_code == 200
    assert time.monotonic() - started >= 0.4


def test_faults_are_listed_and_cleared(api: Client, simulator: Simulator) -> None:
    first = simulator.fault("cut", "/nothing")
    second = simulator.fault("status", CREATE, status=500)
    api.ask("GET", "/scans")
    found = simulator.control("GET", "/faults")["faults"]
    assert [(each["id"], each["hits"]) for each in found] == [(first, 0), (second, 1)]
    assert found[1]["status"] == 500
    simulator.release_all()
    assert simulator.control("GET", "/faults") == {"faults": []}
    with pytest.raises(RuntimeError, match=f"There is no fault {first}"):
        simulator.release(first)


def test_waiting_for_a_fault_that_holds_nothing_ends(simulator: Simulator) -> None:
    fault = simulator.hold(CREATE)
    with pytest.raises(TimeoutError, match="held nothing"):
        simulator.wait_held(fault, seconds=0.1)
    with pytest.raises(TimeoutError, match="struck too little"):
        simulator.wait_struck(fault, seconds=0.1)


def test_controls_are_neither_struck_nor_logged(simulator: Simulator) -> None:
    simulator.fault("status", ".*", status=500, count=None)
    assert simulator.state()
    assert simulator.calls() == []


def test_a_simulator_that_holds_requests_ends_at_once(pool: ThreadPoolExecutor) -> None:
    with start_simulator() as simulator:
        fault = simulator.hold("/server/status")
        request = pool.submit(httpx2.get, f"{simulator.url}/server/status", trust_env=False)
        simulator.wait_held(fault)
        started = time.monotonic()
        assert simulator.stop() == 0
        assert time.monotonic() - started < 5
        with pytest.raises(httpx2.RemoteProtocolError):
            request.result(10)
