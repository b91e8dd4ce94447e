"""What changed between two runs: each finding is new, fixed, changed, persisting or unobserved.

Findings are the same by results.identity. What is missing is fixed only where this run could have
seen it: not on a host that it did not reach, or did not log in to as the run before did.
"""

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from nessus_operator.results.faults import ResultsOutdated
from nessus_operator.results.fields import TABLE, Record
from nessus_operator.results.filters import Test
from nessus_operator.results.identity import check_key
from nessus_operator.results.store import Results

_PING = 10180
_DEAD = "considered as dead"  # what it says of a host that did not answer
_LOGGED_IN = frozenset(("Success", "Partial"))

Identity = tuple[Any, ...]
Found = dict[Identity, tuple[Any, int]]  # identity to state and id


class Change(StrEnum):
    """`severity_changed` of compliance checks: their result."""

    NEW = "new"
    CHANGED = "severity_changed"
    FIXED = "fixed"
    UNOBSERVED = "unobserved"
    PERSISTING = "persisting"


def _ids() -> "array[int]":
    return array("I")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ids of rows by change: of the previous run for fixed and unobserved, else of the current.

    `before` has the previous id of each row in CHANGED. `new_hosts` were not in the previous run,
    `unobserved_hosts` are the hosts of rows that are unobserved.
    """

    record: Record
    ids: Mapping[Change, "array[int]"] = field(
        default_factory=lambda: {change: _ids() for change in Change}
    )
    before: dict[int, int] = field(default_factory=dict)
    new_hosts: list[str] = field(default_factory=list)
    unobserved_hosts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Host:
    """The hosts of one name in one run."""

    ids: list[int] = field(default_factory=list)
    statuses: set[str] = field(default_factory=set)
    dead: bool = False


def compare(
    previous: Results,
    current: Results,
    record: Record = Record.VULNERABILITY,
    *,
    within: Callable[[str], bool] = lambda host: True,
) -> Comparison:
    """Every row of both runs, on hosts that are `within`.

    Raises ResultsOutdated where the two runs identify findings differently.
    """
    versions = {run.meta["versions"]["fingerprint"] for run in (previous, current)}
    if len(versions) > 1:
        raise ResultsOutdated(
            "The two runs were stored by versions that identify findings differently: "
            "ingest the native report of the older one again"
        )
    with previous.reading(), current.reading():
        return _compare(previous, current, record, within)


def _compare(
    previous: Results, current: Results, record: Record, within: Callable[[str], bool]
) -> Comparison:
    comparison = Comparison(record)
    old, new = _Run(previous, record), _Run(current, record)
    partial = current.meta["truncated"] is not None
    for name in dict.fromkeys((*old.hosts, *new.hosts)):
        if not within(name):
            continue
        before, now = old.hosts.get(name), new.hosts.get(name)
        gone = old.found(before) if before else {}
        for identity, (state, id_) in (new.found(now) if now else {}).items():
            state_before, id_before = gone.pop(identity, (None, 0))
            if not id_before:
                comparison.ids[Change.NEW].append(id_)
            elif state_before == state:
                comparison.ids[Change.PERSISTING].append(id_)
            else:
                comparison.ids[Change.CHANGED].append(id_)
                comparison.before[id_] = id_before
        if not before:
            comparison.new_hosts.append(name)
        observed = before and now and not partial and _observed(before, now)
        if gone and not observed:
            comparison.unobserved_hosts.append(name)
        missing = comparison.ids[Change.FIXED if observed else Change.UNOBSERVED]
        missing.extend(id_ for _, id_ in gone.values())
    return _ranked(comparison)


def _observed(before: _Host, now: _Host) -> bool:
    """Whether this run could have seen again what the run before saw on the host."""
    if now.dead or "Failed" in now.statuses:
        return False
    return bool(now.statuses & _LOGGED_IN) or not before.statuses & _LOGGED_IN


def _ranked(comparison: Comparison) -> Comparison:
    ids = {change: array("I", sorted(found)) for change, found in comparison.ids.items()}
    return Comparison(
        comparison.record,
        ids,
        comparison.before,
        comparison.new_hosts,
        comparison.unobserved_hosts,
    )


class _Run:
    """One of the two runs: its hosts by name, and what was found on each."""

    def __init__(self, results: Results, record: Record) -> None:
        self._results = results
        self._plugins: dict[int, int] = dict(results.rows("SELECT id, plugin_id FROM plugins"))
        own = "f.severity"
        if record is Record.COMPLIANCE:
            own = "f.compliance_result, f.compliance_check_id, f.compliance_check_name"
        self._sql = (
            f"SELECT f.id, f.plugin, f.port, f.protocol, f.ordinal, {own} "
            f"FROM {TABLE[record]} AS f WHERE f.host = ?"
        )
        self.hosts = self._hosts()

    def found(self, host: _Host) -> Found:
        """Every row of the host by its identity."""
        found: Found = {}
        for number in host.ids:
            for id_, plugin, port, protocol, ordinal, state, *texts in self._results.rows(
                self._sql, (number,)
            ):
                key = check_key(self._results.lines.text, *texts) if texts else ""
                identity = (self._plugins[plugin], port, protocol, ordinal, key)
                found[identity] = (state, id_)
        return found

    def _hosts(self) -> dict[str, _Host]:
        hosts: dict[str, _Host] = {}
        seen = self._seen()
        dead = self._dead()
        for number, name, status in self._results.rows(
            "SELECT id, host, host_authentication FROM hosts ORDER BY id"
        ):
            if number in seen:
                host = hosts.setdefault(name, _Host())
                host.ids.append(number)
                host.statuses.add(status)
                host.dead = host.dead or number in dead
        return hosts

    def _seen(self) -> set[int]:
        """Hosts that have any row: without one, nothing was looked at."""
        return {
            number
            for table in TABLE.values()
            for (number,) in self._results.rows(f"SELECT DISTINCT host FROM {table}")
        }

    def _dead(self) -> set[int]:
        says = self._results.lines.containing(_DEAD)
        if says is None:
            return set()
        rows = self._results.rows(
            "SELECT f.host FROM findings AS f JOIN plugins AS p ON p.id = f.plugin "
            "WHERE p.plugin_id = ? AND matched(?, f.plugin_output)",
            (_PING, Test(says)),
        )
        return {host for (host,) in rows}
