"""One simulator per file of tests, put back in order before each test."""

from collections.abc import Iterator

import pytest
from tests.integration.simulator.client import API_KEYS, Client, http_client, log_in

from nessus_simulator.running import Simulator, start_simulator


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with start_simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    """Without scans, faults and calls, and with the licence of a manager."""
    running.release_all()
    running.set_license("manager")
    running.control("PUT", "/host-login", {"host_login": "success"})
    for scan in running.state()["scans"]:
        running.lose_scan(scan["id"])
    running.clear_calls()
    yield running
    running.release_all()


@pytest.fixture
def api(simulator: Simulator) -> Iterator[Client]:
    """A client with API keys."""
    with http_client(simulator, API_KEYS) as http:
        yield Client(http, simulator)


@pytest.fixture
def session(simulator: Simulator) -> Iterator[Client]:
    """A client with a session, without X-API-Token."""
    with http_client(simulator, {"X-Cookie": f"token={log_in(simulator)}"}) as http:
        yield Client(http, simulator)


@pytest.fixture
def anonymous(simulator: Simulator) -> Iterator[Client]:
    with http_client(simulator, {}) as http:
        yield Client(http, simulator)
