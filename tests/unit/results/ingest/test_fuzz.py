"""Mutated reports end in success or in a refusal of the closed list, never in another exception.

By hand for longer: FUZZ_SECONDS=3600 hack/test unit -k fuzz
"""

from pathlib import Path

import pytest
from tests.generator.report import Shape, write_report
from tests.mutations import PEAK, fuzz
from tests.storing import DATA

from nessus_operator.results.refusals import REFUSALS


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    made = tmp_path_factory.mktemp("fuzz") / "made_up.nessus"
    write_report(made, Shape(bytes=60_000, checks=4, plugins=30, policy_bytes=4_000))
    return [made, *sorted(DATA.glob("*.nessus"))]


@pytest.mark.parametrize("seed", ["a", "b", "c", "d"])
def test_fuzz(seed: str, reports: list[Path], tmp_path: Path) -> None:
    found = fuzz(seed, reports, tmp_path)
    assert found.outcomes <= {"stored", *(kind.__name__ for kind in REFUSALS)}
    assert {"stored", "Malformed", "Truncated"} <= found.outcomes
    assert found.peak <= PEAK
