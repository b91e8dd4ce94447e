"""Mutated reports of the corpus are stored or refused by name; for longer set FUZZ_SECONDS."""

import os
from pathlib import Path

import pytest
from tests.mutations import fuzz

from nessus_operator.results.refusals import REFUSALS

REPORTS = [path.read_bytes() for path in sorted(Path(os.environ["NESSUS_CORPUS"]).glob("*.nessus"))]


@pytest.mark.parametrize("seed", ["a", "b", "c", "d"])
def test_fuzz(seed: str, tmp_path: Path) -> None:
    outcomes = fuzz(f"corpus {seed}", REPORTS, tmp_path)
    assert outcomes <= {None, *REFUSALS}
    assert None in outcomes
