"""What documents point to is there: files, sections, commands and their options."""

import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCUMENTS = [
    path
    for path in sorted(ROOT.rglob("*.md"))
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
]
FIRST_SCREEN = 24  # lines

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"(?<![\w/])(hack/[a-z]+|\.venv/bin/[-a-z]+)(?![\w.])((?: --?[-a-z]+)*)")


def dead_links(document: Path) -> Iterator[str]:
    """Links to a file or to a section that is not there; addresses of others are not asked."""
    for link in links(document):
        name, _, section = link.partition("#")
        if "://" in name:
            continue
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (section and section not in sections(target)):
            yield link


def links(document: Path) -> list[str]:
    """Where the document leads to, outside its code."""
    return _LINK.findall(_CODE.sub("code", document.read_text()))


def sections(document: Path) -> set[str]:
    """The names by which links go to headings."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def dead_commands(text: str) -> Iterator[str]:
    """Commands of this repository that cannot be run, or that do not know an option."""
    for command, options in sorted(set(_COMMAND.findall(text))):
        if not os.access(ROOT / command, os.X_OK):
            yield command
            continue
        if options:
            known = help_of(command)
            yield from (f"{command} {option}" for option in options.split() if option not in known)


@cache
def help_of(command: str) -> str:
    done = subprocess.run([ROOT / command, "--help"], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    assert list(dead_links(document)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_can_be_run(document: Path) -> None:
    assert list(dead_commands(document.read_text())) == []


def test_the_documents_are_looked_at() -> None:
    found = {str(path.relative_to(ROOT)) for path in DOCUMENTS}

    assert {"README.md", "crds/README.md", "tests/simulator/README.md"} <= found


def test_the_first_screen_shows_the_two_commands() -> None:
    lines = README.read_text().splitlines()[:FIRST_SCREEN]

    assert any(line.startswith("hack/demo --once") for line in lines)
    assert any(line.startswith("hack/test") for line in lines)


def test_every_document_can_be_reached_from_the_first() -> None:
    reached: set[Path] = set()
    ahead = [README]
    while ahead:
        document = ahead.pop()
        if document in reached or document.suffix != ".md":
            continue
        reached.add(document)
        names = (link.partition("#")[0] for link in links(document))
        ahead += [(document.parent / name).resolve() for name in names if "://" not in name]

    assert set(DOCUMENTS) - reached == set()


def test_dead_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A title, with marks!\n")
    document = tmp_path / "README.md"
    document.write_text(
        "# Own\n[a](there.md) [b](there.md#a-title-with-marks) [c](#own) [d](https://example.org)\n"
        "`[a-z](a-z)`\n```\n[z](z)\n```\n"
        "[e](gone.md) [f](there.md#gone) [g](#gone)\n"
    )

    assert list(dead_links(document)) == ["gone.md", "there.md#gone", "#gone"]


def test_dead_commands_are_found() -> None:
    text = "hack/demo --once and hack/gone, `hack/test --gone`, .venv/bin/ruff, hack/demo.d/demo"

    assert list(dead_commands(text)) == ["hack/gone", "hack/test --gone"]
