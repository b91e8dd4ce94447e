"""Which driver serves which type of scanner."""

from collections.abc import Callable, Mapping

from nessus_operator.clients.errors import Rejected
from nessus_operator.clients.scanners.nessus import driver as nessus
from nessus_operator.clients.scanners.protocol import Connection, Observe, Scanner

DRIVERS: Mapping[str, Callable[[Connection, Observe], Scanner]] = {"Nessus": nessus.connect}


def connect(kind: str, connection: Connection, observe: Observe) -> Scanner:
    """The scanner behind a connection; nothing is asked of it yet.

    `observe` is told of every HTTP request. `Rejected` for a type without a driver and for a
    connection that can never work.
    """
    if kind not in DRIVERS:
        raise Rejected(f"no driver for scanners of type {kind!r}; there is: {', '.join(DRIVERS)}")
    return DRIVERS[kind](connection, observe)
