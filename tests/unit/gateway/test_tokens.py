import hashlib

import pytest
import yaml

from nessus_gateway import tokens
from nessus_gateway.access import Caller, Scope
from nessus_gateway.tokens import InvalidTokens

A, B = tokens.new_token(), tokens.new_token()


def entry(token: str = A, **changes: object) -> dict[str, object]:
    known = {"name": "agent-7", "sha256": tokens.digest(token)}
    return known | {"namespaces": ["security"], "scopes": ["scan:read"]} | changes


def text(*entries: object) -> str:
    return yaml.safe_dump(list(entries))


def test_a_token_is_long_random_and_recognisable() -> None:
    assert A != B
    assert A.startswith("nsg_")
    assert len(A) == 47


def test_a_digest_is_what_sha256sum_prints() -> None:
    assert tokens.digest("nsg_x") == hashlib.sha256(b"nsg_x").hexdigest()


def test_a_caller_is_found_by_its_token() -> None:
    entries = tokens.parse(text(entry(A), entry(B, name="admin", scopes=["admin"])))
    assert tokens.find(A, entries) == Caller("agent-7", ("security",), frozenset((Scope.READ,)))
    found = tokens.find(B, entries)
    assert found is not None
    assert found.name == "admin"


STRANGERS = {
    "another token": B,
    "no token": "",
    "the digest is no token": tokens.digest(A),
    "a part of the token": A[:-1],
    "letters that no token has": "ü\x00",
}


@pytest.mark.parametrize("token", STRANGERS.values(), ids=STRANGERS)
def test_strangers_are_not_found(token: str) -> None:
    assert tokens.find(token, tokens.parse(text(entry(A)))) is None


def test_an_empty_list_lets_nobody_in() -> None:
    assert tokens.parse("[]") == ()


def test_the_printed_entry_can_be_read() -> None:
    [one] = tokens.parse(text(entry()))
    assert tokens.parse(one.to_yaml()) == (one,)


BROKEN = {
    "an empty file": ("", "must be a list of {name, sha256, namespaces, scopes}"),
    "no list": ("name: agent-7", "must be a list of"),
    "no YAML": ("- {name: ", "is not YAML \\(line 1\\)"),
    "control characters": ("\x00", "is not YAML"),
    "a scope that is none": (text(entry(scopes=["scan:all"])), "wrong entry 1: scopes.0"),
    "no scope": (text(entry(scopes=[])), "wrong entry 1: scopes"),
    "no namespace": (text(entry(namespaces=[])), "wrong entry 1: namespaces"),
    "a namespace that is none": (text(entry(namespaces=["A b"])), "namespaces.0"),
    "a digest that is none": (text(entry(), entry(sha256="x")), "wrong entry 2: sha256"),
    "a token instead of its digest": (text(entry(sha256=A)), "wrong entry 1: sha256"),
    "a field that is unknown": (text(entry(**{"token_": A})), "wrong entry 1: token_"),
    "a name that fits no log": (text(entry(name="a\nb")), "wrong entry 1: name"),
    "a name twice": (text(entry(A), entry(B)), "two entries with the same name"),
    "a digest twice": (text(entry(), entry(name="b")), "two entries with the same sha256"),
}


@pytest.mark.parametrize(("content", "problem"), BROKEN.values(), ids=BROKEN)
def test_broken_files_are_refused_without_being_quoted(content: str, problem: str) -> None:
    with pytest.raises(InvalidTokens, match=problem) as refused:
        tokens.parse(content)
    assert A not in str(refused.value)
