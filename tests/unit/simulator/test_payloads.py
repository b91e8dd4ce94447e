"""Bodies are refused with the names of what is wrong, never with their values."""

import json

import pytest

from nessus_simulator import payloads
from nessus_simulator.refusals import Refusal

SETTINGS = {"name": "a", "text_targets": "192.0.2.1"}
GOOD = {"uuid": "t", "settings": SETTINGS}

WRONG = {
    "no JSON": (b"{", "not valid JSON"),
    "not even text": (b"\xff", "not valid JSON"),
    "a list": (b"[]", "dictionary"),
    "nothing": (b"", "uuid"),
    "no name": (json.dumps({"uuid": "t", "settings": {"text_targets": "x"}}).encode(), "name"),
    "an empty name": (
        json.dumps({"uuid": "t", "settings": {"name": "", "text_targets": "x"}}).encode(),
        "settings.name",
    ),
    "no targets": (json.dumps({"uuid": "t", "settings": {"name": "a"}}).encode(), "text_targets"),
    "credentials of another shape": (
        json.dumps(GOOD | {"credentials": {"add": {"Host": {"SSH": "geheim"}}}}).encode(),
        "credentials.add.Host.SSH",
    ),
}


@pytest.mark.parametrize(("body", "told"), WRONG.values(), ids=WRONG)
def test_a_bad_scan_is_refused(body: bytes, told: str) -> None:
    with pytest.raises(Refusal) as refused:
        payloads.parse(payloads.ScanBody, body)
    assert refused.value.status == 400
    assert told in refused.value.message
    assert "geheim" not in refused.value.message


def test_settings_that_are_not_known_are_kept() -> None:
    sent = SETTINGS | {"safe_checks": "yes", "scanner_id": "1"}
    parsed = payloads.parse(payloads.ScanBody, json.dumps(GOOD | {"settings": sent}).encode())
    kept = parsed.settings.model_dump()
    assert (kept["safe_checks"], kept["scanner_id"], kept["folder_id"]) == ("yes", 1, 3)
