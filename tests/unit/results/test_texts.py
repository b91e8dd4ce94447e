"""Coded texts come back as they were, and a search finds what a plain one would."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nessus_operator.results.schema import LINES, LINES_PER_ROW
from nessus_operator.results.texts import LineReader, LineWriter, fold


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as made:
        made.execute(LINES)
        yield made


def written(connection: sqlite3.Connection, texts: list[str]) -> list[bytes]:
    writer = LineWriter(connection)
    coded = [bytes(writer.code(text.encode())) for text in texts]
    writer.close()
    return coded


TEXTS = {
    "empty": "",
    "one line": "Port 22/tcp was found to be open",
    "several lines": "one\ntwo\n\ntwo\n",
    "a line feed alone": "\n",
    "carriage returns": "one\r\ntwo\rthree",
    "other line ends": "one\u2028two\x85three\x0bfour",
    "every kind of letter": "日本語 ü 🔒 ẞ İ",
    "a very long line": "x" * 300_000,
    "more lines than a row holds": "\n".join(f"line {n}" for n in range(LINES_PER_ROW * 5)),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_comes_back_as_it_was(text: str, connection: sqlite3.Connection) -> None:
    [coded] = written(connection, [text])
    assert LineReader(connection).text(coded) == text


def test_texts_written_together_come_back_apart(connection: sqlite3.Connection) -> None:
    texts = [*TEXTS.values()] * 3
    reader = LineReader(connection, rows_kept=2)
    assert [reader.text(coded) for coded in written(connection, texts)] == texts


def test_a_line_is_stored_once(connection: sqlite3.Connection) -> None:
    written(connection, ["always the same\nbut for this: a", "always the same\nbut for this: b"])
    [(stored,)] = connection.execute("SELECT text FROM lines")
    assert stored.split("\n") == ["always the same", "but for this: a", "but for this: b"]


def test_what_is_forgotten_is_stored_again_and_read_all_the_same(
    connection: sqlite3.Connection,
) -> None:
    texts = [f"{n} {'x' * 900}" for n in range(9_000)]
    coded = written(connection, [*texts, *texts])
    reader = LineReader(connection)
    assert all(reader.text(one) == text for one, text in zip(coded, texts * 2, strict=True))


def test_a_list_keeps_its_elements(connection: sqlite3.Connection) -> None:
    writer = LineWriter(connection)
    coded = bytes(writer.code_list(["a|1", "b\nc", "", "a|1"]))
    writer.close()
    assert LineReader(connection).lines(coded) == ["a|1", "b c", "", "a|1"]


# A term, and the indexes of the texts below that contain it.
SAID = [
    "Port 22 was Found\nto be OPEN",
    "50% of _all_ ports",
    "back\\slash",
    "ÄRGER",
    "",
    "a\nb\nc",
]
SEARCHES = {
    "in any case": ("found", {0}),
    "in one place": ("50%", {1}),
    "a wildcard is a letter": ("%", {1}),
    "another wildcard": ("_all_", {1}),
    "a backslash": ("\\", {2}),
    "only ASCII letters fold": ("ärger", set()),
    "letters as they are": ("ÄRGER", {3}),
    "over a line end": ("FOUND\nto", {0}),
    "over two line ends": ("a\nb\nc", {5}),
    "parts that are not in a row": ("a\nc", set()),
    "a line end": ("\n", {0, 5}),
    "nothing": ("", set(range(6))),
    "what is nowhere": ("nowhere at all", set()),
    "more than SQLite takes for a pattern": ("x" * 60_000, set()),
    "a zero byte": ("\0", set()),
}


@pytest.mark.parametrize(("term", "expected"), SEARCHES.values(), ids=SEARCHES)
def test_a_search_finds(term: str, expected: set[int], connection: sqlite3.Connection) -> None:
    coded = written(connection, SAID)
    holds = LineReader(connection).containing(term)
    found = {index for index, one in enumerate(coded) if holds and holds(one)}
    assert found == expected
    assert holds is None or holds(None) is False


@given(
    st.lists(st.text(st.sampled_from("aAbBäÄ%_\\\n ")), max_size=8),
    st.text(st.sampled_from("aAbBäÄ%_\\\n "), max_size=5),
)
def test_a_search_agrees_with_a_plain_one(texts: list[str], term: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(LINES)
        coded = written(connection, texts)
        holds = LineReader(connection).containing(term)
        found = [bool(holds and holds(one)) for one in coded]
    assert found == [fold(term) in fold(text) for text in texts]
