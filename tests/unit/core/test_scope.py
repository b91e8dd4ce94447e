"""What a pool's scope lets be scanned."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nessus_operator.api.pool import Scope
from nessus_operator.api.reasons import Reason
from nessus_operator.core import scope
from nessus_operator.core.scope import Refusal
from nessus_operator.core.targets import InvalidTarget

CLUSTER = ("10.96.0.0/12", "fd00:10:96::/108")


def judge(
    texts: Sequence[str],
    *,
    allow: Sequence[str] = (),
    deny: Sequence[str] = (),
    most: int = 4096,
    resolved: Mapping[str, Sequence[str]] | None = None,
) -> Refusal | None:
    bounds = Scope(allow=tuple(allow), deny=tuple(deny), max_hosts_per_scan=most)
    return scope.judge(texts, scope.rules(bounds, CLUSTER), resolved or {})


V4 = ["192.0.2.0/24"]
EVERYTHING = ["0.0.0.0/0", "::/0"]

# targets, allow, deny, the refusal's text after the target or None
NETWORKS = {
    "nothing allowed is nothing scanned": ("192.0.2.1", [], [], "is not in scope.allow"),
    "an allowed address": ("192.0.2.1", ["192.0.2.1"], [], None),
    "its neighbour": ("192.0.2.2", ["192.0.2.1"], [], "is not in scope.allow"),
    "an address of an allowed network": ("192.0.2.1", V4, [], None),
    "an allowed network": ("192.0.2.0/24", V4, [], None),
    "half of it": ("192.0.2.128/25", V4, [], None),
    "twice of it": ("192.0.2.0/23", V4, [], "is not in scope.allow"),
    "a range within": ("192.0.2.3-192.0.2.77", V4, [], None),
    "a range that leads out": ("192.0.2.250-192.0.3.1", V4, [], "is not in scope.allow"),
    "two allowed halves are a whole": (
        "192.0.2.0/24",
        ["192.0.2.0/25", "192.0.2.128/25"],
        [],
        None,
    ),
    "two allowed halves with a hole": (
        "192.0.2.0/24",
        ["192.0.2.0/25", "192.0.2.192/26"],
        [],
        "is not in scope.allow",
    ),
    "deny wins over the same entry": ("192.0.2.1", V4, V4, "is denied by scope.deny"),
    "deny wins over a smaller one": ("192.0.2.1", ["192.0.2.1"], V4, "is denied by scope.deny"),
    "one denied address denies its network": (
        "192.0.2.0/24",
        V4,
        ["192.0.2.77"],
        "is denied by scope.deny",
    ),
    "beside the denied address": ("192.0.2.76", V4, ["192.0.2.77"], None),
    "IPv6 within": ("2001:db8::1", ["2001:db8::/32"], [], None),
    "IPv6 outside": ("2001:db9::1", ["2001:db8::/32"], [], "is not in scope.allow"),
    "IPv6 denied": ("2001:db8::1", ["::/0"], ["2001:db8::/32"], "is denied by scope.deny"),
    "all of IPv4 allows no IPv6": ("2001:db8::1", ["0.0.0.0/0"], [], "is not in scope.allow"),
    "an IPv4 deny says nothing of IPv6": ("2001:db8::1", ["::/0"], ["0.0.0.0/0"], None),
    "a name that is allowed allows no address": (
        "192.0.2.1",
        ["*.example.org"],
        [],
        "is not in scope.allow",
    ),
}


@pytest.mark.parametrize(("target", "allow", "deny", "problem"), NETWORKS.values(), ids=NETWORKS)
def test_networks(target: str, allow: list[str], deny: list[str], problem: str | None) -> None:
    expected = Refusal(Reason.SCOPE_DENIED, f"target {target} {problem}") if problem else None
    assert judge([target], allow=allow, deny=deny) == expected


RESERVED = {
    "this network": "0.1.2.3",
    "loopback": "127.0.0.1",
    "the end of loopback": "127.255.255.254",
    "link-local": "169.254.1.1",
    "the clouds' metadata": "169.254.169.254",
    "multicast": "224.0.0.1",
    "broadcast": "255.255.255.255",
    "IPv6 unspecified": "::",
    "IPv6 loopback": "::1",
    "IPv6 link-local": "fe80::1",
    "IPv6 multicast": "ff02::1",
    "IPv4 behind NAT64": "64:ff9b::10.0.0.1",
    "IPv4 behind NAT64 of one's own": "64:ff9b:1::10.0.0.1",
    "IPv4 in 6to4": "2002:a00:1::1",
    "metadata of Amazon": "fd00:ec2::254",
    "credentials of Amazon": "fd00:ec2::23",
    "metadata of Google": "fd20:ce::254",
    "metadata of Alibaba": "100.100.100.200",
    "metadata of Azure": "168.63.129.16",
    "metadata of Oracle": "192.0.0.192",
    "the cluster's services": "10.96.0.1",
    "the cluster's IPv6 services": "fd00:10:96::1",
}


@pytest.mark.parametrize("address", RESERVED.values(), ids=RESERVED)
def test_reserved_ranges_are_open_only_when_named(address: str) -> None:
    refusal = judge([address], allow=EVERYTHING)
    assert refusal == Refusal(
        Reason.SCOPE_DENIED,
        f"target {address} is a reserved range, which scope.allow must name for itself",
    )
    assert judge([address], allow=[address]) is None
    assert judge([address], allow=[*EVERYTHING, address]) is None
    assert judge([address], allow=[*EVERYTHING, address], deny=[address]) is not None


# targets, allow, may it be scanned?
NAMED = {
    "a network around a reserved one": ("0.0.0.0/0", EVERYTHING, False),
    "a range around a reserved one": ("126.0.0.1-128.0.0.1", EVERYTHING, False),
    "a network beside a reserved one": ("126.0.0.0/8", EVERYTHING, True),
    "a part of a named range": ("127.0.0.53", ["127.0.0.0/8"], True),
    "more than was named": ("127.0.0.0/29", ["127.0.0.1", "0.0.0.0/0"], False),
    "a whole that was named in halves": (
        "169.254.0.0/16",
        ["169.254.0.0/17", "169.254.128.0/17"],
        True,
    ),
    "a named range beside another allowed one": (
        "169.254.9.9",
        ["169.254.0.0/16", "169.255.0.0/16"],
        True,
    ),
    "a network around a named range": ("10.0.0.0/8", ["10.0.0.0/8", "10.96.0.0/12"], True),
    "a network around a range of which half is named": (
        "10.0.0.0/8",
        ["10.0.0.0/8", "10.96.0.0/13"],
        False,
    ),
    "IPv4 in IPv6 clothes inside a network": ("::/64", ["::/0", "::/127"], False),
}


@pytest.mark.parametrize(("target", "allow", "open_"), NAMED.values(), ids=NAMED)
def test_what_naming_a_reserved_range_opens(target: str, allow: list[str], open_: bool) -> None:
    assert (judge([target], allow=allow, most=2**130) is None) is open_


NAMES = {
    "an allowed name": ("app.example.org", ["app.example.org"], [], None),
    "another name": ("app.example.org", ["web.example.org"], [], "is not in scope.allow"),
    "a pattern": ("app.example.org", ["*.example.org"], [], None),
    "a pattern stands for any depth": ("a.b.example.org", ["*.example.org"], [], None),
    "a pattern does not stand for its own name": (
        "example.org",
        ["*.example.org"],
        [],
        "is not in scope.allow",
    ),
    "a pattern needs its dot": ("badexample.org", ["*.example.org"], [], "is not in scope.allow"),
    "a longer name that begins alike": (
        "app.example.org.evil.example.com",
        ["*.example.org", "app.example.org"],
        [],
        "is not in scope.allow",
    ),
    "the case of the target": ("APP.Example.org", ["app.example.org"], [], None),
    "the case of the pattern": ("app.example.org", ["*.EXAMPLE.org"], [], None),
    "the case of the name": ("app.example.org", ["APP.example.org"], [], None),
    "deny wins": (
        "db.example.org",
        ["*.example.org"],
        ["db.example.org"],
        "is denied by scope.deny",
    ),
    "a denied pattern": (
        "a.db.example.org",
        ["*.example.org"],
        ["*.db.example.org"],
        "is denied by scope.deny",
    ),
    "all addresses allow no name": ("app.example.org", EVERYTHING, [], "is not in scope.allow"),
    "the machine's own name": ("localhost", ["*.example.org"], [], "is not in scope.allow"),
}


@pytest.mark.parametrize(("target", "allow", "deny", "problem"), NAMES.values(), ids=NAMES)
def test_names(target: str, allow: list[str], deny: list[str], problem: str | None) -> None:
    refusal = judge([target], allow=allow, deny=deny)
    assert (refusal and refusal.message) == (problem and f"target {target} {problem}")


RESOLVED = {
    "to nothing here": ([], [], None),
    "to an allowed address": (["192.0.2.1"], [], None),
    "to an address that is not allowed": (
        ["198.51.100.1"],
        [],
        "198.51.100.1, which is not in scope.allow",
    ),
    "to one of each": (
        ["192.0.2.1", "198.51.100.1"],
        [],
        "198.51.100.1, which is not in scope.allow",
    ),
    "to a denied address": (
        ["192.0.2.1"],
        ["192.0.2.0/28"],
        "192.0.2.1, which is denied by scope.deny",
    ),
    "to loopback": (
        ["127.0.0.1"],
        [],
        "127.0.0.1, which is not in scope.allow",
    ),
    "to an IPv6 address beside an allowed one": (
        ["192.0.2.1", "2001:db8::1"],
        [],
        "2001:db8::1, which is not in scope.allow",
    ),
    "to an address with a zone": (
        ["fe80::1%eth0"],
        [],
        "'fe80::1%eth0' has a zone, which means something on one host only",
    ),
}


@pytest.mark.parametrize(("addresses", "deny", "problem"), RESOLVED.values(), ids=RESOLVED)
def test_a_name_resolves(addresses: list[str], deny: list[str], problem: str | None) -> None:
    refusal = judge(
        ["APP.example.org"],
        allow=["*.example.org", "192.0.2.0/24"],
        deny=deny,
        resolved={"app.example.org": addresses},
    )
    expected = f"target APP.example.org resolves to {problem}"
    assert refusal == (Refusal(Reason.SCOPE_DENIED, expected) if problem else None)


COUNTS = {
    "as many as are allowed": (["192.0.2.0/29"], 8, None),
    "one more": (["192.0.2.0/29", "192.0.2.8"], 8, 9),
    "names count as one each": (["a.example.org", "b.example.org"], 1, 2),
    "a range counts its addresses": (["192.0.2.1-192.0.2.9"], 8, 9),
    "an IPv6 network is more than any number of 64 bits": (
        ["2001:db8::/64"],
        2**63,
        18_446_744_073_709_551_616,
    ),
    "all of IPv6": (["::/0"], 4096, 2**128),
}


@pytest.mark.parametrize(("texts", "most", "hosts"), COUNTS.values(), ids=COUNTS)
def test_counts(texts: list[str], most: int, hosts: int | None) -> None:
    refusal = judge(texts, allow=[*V4, "*.example.org", "::/0"], most=most)
    message = f"{hosts} addresses are more than the {most} of scope.maxHostsPerScan"
    assert refusal == (Refusal(Reason.TOO_MANY_HOSTS, message) if hosts else None)


def test_no_target_is_read_loosely() -> None:
    refusal = judge(["192.0.2.1", "010.0.0.1"], allow=EVERYTHING)
    text = "target '010.0.0.1' is not an address, a network, a range or a host name"
    assert refusal == Refusal(Reason.INVALID_TARGETS, text)


def test_the_first_target_outside_is_named() -> None:
    refusal = judge(["192.0.2.1", "198.51.100.1", "203.0.113.1"], allow=V4)
    assert refusal is not None
    assert refusal.message.startswith("target 198.51.100.1 ")


def test_a_scope_that_cannot_be_read_is_no_scope() -> None:
    with pytest.raises(InvalidTarget):
        scope.rules(Scope(allow=("192.0.2.0/24",), deny=("192.0.2.1/24",)))


def test_the_hosts_of_a_report_outside_the_scope() -> None:
    bounds = scope.rules(Scope(allow=("192.0.2.0/24", "*.example.org"), deny=("192.0.2.9",)))
    hosts = ["192.0.2.1", "192.0.2.9", "a.example.org", "example.com", "127.0.0.1", "<odd name>"]
    assert scope.outside(hosts, bounds) == ["192.0.2.9", "example.com", "127.0.0.1", "<odd name>"]


# Parts of 192.0.2.0/28, so that entries often overlap and every address can be looked at.
parts = st.builds(
    lambda last, bits: IPv4Network((f"192.0.2.{last}", bits), strict=False),
    st.integers(0, 15),
    st.integers(28, 32),
)
few = st.lists(parts, max_size=5)


@given(allow=few, deny=few, target=parts)
def test_the_verdict_is_that_of_every_single_address(
    allow: list[IPv4Network], deny: list[IPv4Network], target: IPv4Network
) -> None:
    def open_(address: IPv4Address) -> bool:
        return any(address in one for one in allow) and not any(address in one for one in deny)

    refusal = judge([str(target)], allow=list(map(str, allow)), deny=list(map(str, deny)))
    assert (refusal is None) == all(map(open_, target))
