"""Which hosts a report has against those that were asked for, and those that may be scanned."""

from collections.abc import Iterable
from dataclasses import dataclass

from nessus_operator.core import scope, targets
from nessus_operator.core.scope import Rules
from nessus_operator.core.targets import InvalidTarget, Target


@dataclass(frozen=True, slots=True)
class ReportedHost:
    """A host as a report names it. All of it comes from the scanned network: hostile."""

    name: str
    address: str | None = None
    fqdn: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name.lower() for name in (self.name, self.fqdn) if name)


def missing(wanted: Iterable[str], hosts: Iterable[ReportedHost]) -> list[str]:
    """Targets that no host of the report answers for.

    Of a network or a range one host is enough: a report lists only hosts that answered.
    """
    found = list(hosts)
    names = {name for host in found for name in host.names}
    addresses = [address for host in found if (address := _address(host))]
    return [
        text
        for text, target in ((text, targets.parse(text)) for text in wanted)
        if not _answered(target, names, addresses)
    ]


def outside(hosts: Iterable[ReportedHost], rules: Rules) -> list[str]:
    """Hosts that lie outside the scope, by address where the report has one, else by name."""
    return [host.name for host in hosts if scope.outside([host.address or host.name], rules)]


def _answered(target: Target, names: set[str], addresses: list[Target]) -> bool:
    if target.host_name is not None:
        return target.host_name in names
    return any(
        scope.inside(own, network)
        for address in addresses
        for own in address.networks
        for network in target.networks
    )


def _address(host: ReportedHost) -> Target | None:
    for text in (host.address, host.name):
        try:
            target = targets.parse(text or "")
        except InvalidTarget:
            continue
        if target.networks:
            return target
    return None
