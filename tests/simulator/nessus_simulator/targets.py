"""From `text_targets` to the hosts of a run: addresses, networks, ranges and names."""

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from nessus_simulator import refusals

MAX_HOSTS = 4096
UNREACHABLE = ".invalid"  # names that never resolve (RFC 6761): no host answers for them

NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*", re.I)


def expand(text: str) -> tuple[str, ...]:
    """Each host once, in the order of the text, which separates entries by commas or white space.

    Refused (400): nothing at all, an entry that is none of the four, more than 4096 hosts.
    """
    hosts: dict[str, None] = {}
    for entry in re.findall(r"[^,\s]+", text):
        for host in _expand_entry(entry):
            hosts[host] = None
            if len(hosts) > MAX_HOSTS:
                raise refusals.invalid(f"Too many targets: the simulator scans {MAX_HOSTS} hosts")
    if not hosts:
        raise refusals.invalid("There are no targets")
    return tuple(hosts)


def reachable(hosts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(host for host in hosts if not host.lower().endswith(UNREACHABLE))


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _expand_entry(entry: str) -> Iterator[str]:
    first, dash, last = entry.partition("-")
    if is_address(entry):
        yield str(ip_address(entry))
    elif "/" in entry:
        yield from _network(entry)
    elif dash and is_address(first) and is_address(last):
        yield from _range(first, last)
    elif NAME.fullmatch(entry) and not entry.replace(".", "").isdigit():
        yield entry.lower()
    else:
        raise refusals.invalid(f"Invalid target: {entry[:80]!r}")


def _network(entry: str) -> Iterator[str]:
    try:
        network = ip_network(entry, strict=False)
    except ValueError:
        raise refusals.invalid(f"Invalid target: {entry[:80]!r}") from None
    return (str(host) for host in network.hosts())


def _range(first: str, last: str) -> Iterator[str]:
    low, high = ip_address(first), ip_address(last)
    if low.version != high.version or int(low) > int(high):
        raise refusals.invalid(f"Invalid target: {first}-{last}")
    return (str(type(low)(number)) for number in range(int(low), int(high) + 1))
