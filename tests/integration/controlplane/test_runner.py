"""hack/test runs what it is asked for, or says why not: silence would look like green."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
REQUIRED = ("unit", "contracts", "integration")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """hack/test over required suites of one file each; what it calls only echoes."""
    (tmp_path / "hack").mkdir()
    shutil.copy(ROOT / "hack/test", tmp_path / "hack/test")
    for command in ("hack/setup", "hack/controlplane", "hack/chromium", ".venv/bin/pytest"):
        (tmp_path / command).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / command).write_text(f'#!/bin/sh\necho "{command}" "$@"\n')
        (tmp_path / command).chmod(0o755)
    for suite in REQUIRED:
        fill(tmp_path, suite)
    (tmp_path / "tests/data").mkdir()
    return tmp_path


def fill(clone: Path, suite: str) -> None:
    (clone / "tests" / suite).mkdir(parents=True)
    (clone / "tests" / suite / "test_x.py").write_text("def test_x(): ...\n")


def run(clone: Path, *arguments: str, corpus: str = "") -> tuple[int, str]:
    """Exit status, and the last line that was said."""
    done = subprocess.run(
        [clone / "hack/test", *arguments],
        env=os.environ | {"NESSUS_CORPUS": corpus},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()[-1]


RUN = {
    "all suites": ((), "-n 5", "tests/unit tests/contracts tests/integration"),
    "all suites with options": (("--", "-x"), "-x", "tests/unit tests/contracts tests/integration"),
    "one suite": (("unit",), "-n auto", "tests/unit"),
    "one suite with options": (("contracts", "-k", "crds"), "-k crds", "tests/contracts"),
}


@pytest.mark.parametrize(("arguments", "options", "suites"), RUN.values(), ids=RUN)
def test_suites_and_options_go_to_pytest(
    clone: Path, arguments: tuple[str, ...], options: str, suites: str
) -> None:
    status, said = run(clone, *arguments)
    assert status == 0
    assert said.startswith(".venv/bin/pytest -n ")
    assert f" {options} " in said
    assert said.endswith(f" {suites}")


def test_the_corpus_joins_only_when_it_is_named(clone: Path) -> None:
    fill(clone, "corpus")
    (clone / "some.nessus").touch()
    assert run(clone)[1].endswith("tests/unit tests/contracts tests/integration")
    assert run(clone, corpus=str(clone))[1].endswith(" tests/integration tests/corpus")
    assert run(clone, "corpus") == (
        2,
        "hack/test: set NESSUS_CORPUS to a folder with .nessus files",
    )
    assert run(clone, "corpus", corpus="/nowhere")[0] == 2


def test_a_corpus_without_reports_is_an_error(clone: Path) -> None:
    fill(clone, "corpus")
    said = f"hack/test: NESSUS_CORPUS names {clone}, which holds no .nessus file"
    assert run(clone, corpus=str(clone)) == (2, said)
    assert run(clone, "corpus", corpus=str(clone)) == (2, said)


REFUSED = {
    "an unknown suite": (("units",), "there is no suite units; there are unit contracts model "),
    "an empty suite": (("model",), "tests/model holds no test_*.py"),
    "options without a suite": (("-x",), "name a suite before options of pytest"),
}


@pytest.mark.parametrize(("arguments", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_would_run_nothing_is_an_error(
    clone: Path, arguments: tuple[str, ...], reason: str
) -> None:
    status, said = run(clone, *arguments)
    assert status == 2
    assert said.startswith(f"hack/test: {reason}")


@pytest.mark.parametrize("suite", REQUIRED)
def test_a_required_suite_without_tests_is_an_error(clone: Path, suite: str) -> None:
    (clone / "tests" / suite / "test_x.py").unlink()
    assert run(clone) == (2, f"hack/test: tests/{suite} holds no test_*.py")


def test_tests_outside_every_suite_are_an_error(clone: Path) -> None:
    fill(clone, "e2e")
    assert run(clone)[0] == 0
    fill(clone, "forgotten")
    said = "hack/test: tests/forgotten holds tests but is no suite: name it in hack/test"
    assert run(clone) == (2, said)


@pytest.mark.parametrize("part", ["controlplane", "chromium"])
def test_a_part_that_cannot_be_had_fails_the_run(clone: Path, part: str) -> None:
    (clone / "hack" / part).write_text("#!/bin/sh\necho none to be had >&2\nexit 1\n")
    assert run(clone) == (1, "none to be had")
    assert run(clone, "integration") == (1, "none to be had")
    assert run(clone, "unit")[0] == 0
