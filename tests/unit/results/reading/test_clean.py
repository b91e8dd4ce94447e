import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nessus_operator.results.clean import clean, clean_json, one_line

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Of other categories, but with nothing to see: fillers, and selectors of variants.
INVISIBLE = {
    *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
}

hostile = st.text(
    st.sampled_from("\x1b[]mK0;?\x07\x9b\x85\r\n\t\x00\u202e\u2066\u200b\u2028a é\U000e0041\ufeff")
    | st.characters()
)

CASES = {
    "a plain text stays": ("Apache < 2.4\n\tand more", "Apache < 2.4\n\tand more"),
    "letters of any script stay": ("naïve 中文 עברית العربية 🙂", "naïve 中文 עברית العربية 🙂"),
    "colours go": ("\x1b[1;31mroot\x1b[0m", "root"),
    "the one byte form of a sequence goes": ("\x9b31mroot", "root"),
    "moving the cursor goes": ("safe\x1b[2Aover", "safeover"),
    "a window title shows as text": ("\x1b]0;owned\x07ok", "]0;ownedok"),
    "nothing hides behind an open sequence": ("\x1b]0;and all else", "]0;and all else"),
    "a sequence in a sequence goes": ("\x1b\x1b[1m[31mred", "[31mred"),
    "right to left overrides go": ("exe.\u202egnp", "exe.gnp"),
    "isolates go": ("a\u2066b\u2069c", "abc"),
    "zero width spaces go": ("pass\u200bword", "password"),
    "tags that only a model reads go": ("hi\U000e0041\U000e0042", "hi"),
    "line ends are one": ("a\r\nb\rc\x0bd\x0ce\x85f\u2028g", "a\nb\nc\nd\ne\nf\ng"),
    "NUL, bell and backspace go": ("a\x00\x07\x08b", "ab"),
    "lone surrogates go": ("a\ud800b", "ab"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "cleaned"), CASES.values(), ids=CASES)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_no_hidden_character_of_unicode_is_left() -> None:
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        left = clean(f"a{letter}b")[1:-1]
        if unicodedata.category(letter) in HIDDEN or code in INVISIBLE:
            assert left in ("", "\n", "\t"), hex(code)
        elif unicodedata.category(letter) != "Cn":
            assert left == letter, hex(code)


@given(hostile)
def test_what_is_left_is_visible_and_cleaning_it_changes_nothing(text: str) -> None:
    cleaned = clean(text)
    assert not {letter for letter in cleaned if unicodedata.category(letter) in HIDDEN} - {
        "\n",
        "\t",
    }
    assert cleaned.split("\n") == cleaned.splitlines() or cleaned.endswith("\n") or not cleaned
    assert clean(cleaned) == cleaned


@given(st.recursive(hostile, lambda inner: st.lists(inner) | st.dictionaries(hostile, inner)))
def test_every_text_in_json_is_cleaned(value: Any) -> None:
    def texts(part: Any) -> list[str]:
        if isinstance(part, dict):
            return [text for pair in part.items() for one in pair for text in texts(one)]
        return [text for one in part for text in texts(one)] if isinstance(part, list) else [part]

    assert all(clean(text) == text for text in texts(clean_json(value)))


@given(hostile, st.integers(1, 40))
def test_one_line_is_one_short_line(text: str, length: int) -> None:
    line = one_line(text, length)
    assert len(line) <= length
    assert len(line.splitlines()) <= 1
    assert clean(line) == line
