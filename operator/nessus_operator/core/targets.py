"""Targets, parsed strictly: what one tool reads as an address another may read differently.

`010.0.0.1`, `127.1`, `2130706433`, `0x7f000001`, `::ffff:10.0.0.1`, `192.0.2.0/024` and
`fe80::1%eth0` are all refused, and so is everything else that is not exactly an address, a network
without host bits, a rising range of two addresses of one family, or a host name whose last label
begins with a letter.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LABEL = r"[a-zA-Z0-9_]([-a-zA-Z0-9_]{0,61}[a-zA-Z0-9_])?"
_HOST_NAME = re.compile(rf"({_LABEL}\.)*[a-zA-Z]([-a-zA-Z0-9]{{0,61}}[a-zA-Z0-9])?")
_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")
_MAPPED = IPv6Network("::ffff:0:0/96")
_SUMMARY_LENGTH = 64


class InvalidTarget(Exception):
    """`text` is not a target, because of `problem`."""

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(f"{text[:64]!r} {problem}")


@dataclass(frozen=True, slots=True)
class Target:
    """One entry of spec.targets: networks that hold its addresses, or a host name."""

    text: str
    networks: tuple[Network, ...] = ()
    host_name: str | None = None

    @property
    def hosts(self) -> int:
        """How many addresses it stands for; a host name counts as one."""
        return sum(network.num_addresses for network in self.networks) or 1


def parse(text: str) -> Target:
    """Raises InvalidTarget."""
    if "/" in text:
        return Target(text, (_network(text),))
    first, dash, last = text.partition("-")
    if dash and _is_address(first) and _is_address(last):
        return Target(text, _range(text, first, last))
    if _is_address(text):
        return Target(text, (ip_network(_address(text, text)),))
    if len(text) <= 253 and _HOST_NAME.fullmatch(text):
        return Target(text, host_name=text.lower())
    raise InvalidTarget(text, "is not an address, a network, a range or a host name")


def parse_all(texts: Iterable[str]) -> tuple[Target, ...]:
    """Raises InvalidTarget for the first that is none."""
    return tuple(parse(text) for text in texts)


def summary(texts: tuple[str, ...]) -> str:
    """What fits a column: the first target, and how many more there are."""
    if not texts:
        return ""
    first = texts[0][:_SUMMARY_LENGTH]
    return f"{first} +{len(texts) - 1}" if len(texts) > 1 else first


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _address(whole: str, text: str) -> Address:
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise InvalidTarget(whole, "has a zone, which means something on one host only")
        if address in _MAPPED:
            raise InvalidTarget(whole, "is an IPv4 address in IPv6 clothes; write it as IPv4")
    return address


def _network(text: str) -> Network:
    address, _, prefix = text.partition("/")
    if not _is_address(address) or not _PREFIX.fullmatch(prefix):
        raise InvalidTarget(text, "is not a network such as 192.0.2.0/24")
    _address(text, address)
    try:
        return ip_network(text)
    except ValueError:
        raise InvalidTarget(text, "has host bits set, or a prefix that is too long") from None


def _range(text: str, first: str, last: str) -> tuple[Network, ...]:
    low, high = _address(text, first), _address(text, last)
    if low.version == high.version and int(low) > int(high):
        raise InvalidTarget(text, "ends before it begins")
    if isinstance(low, IPv4Address) and isinstance(high, IPv4Address):
        return tuple(summarize_address_range(low, high))
    if isinstance(low, IPv6Address) and isinstance(high, IPv6Address):
        return tuple(summarize_address_range(low, high))
    raise InvalidTarget(text, "mixes IPv4 and IPv6")
