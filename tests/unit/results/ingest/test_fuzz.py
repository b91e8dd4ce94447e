"""Mutated reports end in success or in a refusal of the closed list, never in another exception.

By hand for longer: FUZZ_SECONDS=3600 hack/test unit -k fuzz
"""

from pathlib import Path

import pytest
from tests.generator.report import Shape, write_report
from tests.mutations import fuzz
from tests.storing import DATA

from nessus_operator.results.refusals import REFUSALS, Malformed, Truncated


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    made = tmp_path_factory.mktemp("fuzz") / "made_up.nessus"
    write_report(made, Shape(bytes=60_000, checks=4, plugins=30, policy_bytes=4_000))
    return [path.read_bytes() for path in (made, *sorted(DATA.glob("*.nessus")))]


@pytest.mark.parametrize("seed", ["a", "b", "c", "d"])
def test_fuzz(seed: str, reports: list[bytes], tmp_path: Path) -> None:
    outcomes = fuzz(seed, reports, tmp_path)
    assert outcomes <= {None, *REFUSALS}
    assert {None, Malformed, Truncated} <= outcomes
