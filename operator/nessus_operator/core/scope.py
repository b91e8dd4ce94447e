"""May these targets be scanned from this pool? Nothing allowed is nothing scanned; deny wins."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from nessus_operator.api.pool import Scope
from nessus_operator.api.reasons import Reason
from nessus_operator.core import targets
from nessus_operator.core.targets import InvalidTarget, Network, Target

# They are refused unless an entry of `allow` lies inside: 0.0.0.0/0 does not open them.
SPECIAL: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        # unspecified, loopback, link-local, multicast, broadcast
        *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32"),
        *("::/127", "fe80::/10", "ff00::/8"),
        # IPv4 addresses in IPv6 clothes (mapped, NAT64, 6to4), which an IPv4 deny would not see
        *("::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16"),
        # metadata and credentials of the clouds, where they are not link-local
        *("fd00:ec2::/32", "fd20:ce::254/128", "100.100.100.200/32", "168.63.129.16/32"),
        "192.0.0.192/32",
    )
)


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Reserved:
    """A range that needs to be allowed by name, and what of it was."""

    network: Network
    named: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """A pool's scope, parsed once."""

    allow: tuple[Network, ...]
    allow_names: tuple[str, ...]
    deny: tuple[Network, ...]
    deny_names: tuple[str, ...]
    max_hosts: int
    reserved: tuple[Reserved, ...]


def rules(scope: Scope, cluster_ranges: Iterable[str] = ()) -> Rules:
    """Entries that the CRD would have refused raise InvalidTarget."""
    allow, allow_names = _entries(scope.allow)
    deny, deny_names = _entries(scope.deny)
    reserved = tuple(
        Reserved(network, _collapse([entry for entry in allow if inside(entry, network)]))
        for network in (*SPECIAL, *map(ip_network, cluster_ranges))
    )
    return Rules(
        _collapse(allow), allow_names, deny, deny_names, scope.max_hosts_per_scan, reserved
    )


def judge(
    texts: Sequence[str], scope: Rules, addresses: Mapping[str, Sequence[str]]
) -> Refusal | None:
    """The first reason against these targets; None when all may be scanned.

    `addresses` has what each host name resolves to here, and misses those that do not resolve.
    """
    try:
        parsed = targets.parse_all(texts)
    except InvalidTarget as error:
        return Refusal(Reason.INVALID_TARGETS, f"target {error}")
    hosts = sum(target.hosts for target in parsed)
    if hosts > scope.max_hosts:
        message = f"{hosts} addresses are more than the {scope.max_hosts} of scope.maxHostsPerScan"
        return Refusal(Reason.TOO_MANY_HOSTS, message)
    for target in parsed:
        problem = _problem(target, scope, addresses.get(target.host_name or "", ()))
        if problem:
            return Refusal(Reason.SCOPE_DENIED, f"target {target.text} {problem}")
    return None


def outside(texts: Iterable[str], scope: Rules) -> list[str]:
    """Which of these hosts, as a report names them, lie outside the scope."""
    found = []
    for text in texts:
        try:
            if _problem(targets.parse(text), scope, ()):
                found.append(text)
        except InvalidTarget:
            found.append(text)
    return found


def inside(one: Network, other: Network) -> bool:
    """The one network lies wholly inside the other."""
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.subnet_of(other)
    if isinstance(one, IPv6Network) and isinstance(other, IPv6Network):
        return one.subnet_of(other)
    return False


def _problem(target: Target, scope: Rules, addresses: Iterable[str]) -> str | None:
    if target.host_name is None:
        return _first_problem(target.networks, scope)
    if any(_matches(target.host_name, pattern) for pattern in scope.deny_names):
        return "is denied by scope.deny"
    if not any(_matches(target.host_name, pattern) for pattern in scope.allow_names):
        return "is not in scope.allow"
    for address in addresses:
        try:
            problem = _first_problem(targets.parse(address).networks, scope)
        except InvalidTarget as error:
            return f"resolves to {error}"
        if problem:
            return f"resolves to {address}, which {problem}"
    return None


def _first_problem(networks: Iterable[Network], scope: Rules) -> str | None:
    checks: tuple[tuple[Callable[[Network, Rules], bool], str], ...] = (
        (_denied, "is denied by scope.deny"),
        (_not_allowed, "is not in scope.allow"),
        (_reserved, "is a reserved range, which scope.allow must name for itself"),
    )
    return next(
        (text for network in networks for check, text in checks if check(network, scope)), None
    )


def _denied(network: Network, scope: Rules) -> bool:
    return any(_overlap(network, other) for other in scope.deny)


def _not_allowed(network: Network, scope: Rules) -> bool:
    return not any(inside(network, other) for other in scope.allow)


def _reserved(network: Network, scope: Rules) -> bool:
    return any(
        _overlap(network, reserved.network) and not _named(network, reserved)
        for reserved in scope.reserved
    )


def _named(network: Network, reserved: Reserved) -> bool:
    """Was all that the two have in common allowed by name?"""
    shared = network if inside(network, reserved.network) else reserved.network
    return any(inside(shared, entry) for entry in reserved.named)


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _matches(name: str, pattern: str) -> bool:
    """`*.example.org` stands for every name below example.org, and not for example.org."""
    pattern = pattern.lower()
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return name == pattern


def _entries(texts: Iterable[str]) -> tuple[tuple[Network, ...], tuple[str, ...]]:
    networks: list[Network] = []
    names: list[str] = []
    for text in texts:
        if text.startswith("*."):
            targets.parse(text[2:])
            names.append(text)
            continue
        target = targets.parse(text)
        networks += target.networks
        if target.host_name:
            names.append(target.host_name)
    return tuple(networks), tuple(names)


def _collapse(networks: Sequence[Network]) -> tuple[Network, ...]:
    v4 = collapse_addresses(n for n in networks if isinstance(n, IPv4Network))
    v6 = collapse_addresses(n for n in networks if isinstance(n, IPv6Network))
    return (*v4, *v6)
