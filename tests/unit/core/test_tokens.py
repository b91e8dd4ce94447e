"""The mark in a remote scan's name is read back exactly, and nothing else is taken for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tests.builders import uid_of

from nessus_operator.api.scan import Token
from nessus_operator.core import tokens

UID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
OTHER = "00000000-0000-4000-8000-000000000000"
TOKEN = f"{UID}-2-0f1e2d3c"

NAMES = {
    "our own": (f"DMZ weekly [{TOKEN}]", TOKEN),
    "without a display name": (f" [{TOKEN}]", TOKEN),
    "the mark alone": (f"[{TOKEN}]", TOKEN),
    "a display name with brackets": (f"[a] [b] [{TOKEN}]", TOKEN),
    "a display name that looks like a mark": (f"x [{OTHER}-1-00000000] [{TOKEN}]", TOKEN),
    "a display name with a line break": (f"x\ny [{TOKEN}]", TOKEN),
    "the longest nonce": (f"x [{UID}-1-0123456789abcdef]", f"{UID}-1-0123456789abcdef"),
    "no mark": ("DMZ weekly", None),
    "nothing": ("", None),
    "a mark that is not at the end": (f"[{TOKEN}] copy", None),
    "a line break after the mark": (f"x [{TOKEN}]\n", None),
    "a mark without brackets": (f"x {TOKEN}", None),
    "an open bracket": (f"x [{TOKEN}", None),
    "a uid in capitals": (f"x [{TOKEN.upper()}]", None),
    "no nonce": (f"x [{UID}-2]", None),
    "a nonce that is too short": (f"x [{UID}-2-0f1e2d3]", None),
    "a nonce that is too long": (f"x [{UID}-2-0123456789abcdef0]", None),
    "no attempt": (f"x [{UID}-0f1e2d3c]", None),
    "digits of another script": (f"x [{UID}-\u0662-0f1e2d3c]", None),
    "text before the uid": (f"x [a{TOKEN}]", None),
}


@pytest.mark.parametrize(("name", "token"), NAMES.values(), ids=NAMES)
def test_the_token_in_a_name(name: str, token: str | None) -> None:
    assert tokens.token_in(name) == token


uids = st.text().map(uid_of)
nonces = st.text("0123456789abcdef", min_size=8, max_size=16)


@given(uids, st.integers(1, 2**31 - 1), nonces, st.text(max_size=128))
def test_whatever_the_display_name_the_token_is_read_back(
    uid: str, attempt: int, nonce: str, display_name: str
) -> None:
    token = tokens.new_token(uid, attempt, nonce)
    assert tokens.token_in(tokens.remote_name(display_name, token)) == token
    assert tokens.uid_of(token) == uid
    TypeAdapter(Token).validate_python(token)


def test_attempts_of_one_scan_differ() -> None:
    assert tokens.new_token(UID, 1, "0" * 8) != tokens.new_token(UID, 2, "0" * 8)
