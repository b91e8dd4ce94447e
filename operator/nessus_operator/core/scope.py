"""May these targets be scanned from this pool? Nothing allowed is nothing scanned; deny wins."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from nessus_operator.api.pool import Scope
from nessus_operator.api.reasons import Reason
from nessus_operator.core import targets
from nessus_operator.core.targets import InvalidTarget, Network, Target

# Loopback, link-local with the clouds' metadata services, unspecified, multicast and broadcast.
# They are refused unless an entry of `allow` lies inside: 0.0.0.0/0 does not open them.
SPECIAL: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "255.255.255.255/32",
        "::/127",
        "fe80::/10",
        "ff00::/8",
        "fd00:ec2::254/128",
    )
)


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Rules:
    """A pool's scope, parsed once, with the ranges that need to be allowed by name."""

    allow: tuple[Network, ...]
    allow_names: tuple[str, ...]
    deny: tuple[Network, ...]
    deny_names: tuple[str, ...]
    max_hosts: int
    reserved: tuple[Network, ...] = field(default=SPECIAL)


def rules(scope: Scope, cluster_ranges: Iterable[str] = ()) -> Rules:
    """Entries that the CRD would have refused raise InvalidTarget."""
    allow, allow_names = _entries(scope.allow)
    deny, deny_names = _entries(scope.deny)
    reserved = (*SPECIAL, *(ip_network(text) for text in cluster_ranges))
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
        resolved = {name: targets.parse_all(found) for name, found in addresses.items()}
    except InvalidTarget as error:
        return Refusal(Reason.INVALID_TARGETS, f"target {error}")
    hosts = sum(target.hosts for target in parsed)
    if hosts > scope.max_hosts:
        message = f"{hosts} addresses are more than the {scope.max_hosts} of scope.maxHostsPerScan"
        return Refusal(Reason.TOO_MANY_HOSTS, message)
    for target in parsed:
        problem = _problem(target, scope, resolved.get(target.host_name or "", ()))
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


def _problem(target: Target, scope: Rules, resolved: Iterable[Target]) -> str | None:
    if target.host_name is None:
        return _first_problem(target.networks, scope)
    if any(_matches(target.host_name, pattern) for pattern in scope.deny_names):
        return "is denied by scope.deny"
    if not any(_matches(target.host_name, pattern) for pattern in scope.allow_names):
        return "is not in scope.allow"
    for address in resolved:
        problem = _first_problem(address.networks, scope)
        if problem:
            return f"resolves to {address.text}, which {problem}"
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
    return not any(_inside(network, other) for other in scope.allow)


def _reserved(network: Network, scope: Rules) -> bool:
    return any(
        _overlap(network, special)
        and not any(_inside(network, a) and _inside(a, special) for a in scope.allow)
        for special in scope.reserved
    )


def _inside(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.subnet_of(other)
    if isinstance(one, IPv6Network) and isinstance(other, IPv6Network):
        return one.subnet_of(other)
    return False


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _matches(name: str, pattern: str) -> bool:
    """`*.example.org` stands for every name below example.org, and not for example.org."""
    pattern = pattern.lower()
    if pattern.startswith("*."):
        return name.endswith(pattern[1:]) and len(name) > len(pattern) - 1
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


def _collapse(networks: Iterable[Network]) -> tuple[Network, ...]:
    v4 = collapse_addresses(n for n in networks if isinstance(n, IPv4Network))
    v6 = collapse_addresses(n for n in networks if isinstance(n, IPv6Network))
    return (*v4, *v6)
