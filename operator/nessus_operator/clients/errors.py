"""Faults, named by what the caller should do next.

    Fault
    ├── Unavailable        again later; counts for the circuit breaker
    │   └── RateLimited    again after `retry_after` seconds
    ├── Unauthorized       the login is refused: correct the Secret
    │   └── Denied         the login is good, and lacks a right (of a scanner's account)
    ├── NotLicensed        the licence closes this call (Nessus answers 412): never again
    ├── NotFound           it is not there (any more)
    ├── Conflict           it changed, or is in the wrong state: look again, then decide again
    │   └── AlreadyExists  something of that name is there: look whether it is ours
    └── Rejected           what was asked is wrong: never again in this form

Clients translate at their edge. The text is our own and may be shown to users: nothing of a
remote answer but a few cleaned characters goes into it.
"""


class Fault(Exception):
    """Something outside did not do what we asked."""


class Unavailable(Fault):
    """Did not answer, or answered that it cannot now."""


class RateLimited(Unavailable):
    """Asks us to wait."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unauthorized(Fault):
    """Refuses our credentials."""


class Denied(Unauthorized):
    """Knows us, and denies us this."""


class NotLicensed(Fault):
    """The licence of the scanner does not allow this call."""


class NotFound(Fault):
    """Is not there."""


class Conflict(Fault):
    """Is not in the state that we thought."""


class AlreadyExists(Conflict):
    """The name is taken."""


class Rejected(Fault):
    """Will never accept this request."""
