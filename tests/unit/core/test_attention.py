"""Which scans are kept whole in memory and which as a slim row."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.builders import NOW, make_scan, uid_of
from tests.unit.core import statuses
from tests.unit.core.statuses import cleanup

from nessus_operator.api.names import FINALIZER
from nessus_operator.api.scan import NessusScan, ScanStatus
from nessus_operator.api.transitions import Phase
from nessus_operator.core import attention
from nessus_operator.core.attention import FinishedScan

HELD = {"finalizers": (FINALIZER,)}
RAISED = {"manual_retries": 1}
FAILED, COMPLETED = statuses.ended(Phase.FAILED), statuses.ended(Phase.COMPLETED)

SCANS: dict[str, tuple[ScanStatus | None, dict[str, Any], bool]] = {
    "not seen yet": (None, {}, True),
    "waits": (statuses.queued(), {}, True),
    "runs": (statuses.launched(), {}, True),
    "ended": (COMPLETED, {}, False),
    "ended and is deleted": (COMPLETED, {"deletion_timestamp": NOW}, False),
    "ended, something may be on a scanner": (COMPLETED, HELD, True),
    "ended, held by somebody else": (COMPLETED, {"finalizers": ("example.org/x",)}, False),
    "an earlier attempt left something": (
        COMPLETED.but(remote_cleanups=(cleanup(),)),
        {},
        True,
    ),
    "failed": (FAILED, {}, False),
    "failed and asked again": (FAILED, RAISED, True),
    "cancelled and asked again": (statuses.ended(Phase.CANCELLED), RAISED, True),
    "timed out and asked again": (statuses.ended(Phase.TIMEOUT), RAISED, True),
    "failed and acted on": (FAILED.but(observed_manual_retries=1), RAISED, False),
    "completed and asked again": (COMPLETED, RAISED, False),
}


@pytest.mark.parametrize(("status", "fields", "whole"), SCANS.values(), ids=SCANS)
def test_attention(status: ScanStatus | None, fields: dict[str, Any], whole: bool) -> None:
    scan = make_scan(status=status, **fields)
    assert attention.needs_attention(scan) is whole
    seen = attention.parse(scan.to_json())
    assert isinstance(seen, NessusScan if whole else FinishedScan)
    assert seen.pool_key == scan.pool_key


def test_a_slim_row_knows_whose_it_is_and_when_it_ended() -> None:
    row = attention.parse(make_scan("a", status=COMPLETED).to_json())
    assert row == FinishedScan("security", "a", uid_of("a"), "pool", Phase.COMPLETED, NOW)


def test_what_is_no_scan_is_refused() -> None:
    with pytest.raises(ValidationError):
        attention.parse({"metadata": {"name": "x"}, "spec": {}})
