"""Nessus' JSON about scans in our words. Pure, and tolerant of what Nessus leaves out or nulls."""

from collections.abc import Iterable, Mapping
from typing import Any

from nessus_operator.api.remote import (
    RemoteDetails,
    RemoteProgress,
    RemoteScan,
    RemoteState,
)
from nessus_operator.clients.errors import Unavailable
from nessus_operator.clients.scanners.text import clean

Json = Mapping[str, Any]

_ABSENT = object()

STATES = {
    "empty": RemoteState.EMPTY,
    "pending": RemoteState.PENDING,
    "initializing": RemoteState.RUNNING,
    "running": RemoteState.RUNNING,
    "processing": RemoteState.RUNNING,
    "publishing": RemoteState.RUNNING,
    "pausing": RemoteState.PAUSING,
    "paused": RemoteState.PAUSED,
    "resuming": RemoteState.RESUMING,
    "stopping": RemoteState.STOPPING,
    "canceling": RemoteState.STOPPING,
    "completed": RemoteState.COMPLETED,
    "imported": RemoteState.COMPLETED,
    "canceled": RemoteState.STOPPED,
    "stopped": RemoteState.STOPPED,
    "aborted": RemoteState.ABORTED,
}

_NAME_CHARS = 1024  # more than Nessus takes: our token stands at no fixed place in the name
_TARGET_CHARS = 1 << 20
_MOST = 1e9  # steps of one host: sums stay finite whatever a scanner says


def objects(value: object) -> list[Json]:
    """The JSON objects of a list; Nessus sends null for an empty one."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def positive(value: object) -> int | None:
    """An id: a positive integer, in digits or not; never a boolean."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    return value if isinstance(value, int) and value is not True and value > 0 else None


def new_id(value: object, of: str) -> int:
    """The id of something that Nessus has just made for us."""
    made = positive(value)
    if made is None:
        raise Unavailable(f"the scanner answered with no id for {of}")
    return made


def run_uuid(launched: Json) -> str:
    """The uuid of the run that a launch has begun."""
    uuid = clean(launched.get("scan_uuid"), 128)
    if not uuid:
        raise Unavailable("the scanner answered a launch with no uuid; it may run all the same")
    return uuid


def folder_id(folders: object, kind: str) -> int | None:
    """The folder of a type: `main` is the account's own, `trash` holds what it threw away."""
    ids = (positive(folder.get("id")) for folder in objects(folders) if folder.get("type") == kind)
    return next(ids, None)


def listed(answer: Json, trash: int | None) -> list[RemoteScan]:
    """The scans of `GET /scans`.

    null is an empty list, and nothing at all is none: a scan that we overlook, we would make
    again. So one line that cannot be read spoils the list.
    """
    scans = answer.get("scans", _ABSENT)
    if not isinstance(scans, list | None) or len(objects(scans)) != len(scans or ()):
        raise Unavailable("the scanner answered with a list of scans that cannot be read")
    return [remote_scan(new_id(item.get("id"), "a scan"), item, trash) for item in objects(scans)]


def remote_scan(scan_id: int, item: Json, trash: int | None) -> RemoteScan:
    """A scan from a line of the list, or from the `info` of its details."""
    word = clean(item.get("status"), 32)
    return RemoteScan(
        id=scan_id,
        name=clean(item.get("name"), _NAME_CHARS),
        state=STATES.get(word.lower(), RemoteState.UNKNOWN),
        word=word,
        uuid=clean(item.get("uuid"), 128) or None,
        owner=clean(item.get("owner"), 128) or None,
        in_trash=trash is not None and positive(item.get("folder_id")) == trash,
    )


def details(scan_id: int, answer: Json, targets: str, trash: int | None) -> RemoteDetails:
    """A scan from `GET /scans/<id>`."""
    scan = remote_scan(scan_id, info(answer), trash)
    return RemoteDetails(scan, targets, progress(scan.state, objects(answer.get("hosts"))))


def info(answer: Json) -> Json:
    found = answer.get("info")
    if not isinstance(found, dict):
        raise Unavailable("the scanner answered with no details of the scan")
    return found


def targets(text: object) -> str:
    """Targets as Nessus spells them, separated by commas alone."""
    line = clean(text, _TARGET_CHARS)
    return ",".join(line.replace(",", " ").split())


def progress(state: RemoteState, hosts: Iterable[Json]) -> RemoteProgress:
    """Nessus counts steps per host, and only for the hosts that it has found so far."""
    steps = [_steps(host) for host in hosts]
    done, total = sum(current for current, _ in steps), sum(total for _, total in steps)
    if state is RemoteState.COMPLETED:
        percent = 100
    else:
        percent = min(int(100 * done / total), 100) if total else 0
    completed = sum(1 for current, total in steps if 0 < total <= current)
    return RemoteProgress(percent, completed, len(steps))


def _steps(host: Json) -> tuple[float, float]:
    total = _amount(host.get("scanprogresstotal"), 100.0)
    return min(_amount(host.get("scanprogresscurrent"), 0.0), total), total


def _amount(value: object, absent: float) -> float:
    try:
        number = float(value) if isinstance(value, int | float | str) else absent
    except (ValueError, OverflowError):
        return absent
    return min(number, _MOST) if number >= 0 else absent  # nan is not
