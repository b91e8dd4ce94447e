"""What is generated is current, and `hack/generate --check` finds what is not."""

import shutil
import subprocess
from pathlib import Path
from typing import Literal

import pytest
from generator.__main__ import app
from generator.blocks import BrokenBlock, render_blocks
from generator.registry import BLOCKS
from generator.settings import settings_table
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from typer.testing import CliRunner, Result

ROOT = Path(__file__).parents[2]
SCANS = "crds/nessusscans.yaml"
README = "crds/README.md"


def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """hack/generate as a user types it."""
    return subprocess.run(
        [str(ROOT / "hack/generate"), *arguments], capture_output=True, text=True, check=False
    )


def generate(*arguments: str) -> Result:
    """The same in this process, which saves its start."""
    return CliRunner().invoke(app, arguments)


def test_nothing_generated_is_stale() -> None:
    done = typed("--check")

    assert done.returncode == 0, done.stderr


def test_the_help_tells_what_a_block_is() -> None:
    done = typed("--help")

    assert done.returncode == 0
    assert "--check" in done.stdout
    assert "generated: NAME" in done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of every file that has generated blocks."""
    for path in (*ROOT.glob("*.md"), *ROOT.glob("[!.]*/**/*.md"), *ROOT.glob("[!.]*/**/*.yaml")):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return tmp_path


# file, old text, new text, what --check says
PLANTED = {
    "a rule edited by hand": (
        SCANS,
        "'Completed': ['Completed']",
        "'Completed': ['Completed', 'Queued']",
        f"stale: {SCANS}",
    ),
    "a row edited by hand": (README, "| `Deadline` |", "| `DeadLine` |", f"stale: {README}"),
    "a description changed in the CRD": (
        SCANS,
        "What the scan is for",
        "What this scan is for",
        f"stale: {README}",
    ),
    "a block that nothing generates": (
        README,
        "<!-- generated: reasons -->",
        "<!-- generated: seasons -->",
        f"{README}: nothing generates `seasons`",
    ),
    "a block without an end": (
        README,
        "<!-- end: reasons -->",
        "",
        f"{README}: the block `reasons` has no end",
    ),
    "an end without a block": (
        SCANS,
        "# generated: scan transitions",
        "#",
        f"{SCANS}: line",
    ),
    "a block that went missing": (
        README,
        "generated: reasons -->",
        "reasons",
        "has no partner",
    ),
}


@pytest.mark.parametrize(("file", "old", "new", "said"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_found_and_told_in_one_line(
    repository: Path, file: str, old: str, new: str, said: str
) -> None:
    path = repository / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))

    done = generate("--check", "--root", str(repository))

    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert path.read_text() == text.replace(old, new)


def test_a_repository_without_a_block_is_found(repository: Path) -> None:
    (repository / README).write_text("# Nothing\n")

    done = generate("--check", "--root", str(repository))

    assert done.exit_code == 1
    assert "no file has the block" in done.stderr


def test_what_is_stale_is_rewritten_and_the_rest_left_alone(repository: Path) -> None:
    path = repository / README
    text = path.read_text()
    path.write_text(text.replace("| `Deadline` |", "| `DeadLine` |"))
    untouched = (repository / SCANS).stat().st_mtime_ns

    done = generate("--root", str(repository))

    assert done.stdout == f"wrote {README}\n"
    assert path.read_text() == text
    assert (repository / SCANS).stat().st_mtime_ns == untouched


BEFORE = """\
a: 1
  # generated: one
  old: 0
  # end: one
<!-- generated: two -->
<!-- end: two -->
z: 2
"""
AFTER = """\
a: 1
  # generated: one
  one:

    deep
  # end: one
<!-- generated: two -->
two:

  deep
<!-- end: two -->
z: 2
"""


def test_a_block_is_indented_as_its_marker_is() -> None:
    assert render_blocks(BEFORE, lambda name: f"\n{name}:\n\n  deep\n") == AFTER
    assert render_blocks(AFTER, lambda name: f"{name}:\n\n  deep") == AFTER


@pytest.mark.parametrize(
    "text",
    [
        "# generated: one\n# generated: two\n# end: two\n",
        "# generated: one\n# end: two\n",
        "# end: one\n",
        "# generated: one\n",
    ],
    ids=["one inside another", "another's end", "an end alone", "a beginning alone"],
)
def test_markers_without_a_partner_are_refused(text: str) -> None:
    with pytest.raises(BrokenBlock, match=r"has no (partner|end)"):
        render_blocks(text, lambda name: name)


def test_every_block_has_a_generator_that_says_what_it_is() -> None:
    assert all(BLOCKS)
    assert all(callable(block) for block in BLOCKS.values())


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="NESSUS_TEST_")

    results_dir: Path = Field(default=Path("/results"), description="Where results lie.")
    namespaces: tuple[str, ...] = Field(default=(), description="Which ones | all when empty.")
    port: int = Field(default=8080, description="Port of health\n and metrics.")
    log_level: Literal["INFO", "DEBUG"] = Field(default="INFO", description="Least severe level.")
    deadline: float | None = Field(default=None, description="Seconds.")
    tokens_file: Path = Field(description="Who may call.")
    open: bool = Field(default=False, description="Open to all.")
    identity: str = Field(default_factory=lambda: "host-1234", description="Who we are.")
    kubeconfig: str = Field(
        default="", validation_alias="KUBECONFIG", description="Where the cluster is."
    )


SETTINGS_TABLE = """\
| Variable | Type | Default | Meaning |
| --- | --- | --- | --- |
| `NESSUS_TEST_RESULTS_DIR` | path | `/results` | Where results lie. |
| `NESSUS_TEST_NAMESPACES` | list of text |  | Which ones \\| all when empty. |
| `NESSUS_TEST_PORT` | integer | `8080` | Port of health and metrics. |
| `NESSUS_TEST_LOG_LEVEL` | one of `INFO`, `DEBUG` | `INFO` | Least severe level. |
| `NESSUS_TEST_DEADLINE` | number, may be empty |  | Seconds. |
| `NESSUS_TEST_TOKENS_FILE` | path | required | Who may call. |
| `NESSUS_TEST_OPEN` | true or false | `false` | Open to all. |
| `NESSUS_TEST_IDENTITY` | text |  | Who we are. |
| `KUBECONFIG` | text |  | Where the cluster is. |"""


def test_settings_become_a_table() -> None:
    assert settings_table(Settings) == SETTINGS_TABLE


def test_a_setting_that_nobody_explains_is_refused() -> None:
    class Unexplained(BaseSettings):
        port: int = 8080

    with pytest.raises(ValueError, match=r"Unexplained\.port has no description"):
        settings_table(Unexplained)
