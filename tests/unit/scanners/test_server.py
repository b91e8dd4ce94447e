from typing import Any

import pytest

from nessus_operator.api.remote import ServerInfo
from nessus_operator.clients.scanners.nessus import server

PROPERTIES = {
    "uuid": "5f9c7a1e",
    "server_version": "10.8.3",
    "loaded_plugin_set": "202611200730",
    "plugin_set": "202611210730",
    "license": {
        "type": "vm",
        "name": "Nessus Manager",
        "expiration_date": 1800000000,
        "features": {"api": True, "scan_api": True},
    },
}


def test_all_that_is_told() -> None:
    assert server.server_info(PROPERTIES, {"username": "scanner", "name": "A Scanner"}) == (
        ServerInfo(
            ready=True,
            uuid="5f9c7a1e",
            version="10.8.3",
            plugin_set="202611200730",
            license_type="vm",
            scan_api=True,
            license_expiry=1800000000,
            account="scanner",
        )
    )


@pytest.mark.parametrize("properties", [{}, {"license": None}, {"license": {"features": None}}])
def test_a_scanner_that_tells_nothing_leaves_all_open(properties: dict[str, Any]) -> None:
    assert server.server_info(properties, {}) == ServerInfo(ready=True)


SCAN_APIS = {"open": (True, True), "closed": (False, False), "not told": (None, None)}
SCAN_APIS["told oddly"] = ("yes", None)


@pytest.mark.parametrize(("told", "expected"), SCAN_APIS.values(), ids=SCAN_APIS)
def test_scan_api(told: object, expected: bool | None) -> None:
    properties = {"license": {"features": {"scan_api": told}}}
    assert server.server_info(properties, {}).scan_api is expected


def test_hostile_text_is_cleaned() -> None:
    info = server.server_info({"server_version": "\x1b[31m10\u202e" + "x" * 100}, {})
    assert info.version == "10" + "x" * 61 + "…"


READY = {"ready": True, "loading": False, "register": False, "": False, None: False}


@pytest.mark.parametrize(("word", "ready"), READY.items())
def test_ready(word: object, ready: bool) -> None:
    assert server.is_ready({"status": word}) is ready
