"""What is a target and what is none; the API server's schema refuses nearly the same."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nessus_operator.core import targets
from nessus_operator.core.targets import Address, InvalidTarget

ACCEPTED = {
    "an address": ("192.0.2.1", 1),
    "an IPv6 address": ("2001:db8::1", 1),
    "an IPv6 address in capitals": ("2001:DB8::A", 1),
    "a network": ("192.0.2.0/24", 256),
    "a network of one address": ("192.0.2.7/32", 1),
    "everything there is": ("0.0.0.0/0", 2**32),
    "an IPv6 network": ("2001:db8::/64", 2**64),
    "all of IPv6": ("::/0", 2**128),
    "a range": ("192.0.2.10-192.0.2.20", 11),
    "a range of one address": ("192.0.2.10-192.0.2.10", 1),
    "a range across a border of networks": ("192.0.2.250-192.0.3.9", 16),
    "an IPv6 range": ("2001:db8::1-2001:db8::ff", 255),
    "a host name": ("app.example.org", 1),
    "a host name in capitals": ("APP.Example.ORG", 1),
    "a host name of one label": ("localhost", 1),
    "a name inside a cluster": ("kubernetes.default.svc", 1),
    "a host name with a dash": ("my-app.example.org", 1),
    "a host name with underscores": ("_sip._tcp.example.org", 1),
    "a label that begins with a digit": ("3com.example.org", 1),
    "the longest label": (f"{'a' * 63}.example.org", 1),
    "the longest host name": (".".join(["a" * 62] * 4) + ".b", 1),
}

REFUSED = {
    "nothing": "",
    "a leading zero, which some read as octal": "010.0.0.1",
    "a short form": "127.1",
    "an address as one number": "2130706433",
    "an address in hexadecimal": "0x7f000001",
    "a part in hexadecimal": "0x7f.0.0.1",
    "an IPv4 address in IPv6 clothes": "::ffff:10.0.0.1",
    "the same in hexadecimal": "::ffff:a00:1",
    "a network in IPv6 clothes": "::ffff:10.0.0.0/104",
    "all of IPv4 in IPv6 clothes": "::ffff:0:0/96",
    "a range in IPv6 clothes": "::ffff:10.0.0.1-::ffff:10.0.0.9",
    "a range that begins in IPv6 clothes": "::ffff:10.0.0.1-2001:db8::1",
    "a range that ends in IPv6 clothes": "::1-::ffff:10.0.0.1",
    "a zone": "fe80::1%eth0",
    "a zone in a network": "fe80::%eth0/64",
    "a zone in a range": "fe80::1%eth0-fe80::2%eth0",
    "host bits": "192.0.2.5/24",
    "host bits in IPv6": "2001:db8::1/64",
    "a prefix that is too long": "192.0.2.0/33",
    "an IPv6 prefix that is too long": "2001:db8::/129",
    "a prefix with a leading zero": "192.0.2.0/024",
    "a prefix with a sign": "192.0.2.0/+24",
    "a prefix below zero": "192.0.2.0/-1",
    "a prefix that is no digit": "192.0.2.0/²",
    "no prefix": "192.0.2.0/",
    "a network mask": "192.0.2.0/255.255.255.0",
    "two prefixes": "192.0.2.0/24/24",
    "a network of a name": "example.org/24",
    "a range of networks": "192.0.2.0/24-192.0.3.0/24",
    "a range of two families": "192.0.2.1-2001:db8::1",
    "a range that ends before it begins": "192.0.2.20-192.0.2.10",
    "an IPv6 range that ends before it begins": "2001:db8::2-2001:db8::1",
    "the short form of a range": "192.0.2.1-20",
    "a range of three": "192.0.2.1-192.0.2.3-192.0.2.5",
    "a range without an end": "192.0.2.1-",
    "a range without a beginning": "-192.0.2.1",
    "two in one": "192.0.2.1,192.0.2.2",
    "a blank": "192.0.2.1 192.0.2.2",
    "a blank at the end": "192.0.2.1 ",
    "a blank at the beginning": " example.org",
    "a line break": "192.0.2.1\n192.0.2.2",
    "a line break at the end of an address": "192.0.2.1\n",
    "a line break at the end of a network": "192.0.2.0/24\n",
    "a line break at the end of a name": "example.org\n",
    "a null": "example.org\0",
    "a name with an address": "x[10.0.0.1]",
    "a URL": "https://example.org",
    "a URL without a path": "https:example.org",
    "a port": "example.org:443",
    "an address with a port": "192.0.2.1:443",
    "an IPv6 address in brackets": "[2001:db8::1]",
    "a wildcard": "*.example.org",
    "a wildcard address": "192.0.2.*",
    "a trailing dot": "example.org.",
    "an empty label": "app..example.org",
    "a leading dot": ".example.org",
    "a label that begins with a dash": "-app.example.org",
    "a label that ends with a dash": "app-.example.org",
    "a last label that ends with a dash": "app.org-",
    "a last label of digits": "example.123",
    "a last label that begins with a digit": "example.0x7f",
    "a label that is too long": f"{'a' * 64}.example.org",
    "a name that is too long": ".".join(["a" * 62] * 4) + ".bc",
    "digits of another script": "\uff11\uff19\uff12.0.2.1",
    "letters of another script": "\u0435\u0445\u0430mple.org",
    "an umlaut": "büro.example.org",
    "a letter that folds to ASCII": "\u212aube.example.org",
    "bidi control": "example.org\u202e",
    "an octet above 255": "192.0.2.256",
    "five octets": "192.0.2.1.5",
    "a colon too many": "2001:db8:::1",
    "a group of five digits": "2001:db8::00001",
    "a user": "root@example.org",
}


@pytest.mark.parametrize(("text", "hosts"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(text: str, hosts: int) -> None:
    target = targets.parse(text)
    assert target.hosts == hosts
    assert target.text == text
    assert bool(target.networks) != bool(target.host_name)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(InvalidTarget):
        targets.parse(text)


PROBLEMS = {
    "no target at all": ("a b", "'a b' is not an address, a network, a range or a host name"),
    "no network": ("a/b", "'a/b' is not a network such as 192.0.2.0/24"),
    "host bits": ("192.0.2.5/24", "'192.0.2.5/24' has host bits set, or a prefix that is too long"),
    "a range that falls": ("192.0.2.2-192.0.2.1", "'192.0.2.2-192.0.2.1' ends before it begins"),
    "two families": ("192.0.2.1-2001:db8::1", "'192.0.2.1-2001:db8::1' mixes IPv4 and IPv6"),
    "a zone": ("fe80::1%a", "'fe80::1%a' has a zone, which means something on one host only"),
    "IPv6 clothes": (
        "::ffff:a00:1",
        "'::ffff:a00:1' is an IPv4 address in IPv6 clothes; write it as IPv4",
    ),
    "hostile text is quoted and cut": (
        "\x1b]0;x\x07" + "y" * 999,
        f"{chr(39)}\\x1b]0;x\\x07{'y' * 58}{chr(39)} is not an address, a network, a range or a "
        "host name",
    ),
}


@pytest.mark.parametrize(("text", "message"), PROBLEMS.values(), ids=PROBLEMS)
def test_the_problem_is_said(text: str, message: str) -> None:
    with pytest.raises(InvalidTarget) as refused:
        targets.parse(text)
    assert str(refused.value) == message


def test_host_names_are_folded_to_lower_case() -> None:
    assert targets.parse("APP.Example.ORG").host_name == "app.example.org"


plain_ipv6 = st.ip_addresses(v=6).filter(lambda address: address.ipv4_mapped is None)


@given(st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)).map(sorted))
def test_a_range_holds_exactly_its_addresses(ends: list[IPv4Address]) -> None:
    low, high = ends
    target = targets.parse(f"{low}-{high}")
    assert target.hosts == int(high) - int(low) + 1
    assert min(network[0] for network in target.networks) == low
    assert max(network[-1] for network in target.networks) == high


@given(st.ip_addresses(v=4) | plain_ipv6)
def test_an_address_is_read_as_it_was_written(address: Address) -> None:
    (network,) = targets.parse(str(address)).networks
    assert str(network.network_address) == str(address)


@given(st.text(max_size=300))
def test_any_text_is_a_target_or_refused(text: str) -> None:
    try:
        target = targets.parse(text)
    except InvalidTarget:
        return
    assert text.isascii()
    assert text == "".join(text.split())
    assert target.hosts >= 1


SUMMARIES = {
    "none": ((), ""),
    "one": (("192.0.2.1",), "192.0.2.1"),
    "three": (("192.0.2.0/24", "a.example.org", "b.example.org"), "192.0.2.0/24 +2"),
    "the most, and the longest": (("a" * 253,) * 512, f"{'a' * 64} +511"),
}


@pytest.mark.parametrize(("texts", "summary"), SUMMARIES.values(), ids=SUMMARIES)
def test_summary(texts: tuple[str, ...], summary: str) -> None:
    assert targets.summary(texts) == summary
