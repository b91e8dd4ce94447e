"""A field that this version does not act on is named, never ignored."""

from typing import Any

import pytest
from tests.builders import make_scan

from nessus_operator.core import support

SSH = {"type": "SSH", "secret_ref": {"name": "login"}}

FIELDS: dict[str, tuple[dict[str, Any], str | None]] = {
    "a plain scan": ({}, None),
    "a collected one": (
        {"targets": None, "collect": {"scan_id": 7}, "scanner_name": "s1"},
        "spec.collect",
    ),
    "a login": ({"scan_type": "Authenticated", "credentials": SSH}, "spec.credentials"),
    "a time to live": ({"ttl_seconds_after_finished": 0}, "spec.ttlSecondsAfterFinished"),
    "what is acted on": (
        {
            "display_name": "DMZ",
            "description": "weekly",
            "settings": {"port_range": "1-1024"},
            "priority": 5,
            "starting_deadline_seconds": 60,
            "backoff_limit": 0,
            "suspend": True,
            "cancel": True,
            "manual_retries": 1,
            "template": "basic",
            "scanner_name": "s1",
        },
        None,
    ),
}


@pytest.mark.parametrize(("fields", "unsupported"), FIELDS.values(), ids=FIELDS)
def test_unsupported(fields: dict[str, Any], unsupported: str | None) -> None:
    assert support.unsupported(make_scan(**fields)) == unsupported
