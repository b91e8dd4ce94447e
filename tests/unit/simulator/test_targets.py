"""`text_targets` become hosts, and nonsense is refused."""

import pytest

from nessus_simulator import targets
from nessus_simulator.refusals import Refusal

EXPANDED = {
    "an address": ("192.0.2.1", ["192.0.2.1"]),
    "an IPv6 address in its short form": ("2001:DB8:0::1", ["2001:db8::1"]),
    "a list by commas, blanks and lines": (
        "192.0.2.1, 192.0.2.2\n192.0.2.3 192.0.2.4",
        ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"],
    ),
    "a list with a comma too many": ("192.0.2.1,,192.0.2.2,", ["192.0.2.1", "192.0.2.2"]),
    "a network without its own and its broadcast address": (
        "192.0.2.0/30",
        ["192.0.2.1", "192.0.2.2"],
    ),
    "a network that is named by a host in it": ("192.0.2.2/31", ["192.0.2.2", "192.0.2.3"]),
    "a range": ("192.0.2.254-192.0.3.1", ["192.0.2.254", "192.0.2.255", "192.0.3.0", "192.0.3.1"]),
    "a name in small letters": ("App.Example.org", ["app.example.org"]),
    "a name with a dash": ("a-b.example.org", ["a-b.example.org"]),
    "each host once, where it stands first": (
        "192.0.2.2,192.0.2.1-192.0.2.3,192.0.2.2",
        ["192.0.2.2", "192.0.2.1", "192.0.2.3"],
    ),
}


@pytest.mark.parametrize(("text", "hosts"), EXPANDED.values(), ids=EXPANDED)
def test_targets_are_expanded(text: str, hosts: list[str]) -> None:
    assert list(targets.expand(text)) == hosts


REFUSED = {
    "nothing": "",
    "only separators": " , ",
    "an address that is none": "192.0.2.256",
    "too few numbers": "192.0.2",
    "a network that is none": "192.0.2.0/33",
    "a range the wrong way round": "192.0.2.9-192.0.2.1",
    "a range over both kinds of address": "192.0.2.1-2001:db8::1",
    "a name with a bad letter": "exa_mple.org",
    "a URL": "https://example.org/",
    "too many hosts": "198.51.0.0/16",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_bad_targets_are_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        targets.expand(text)
    assert refused.value.status == 400


def test_as_many_hosts_as_the_bound_are_scanned() -> None:
    assert len(targets.expand("198.51.0.0-198.51.15.255")) == targets.MAX_HOSTS


def test_nobody_answers_for_names_that_never_resolve() -> None:
    assert targets.reachable(("a.invalid", "b.example.org", "C.INVALID")) == ("b.example.org",)
