"""How large a report may be, and what reading it may take: beyond that it is refused, or ended."""

import resource
from dataclasses import dataclass

# Exit statuses of `nessus-results ingest`.
EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_STORAGE = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the XML itself, also where it is kept compressed. The parser's own limits come on top:
    10,000,000 bytes in one text, attribute or comment, and 256 elements one inside the other."""

    file_bytes: int = 8_000_000_000
    items: int = 5_000_000


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """Of the process that reads: address space and size of one file in bytes, CPU in seconds."""

    address_space: int = 1_000_000_000
    cpu_seconds: int = 1_800
    file_bytes: int = 8_000_000_000


DEFAULT_LIMITS = Limits()
DEFAULT_PROCESS_LIMITS = ProcessLimits()


def limit_this_process(limits: ProcessLimits) -> None:
    """From here on this process ends rather than take more."""
    for kind, value in (
        (resource.RLIMIT_AS, limits.address_space),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))
