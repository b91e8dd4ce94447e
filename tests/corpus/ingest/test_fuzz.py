"""Mutated reports of the corpus are stored or refused by name; for longer set FUZZ_SECONDS."""

import os
from pathlib import Path

import pytest
from tests.mutations import PEAK, fuzz

from nessus_operator.results.refusals import REFUSALS

REPORTS = sorted(Path(os.environ["NESSUS_CORPUS"]).glob("*.nessus"))


@pytest.mark.parametrize("seed", ["a", "b", "c", "d"])
def test_fuzz(seed: str, tmp_path: Path) -> None:
    found = fuzz(f"corpus {seed}", REPORTS, tmp_path)
    assert found.outcomes <= {"stored", *(kind.__name__ for kind in REFUSALS)}
    assert "stored" in found.outcomes
    assert found.peak <= PEAK
