"""The samples are accepted as they are."""

from pathlib import Path

import pytest
from tests.integration.conftest import ControlPlane, kubectl

SAMPLES = sorted((Path(__file__).parents[3] / "config/samples").glob("*.yaml"))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_server_takes_a_sample(control_plane: ControlPlane, crds: None, sample: Path) -> None:
    said = kubectl(
        control_plane, "apply", "--dry-run=server", "--validate=strict", "-f", str(sample)
    )

    assert "created (server dry run)" in said


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 3
