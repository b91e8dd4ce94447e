import re

import pytest
from tests.builders import make_pool, make_scan, make_scanner

from nessus_gateway import submission
from nessus_gateway.errors import NotFound, Refused
from nessus_gateway.submission import Place
from nessus_operator.api.names import ANNOTATION_REQUESTER
from nessus_operator.api.pool import ScannerPool
from nessus_operator.api.scan import NessusScan, ScanSpec

SPLIT = {
    "commas, blanks, semicolons and line feeds part targets": (
        "192.0.2.1, 192.0.2.2;app.example.org\n2001:db8::/64\t198.51.100.1-198.51.100.9",
        ("192.0.2.1", "192.0.2.2", "app.example.org", "2001:db8::/64", "198.51.100.1-198.51.100.9"),
    ),
    "a target named twice is taken once": ("192.0.2.1 192.0.2.1", ("192.0.2.1",)),
    "commas at the ends are no targets": (",192.0.2.1,", ("192.0.2.1",)),
}


@pytest.mark.parametrize(("text", "found"), SPLIT.values(), ids=SPLIT)
def test_targets_are_split(text: str, found: tuple[str, ...]) -> None:
    assert submission.split_targets(text) == found


REFUSED_TARGETS = {
    "no target at all": (" , ", "targets is empty"),
    "a target that is none is named": ("192.0.2.1 192.0.2.300", "'192.0.2.300' is not an address"),
    "a leading zero is refused": ("010.0.0.1", "'010.0.0.1'"),
    "host bits are refused": ("192.0.2.1/24", "has host bits set"),
    "an address in IPv6 clothes is refused": ("::ffff:192.0.2.1", "write it as IPv4"),
    "the first five of many are named": ("!a !b !c !d !e !f !g", "'!e'.*and 2 more"),
    "more than 512 are refused": (
        " ".join(f"192.0.{n // 250}.{n % 250 + 1}" for n in range(513)),
        "512 of them",
    ),
    "more than 8192 characters are refused": (
        " ".join(f"{'a' * 60}.{'b' * 60}.{n}.example.org" for n in range(70)),
        "8192 characters",
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED_TARGETS.values(), ids=REFUSED_TARGETS)
def test_targets_are_refused(text: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        submission.split_targets(text)


PLACES = {
    "nothing named is home": (None, None, Place("security")),
    "a pool at home": ("nessus", None, Place("security", "nessus")),
    "a pool elsewhere": ("dmz/nessus", None, Place("dmz", "nessus")),
    "a scanner of any pool that is chosen": (None, "s1", Place("security", None, "s1")),
    "a scanner with its pool": (None, "nessus:s1", Place("security", "nessus", "s1")),
    "a scanner with its pool elsewhere": (None, "dmz/nessus:s1", Place("dmz", "nessus", "s1")),
    "both say the same": ("dmz/nessus", "nessus:s1", Place("dmz", "nessus", "s1")),
    "both say the same in full": ("dmz/nessus", "dmz/nessus:s1", Place("dmz", "nessus", "s1")),
}


@pytest.mark.parametrize(("pool", "scanner", "found"), PLACES.values(), ids=PLACES)
def test_places(pool: str | None, scanner: str | None, found: Place) -> None:
    assert submission.place(pool, scanner, "security") == found


def test_two_different_pools_are_refused() -> None:
    with pytest.raises(Refused, match="name one pool"):
        submission.place("nessus", "other:s1", "security")


def test_who_has_no_home_must_name_a_namespace() -> None:
    with pytest.raises(Refused, match="namespace/name"):
        submission.place("nessus", None, None)


DEFAULT = {"nessus-operator.dev/default-pool": "true"}
GOING = {"deletion_timestamp": "2026-11-21T12:00:00Z"}
CHOICES = {
    "the only pool is the default": (None, [make_pool("a")], "a"),
    "the annotated pool is the default": (
        None,
        [make_pool("a"), make_pool("b", annotations=DEFAULT)],
        "b",
    ),
    "a named pool beats the default": (
        "a",
        [make_pool("a"), make_pool("b", annotations=DEFAULT)],
        "a",
    ),
    "a pool that is going does not count": (None, [make_pool("a", **GOING), make_pool("b")], "b"),
}


@pytest.mark.parametrize(("name", "pools", "chosen"), CHOICES.values(), ids=CHOICES)
def test_the_pool_is_chosen(name: str | None, pools: list[ScannerPool], chosen: str) -> None:
    assert submission.choose_pool(Place("security", name), pools).metadata.name == chosen


NO_CHOICES = {
    "several pools without a default are listed": (
        None,
        [make_pool("b"), make_pool("a")],
        "several scanner pools and no single default; name one in scanner_pool: a, b",
    ),
    "two defaults are none": (
        None,
        [make_pool("b", annotations=DEFAULT), make_pool("a", annotations=DEFAULT)],
        "no single default",
    ),
    "an unknown pool is answered with those there are": (
        "c",
        [make_pool("b"), make_pool("a")],
        re.escape("no scanner pool 'c' in namespace security (there: a, b)"),
    ),
    "a namespace without pools says so": (None, [], "has no scanner pool"),
}


@pytest.mark.parametrize(("name", "pools", "message"), NO_CHOICES.values(), ids=NO_CHOICES)
def test_no_pool_is_chosen(name: str | None, pools: list[ScannerPool], message: str) -> None:
    with pytest.raises(Refused, match=message):
        submission.choose_pool(Place("security", name), pools)


def test_an_unknown_scanner_is_answered_with_those_there_are() -> None:
    pool = make_pool(scanners=[make_scanner("s2"), make_scanner("s1")])
    submission.check_scanner("s1", pool)
    submission.check_scanner(None, pool)
    with pytest.raises(NotFound, match="it has s1, s2"):
        submission.check_scanner("s3", pool)


TEXTS = {
    "an empty name": (" ", "", "name is empty"),
    "a control character in the name": ("DMZ\x1b[31m", "", "name holds control"),
    "a bidirectional mark in the name": ("DMZ\u202e", "", "name holds control"),
    "a line feed in the name": ("DMZ\n", "", "name holds control"),
    "a null in the description": ("DMZ", "a\x00", "description holds control"),
    "a description that grows in JSON": ("DMZ", "<" * 300, "1280 bytes"),
}


@pytest.mark.parametrize(("name", "description", "message"), TEXTS.values(), ids=TEXTS)
def test_texts_are_refused(name: str, description: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        submission.check_texts(name, description)


def test_texts_of_people_are_taken() -> None:
    submission.check_texts("Büro, wöchentlich 🙂", "first line\n\tsecond & last")


def test_an_object_name_fits_kubernetes_and_depends_on_all_three() -> None:
    name = submission.object_name("agent-7", "security", "k")
    assert re.fullmatch("scan-[a-z2-7]{52}", name)
    assert name == submission.object_name("agent-7", "security", "k")
    others = {
        submission.object_name("agent-8", "security", "k"),
        submission.object_name("agent-7", "dmz", "k"),
        submission.object_name("agent-7", "security", "K"),
        submission.object_name("agent-7security", "", "k"),
    }
    assert len(others | {name}) == 5


def spec(**changes: object) -> ScanSpec:
    known = submission.untrusted_spec("pool", None, "DMZ", "weekly", ("192.0.2.1",))
    return known.but(**changes)


def known(wanted: ScanSpec, requester: str = "agent-7") -> NessusScan:
    return make_scan(annotations={ANNOTATION_REQUESTER: requester}).but(spec=wanted)


REPEATS = {
    "the same request does not differ": (known(spec()), []),
    "another pool is the same request": (known(spec(pool_ref={"name": "x"})), []),
    "another scanner is the same request": (known(spec(scanner_name="s1")), []),
    "what may be changed later is the same request": (
        known(spec(priority=7, suspend=True, cancel=True, manual_retries=2)),
        [],
    ),
    "other targets differ": (known(spec(targets=("192.0.2.2",))), ["targets"]),
    "another order of targets differs": (
        known(spec(targets=("192.0.2.1", "192.0.2.2"))),
        ["targets"],
    ),
    "each argument that differs is named as the tool names it": (
        known(spec(display_name="x", description="y")),
        ["description", "name"],
    ),
    "what the tool cannot set differs, too": (known(spec(template="discovery")), ["template"]),
    "a scan of somebody else differs": (known(spec(), "agent-8"), ["requester"]),
}


@pytest.mark.parametrize(("first", "differing"), REPEATS.values(), ids=REPEATS)
def test_repeats(first: NessusScan, differing: list[str]) -> None:
    assert submission.differences(first, spec(), "agent-7") == differing


def test_the_object_says_who_asked_and_in_which_trace() -> None:
    body = submission.scan_object(
        "security", "scan-x", spec(), requester="agent-7", traceparent="00-a-b-01"
    )
    assert body["metadata"]["annotations"] == {
        "nessus-operator.dev/requester": "agent-7",
        "nessus-operator.dev/traceparent": "00-a-b-01",
    }
    assert body["spec"]["targets"] == ["192.0.2.1"]
    assert body["spec"]["scanType"] == "Untrusted"
    assert "scannerName" not in body["spec"]
