"""Which scans a listing shows: by status, pool and target, the newest first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from nessus_gateway.errors import Refused
from nessus_gateway.views import status_word
from nessus_operator.api.scan import NessusScan
from nessus_operator.core import targets
from nessus_operator.core.targets import InvalidTarget, Target

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT = 16_384  # scans whose targets are remembered in parsed form


@dataclass(frozen=True, slots=True)
class Wanted:
    """None: any. `pool` is (namespace, name)."""

    status: str | None = None
    pool: tuple[str, str] | None = None
    target: Target | None = None

    def fits(self, scan: NessusScan) -> bool:
        return (
            self.status in (None, status_word(scan))
            and self.pool in (None, scan.pool_key)
            and (self.target is None or _overlap(self.target, scan.spec.targets or ()))
        )


def newest_first(
    scans: Iterable[NessusScan], wanted: Wanted, limit: int
) -> tuple[list[NessusScan], int]:
    """The newest that fit, and how many fit in all."""
    fitting = sorted((scan for scan in scans if wanted.fits(scan)), key=_age, reverse=True)
    return fitting[:limit], len(fitting)


def parse_filter(text: str) -> Target:
    """Raises Refused."""
    try:
        return targets.parse(text.strip())
    except InvalidTarget as error:
        raise Refused(
            f"target_filter {error}; give one IP address, network (192.0.2.0/24), range "
            "(192.0.2.1-192.0.2.9) or host name"
        ) from None


def _age(scan: NessusScan) -> tuple[datetime, int]:
    created = scan.metadata.creation_timestamp or _EPOCH
    return created, int(scan.metadata.resource_version or 0)


@dataclass(frozen=True, slots=True)
class _Reach:
    """Targets as numbers, which compare fast: (IP version, first, last)."""

    ranges: tuple[tuple[int, int, int], ...]
    names: frozenset[str]


def _overlap(one: Target, texts: tuple[str, ...]) -> bool:
    """Addresses meet addresses, names meet names: what a name stood for then nobody knows."""
    sought, scanned = _reach((one.text,)), _reach(texts)
    if sought.names & scanned.names:
        return True
    return any(
        version == other and first <= end and begin <= last
        for version, first, last in sought.ranges
        for other, begin, end in scanned.ranges
    )


@lru_cache(_KEPT)
def _reach(texts: tuple[str, ...]) -> _Reach:
    parsed = [target for text in texts if (target := _parsed(text))]
    return _Reach(
        ranges=tuple(
            (network.version, int(network[0]), int(network[-1]))
            for target in parsed
            for network in target.networks
        ),
        names=frozenset(target.host_name for target in parsed if target.host_name),
    )


def _parsed(text: str) -> Target | None:
    """None for what is no target: such a scan ended at once, and scanned nothing."""
    try:
        return targets.parse(text)
    except InvalidTarget:
        return None
