import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nessus_operator.clients.scanners.text import clean

SHOWN = {
    "plain text stays": ("API is not available", "API is not available"),
    "anything but a string is empty": ({"error": "x"}, ""),
    "line breaks and tabs become one blank": ("a\r\n\t b", "a b"),
    "colours go": ("\x1b[31mred\x1b[0m", "red"),
    "an 8-bit escape goes": ("\x9b31mred", "red"),
    "a window title goes": ("\x1b]0;owned\x07rest", "rest"),
    "a link goes": ("\x1b]8;;https://evil.example\x1b\\rest", "rest"),
    "an escape cut off at the end goes": ("text\x1b[", "text"),
    "text turned right to left is turned back": ("abc\u202edef\u202c", "abcdef"),
    "isolates go": ("a\u2066b\u2069", "ab"),
    "invisible characters go": ("a\u200bb\ufeffc", "abc"),
    "NUL goes": ("a\x00b", "ab"),
    "private characters go": ("a\ue000b", "ab"),
    "lone surrogates go": ("a\ud800b", "ab"),
    "letters of any script stay": ("Grüße, 世界", "Grüße, 世界"),
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.values(), ids=SHOWN)
def test_shown(text: object, shown: str) -> None:
    assert clean(text, 128) == shown


def test_a_long_text_is_cut_with_a_mark() -> None:
    assert clean("x" * 200, 10) == "x" * 9 + "…"


MASKED = {
    "a secret": ("key s3cr3t-1 is wrong", ["s3cr3t-1"], "key *** is wrong"),
    "a secret whose halves the cleaning joins": ("s3c\x00r3t-1", ["s3cr3t-1"], "***"),
    "a secret that holds another": ("abcdef abc", ["abc", "abcdef"], "*** ***"),
    "a secret with blanks": ("correct  horse", ["correct horse"], "***"),
    "an empty secret masks nothing": ("text", [""], "text"),
}


@pytest.mark.parametrize(("text", "secrets", "shown"), MASKED.values(), ids=MASKED)
def test_masked(text: str, secrets: list[str], shown: str) -> None:
    assert clean(text, 128, secrets) == shown


def test_the_cut_leaves_no_part_of_a_secret() -> None:
    assert "hunter" not in clean("x" * 5 + "hunter2hunter2", 12, ["hunter2hunter2"])


@given(st.text(), st.integers(min_value=1, max_value=200))
def test_what_is_shown_is_one_short_visible_line(text: str, limit: int) -> None:
    shown = clean(text, limit)
    assert len(shown) <= limit
    assert not any(unicodedata.category(c)[0] == "C" for c in shown)
    assert shown == " ".join(shown.split())
