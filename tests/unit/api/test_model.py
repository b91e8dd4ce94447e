"""How models are spelt for the API server, and what status takes of any text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.patterns import matches

from nessus_operator.api.model import format_time, kube_case, plain_text
from nessus_operator.api.scan import Failure, ScanStatus

ACCEPTED_BY_THE_SERVER = r"^[ !#-%'-;=?-\[\]-~]*$"

TEXTS = {
    "a plain sentence stays": ("waiting: no slot", "waiting: no slot"),
    "quotes become single": ('said "no"', "said 'no'"),
    "brackets become round": ("a <b> & \\c", "a (b) + /c"),
    "letters beyond ASCII are marked": ("Prüfung", "Pr?fung"),
    "line breaks and escapes are marked": ("a\n\x1b[1m\u202eb", "a??[1m?b"),
    "a text of the length stays": ("x" * 20, "x" * 20),
    "a longer one is cut": ("x" * 21, "x" * 17 + "..."),
    "nothing stays nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "plain"), TEXTS.values(), ids=TEXTS)
def test_a_text_of_status(text: str, plain: str) -> None:
    assert plain_text(text, 20) == plain


@given(st.text(max_size=400))
def test_the_server_takes_any_text_once_it_is_plain(text: str) -> None:
    plain = plain_text(text, 256)

    assert len(plain) <= 256
    assert matches(ACCEPTED_BY_THE_SERVER, plain)
    assert plain_text(plain, 256) == plain


def test_a_status_cleans_what_is_put_into_it_by_either_way() -> None:
    built = Failure(reason="InvalidTargets", fault="User", message='"é"')
    changed = ScanStatus().but(message='"é"', warnings=('"é"',))

    assert built.message == "'?'"
    assert changed.to_json()["message"] == "'?'"
    assert changed.to_json()["warnings"] == ["'?'"]


@pytest.mark.parametrize(
    ("python", "kubernetes"),
    [
        ("pool_ref", "poolRef"),
        ("scan_id", "scanID"),
        ("server_uuid", "serverUUID"),
        ("scan_api", "scanAPI"),
        ("identity", "identity"),
        ("ttl_seconds_after_finished", "ttlSecondsAfterFinished"),
    ],
)
def test_names_are_spelt_as_kubernetes_spells_them(python: str, kubernetes: str) -> None:
    assert kube_case(python) == kubernetes


def test_moments_are_written_in_utc_with_microseconds() -> None:
    local = datetime(2026, 11, 21, 12, 0, tzinfo=timezone(timedelta(hours=2)))

    assert format_time(local) == "2026-11-21T10:00:00.000000Z"
    assert format_time(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"


def test_what_is_unset_is_absent() -> None:
    assert "message" not in ScanStatus().to_json()
    assert ScanStatus(platform_failures=0).to_json()["platformFailures"] == 0
