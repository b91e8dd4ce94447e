import shutil
from pathlib import Path

import pytest
from tests.unit.results.cli.program import BEFORE, NOW, run


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two reports, and the results of both."""
    folder = tmp_path_factory.mktemp("stored")
    for name, content in (("before", BEFORE), ("now", NOW)):
        (folder / f"{name}.nessus").write_bytes(content)
        done = run(folder, "ingest", f"{name}.nessus", name, "--keep-report")
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def home(stored: Path, tmp_path: Path) -> Path:
    """A copy of these for one test."""
    return shutil.copytree(stored, tmp_path / "home")
