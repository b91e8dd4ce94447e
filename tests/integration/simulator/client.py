"""A thin HTTP client for the simulator's API, as a careful user would write it."""

from dataclasses import dataclass
from typing import Any

import httpx2

from nessus_simulator.running import ACCESS_KEY, PASSWORD, SECRET_KEY, USER, Simulator

ADVANCED = "ad629e16-03b6-8c1d-cef6-ef8c9dd3c658d24bd260ef5f9e66"
API_KEYS = {"X-ApiKeys": f"accessKey={ACCESS_KEY}; secretKey={SECRET_KEY}"}
SSH = {"auth_method": "password", "username": "scan-user", "password": "geheim"}


def body(**changes: Any) -> dict[str, Any]:
    """What creates or edits a scan; `changes` are settings but for `credentials`."""
    credentials = changes.pop("credentials", None)
    settings = {"name": "a", "text_targets": "192.0.2.1,192.0.2.2", "syn_scanner": "yes"}
    found = {"uuid": ADVANCED, "settings": settings | changes}
    return found if credentials is None else found | {"credentials": credentials}


def with_ssh(**changes: Any) -> dict[str, Any]:
    return {"add": {"Host": {"SSH": [SSH | changes]}}}


@dataclass(frozen=True)
class Client:
    http: httpx2.Client
    simulator: Simulator

    def ask(self, method: str, path: str, json: Any = None, **options: Any) -> httpx2.Response:
        return self.http.request(method, path, json=json, **options)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON answer of a request that must succeed."""
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def do(self, method: str, path: str, json: Any = None) -> Any:
        answer = self.ask(method, path, json)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None

    def create(self, **changes: Any) -> int:
        number: int = self.do("POST", "/scans", body(**changes))["scan"]["id"]
        return number

    def launch(self, scan: int, json: Any = None) -> str:
        uuid: str = self.do("POST", f"/scans/{scan}/launch", json or {})["scan_uuid"]
        return uuid

    def completed(self, **changes: Any) -> int:
        """A scan that has run."""
        scan = self.create(**changes)
        self.launch(scan)
        self.simulator.advance(1000)
        return scan

    def status(self, scan: int) -> str:
        status: str = self.get(f"/scans/{scan}")["info"]["status"]
        return status

    def export(self, scan: int, query: str = "") -> bytes:
        """The report, once it is ready."""
        file = self.do("POST", f"/scans/{scan}/export{query}", {"format": "nessus"})["file"]
        self.simulator.advance(10)
        assert self.get(f"/scans/{scan}/export/{file}/status") == {"status": "ready"}
        answer = self.http.get(f"/scans/{scan}/export/{file}/download")
        assert answer.status_code == 200, answer.text
        return answer.content


def log_in(simulator: Simulator) -> str:
    """A session's token."""
    login = {"username": USER, "password": PASSWORD}
    answer = httpx2.post(f"{simulator.url}/session", json=login, trust_env=False)
    token: str = answer.json()["token"]
    return token


def http_client(simulator: Simulator, headers: dict[str, str]) -> httpx2.Client:
    return httpx2.Client(base_url=simulator.url, headers=headers, timeout=20.0, trust_env=False)


def fields(value: Any, *names: str) -> None:
    """The answer has at least these."""
    assert set(names) <= set(value), set(names) - set(value)
