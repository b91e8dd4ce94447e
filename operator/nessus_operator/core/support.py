"""What this version does not act on yet: better refused at once than ignored in silence."""

from collections.abc import Callable

from nessus_operator.api.scan import NessusScan

_UNSUPPORTED: dict[str, Callable[[NessusScan], bool]] = {
    "spec.collect": lambda scan: scan.spec.collect is not None,
    "spec.credentials": lambda scan: scan.spec.credentials is not None,
    "spec.ttlSecondsAfterFinished": lambda scan: scan.spec.ttl_seconds_after_finished is not None,
}


def unsupported(scan: NessusScan) -> str | None:
    """The first field that is set and that this version does not act on."""
    return next((field for field, is_set in _UNSUPPORTED.items() if is_set(scan)), None)
