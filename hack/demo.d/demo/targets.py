"""What to scan, and the scope that allows exactly that: invented hosts, or those of a report."""

import asyncio
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network

from demo.failures import WrongInput
from demo.report import Report
from nessus_operator.core import targets
from nessus_operator.core.targets import Address, InvalidTarget, Network

MOST_ENTRIES = 256  # of scope.allow
MOST_CHARACTERS = 8192  # of all targets together
MOST_HOSTS = 4096  # that one scan may take: scope.maxHostsPerScan
_WIDEST = 12  # bits by which networks may be widened
_RESOLVE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`elements`: how many hosts the simulated scanner will take its time for."""

    targets: tuple[str, ...]
    allow: tuple[str, ...]
    elements: int


INVENTED = Plan(("192.0.2.10-192.0.2.15",), ("192.0.2.0/24",), elements=6)


async def of_report(report: Report) -> Plan:
    """The hosts of a report as targets; raises WrongInput where that cannot be.

    Allowed are, besides, the addresses that the report gives its hosts, by which the operator
    judges them, and those that their names resolve to here, which it looks up before a launch.
    """
    if not report.names:
        raise WrongInput("names no host, so there is nothing to scan: give the report of a scan")
    addresses, hosts = _parsed(report.names)
    networks = _networks(addresses, MOST_ENTRIES - len(hosts))
    wanted = (*map(_text, networks), *hosts)
    known = set(_addresses((*report.addresses, *await _resolve(hosts)))) - addresses
    more = _networks(known, MOST_ENTRIES - len(wanted))
    allow = tuple(dict.fromkeys((*wanted, *map(_text, more))))
    size = sum(network.num_addresses for network in networks) + len(hosts)
    if len(allow) > MOST_ENTRIES or len(",".join(wanted)) > MOST_CHARACTERS or size > MOST_HOSTS:
        raise WrongInput(f"names {len(report.names)} hosts, which are too many for one scan")
    return Plan(wanted, allow, report.elements)


def _parsed(names: Iterable[str]) -> tuple[set[Address], tuple[str, ...]]:
    """Addresses, and host names in lower case, each once."""
    addresses: set[Address] = set()
    hosts: dict[str, None] = {}
    for name in names:
        try:
            host = targets.parse(name).host_name
        except InvalidTarget as error:
            raise WrongInput(f"names a host that cannot be a target: {error}") from None
        if host:
            hosts[host] = None
            continue
        try:
            addresses.add(ip_address(name))
        except ValueError:
            raise WrongInput(f"names a host that is no single address: {name[:64]!r}") from None
    return addresses, tuple(hosts)


def _addresses(texts: Iterable[str]) -> Iterator[Address]:
    """Those of the texts that are addresses; a scope can name no other."""
    for text in texts:
        with suppress(InvalidTarget):
            for network in targets.parse(text).networks:
                yield network.network_address


def _networks(addresses: Iterable[Address], room: int) -> list[Network]:
    """As few networks as have room, no wider than that takes."""
    found: list[Network] = []
    for spare in range(_WIDEST + 1):
        networks = [
            ip_network((address, address.max_prefixlen - spare), strict=False)
            for address in addresses
        ]
        found = [
            *collapse_addresses(n for n in networks if isinstance(n, IPv4Network)),
            *collapse_addresses(n for n in networks if isinstance(n, IPv6Network)),
        ]
        if len(found) <= room:
            break
    return found


def _text(network: Network) -> str:
    alone = network.num_addresses == 1
    return str(network.network_address if alone else network)


async def _resolve(names: Iterable[str]) -> set[str]:
    """All addresses that any of the names resolves to within a few seconds."""
    loop = asyncio.get_running_loop()
    asked = [loop.getaddrinfo(name, None, type=socket.SOCK_STREAM) for name in names]
    if not asked:
        return set()
    done, late = await asyncio.wait(map(asyncio.ensure_future, asked), timeout=_RESOLVE_SECONDS)
    for one in late:
        one.cancel()
    answers = [one.result() for one in done if not one.exception()]
    return {str(answer[4][0]) for some in answers for answer in some}
