import os
import sqlite3
from pathlib import Path

import pytest
from tests.reports import host, item, stored

from nessus_operator.results.faults import (
    QueryTooSlow,
    ReadFault,
    ResultsDamaged,
    ResultsOutdated,
    ResultsRemoved,
)
from nessus_operator.results.pages import Query, page_lines
from nessus_operator.results.schema import FILE
from nessus_operator.results.store import open_results

HOSTS = [host("192.0.2.1", *(item(n, plugin_output=f"line {n}") for n in range(400)))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with results, under a name that is no plain part of a URI."""
    made = tmp_path / "50% of ? #1 and ü"
    stored(made, HOSTS).close()
    return made


def test_results_open_in_a_folder_of_any_name(folder: Path) -> None:
    with open_results(folder, expected_bytes=(folder / FILE).stat().st_size) as results:
        assert len(list(page_lines(results, Query()))) == 43


def test_a_relative_folder_opens(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    open_results(Path()).close()


def test_a_reader_writes_nothing(folder: Path) -> None:
    folder.chmod(0o500)
    before = (folder / FILE).read_bytes()
    with open_results(folder) as results:
        list(page_lines(results, Query(page=0)))
        with pytest.raises(ReadFault), results.reading():
            results.rows("DELETE FROM findings")
    assert (folder / FILE).read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        (FILE, "manifest.json", "report.nessus")
    )


def _cut(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def _fill(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))


def _as_version(path: Path, version: int) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


def _other_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE findings (id)")
    connection.close()


BROKEN = {
    "no file": (lambda path: path.unlink(), ResultsRemoved),
    "an empty file": (lambda path: _cut(path, 0), ResultsDamaged),
    "half a file": (lambda path: _cut(path, 0.5), ResultsDamaged),
    "the beginning of a file": (lambda path: _cut(path, 0.01), ResultsDamaged),
    "no database": (lambda path: path.write_text("a" * 20_000), ResultsDamaged),
    "another database": (_other_database, ResultsDamaged),
    "pages of rubbish": (_fill, ResultsDamaged),
    "a later format": (lambda path: _as_version(path, 99), ResultsOutdated),
}


@pytest.mark.parametrize(("break_it", "fault"), BROKEN.values(), ids=BROKEN)
def test_a_broken_store_is_a_clear_fault(
    folder: Path, break_it: object, fault: type[ReadFault]
) -> None:
    assert callable(break_it)
    break_it(folder / FILE)
    with pytest.raises(fault) as caught, open_results(folder) as results:
        list(page_lines(results, Query(page=0, profile="full")))
    assert str(folder) not in str(caught.value)


def test_a_folder_that_is_not_there_is_results_removed(tmp_path: Path) -> None:
    with pytest.raises(ResultsRemoved, match="deleted or have expired"):
        open_results(tmp_path / "none")


def test_a_size_that_was_not_announced_is_damage(folder: Path) -> None:
    size = (folder / FILE).stat().st_size
    with pytest.raises(ResultsDamaged, match=f"{size} bytes instead of {size + 1}"):
        open_results(folder, expected_bytes=size + 1)


def test_results_stay_readable_while_they_are_open(folder: Path) -> None:
    with open_results(folder) as results:
        (folder / FILE).unlink()
        assert len(list(page_lines(results, Query(page=0)))) == 402


def test_an_answer_has_only_so_much_time(folder: Path) -> None:
    with open_results(folder, seconds=0.05) as results:
        forever = "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n) SELECT max(i) FROM n"
        slow = pytest.raises(QueryTooSlow, match=r"longer than 0\.05 seconds: add a filter")
        with slow, results.reading():
            results.rows(forever)
        assert len(list(page_lines(results, Query()))) == 43  # the next answer has its own time


def test_what_is_kept_is_bounded(folder: Path) -> None:
    with open_results(folder) as results:
        made = [results.kept(("key", number), lambda number=number: number) for number in range(99)]
        assert made == list(range(99))
        again = [results.kept(("key", number), lambda: None) for number in range(98, 82, -1)]
        assert again == list(range(98, 82, -1))
        assert results.kept(("key", 0), lambda: "made anew") == "made anew"
