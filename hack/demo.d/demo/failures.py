"""Why the demonstration ends early, named by the exit status that it becomes."""

import errno

DISK_FULL = "the disk is full: free some room, or point TMPDIR to another"


class Failure(Exception):
    """It cannot go on (exit status 1). `details` are lines of others, such as the end of a log."""

    def __init__(self, text: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.details = details


class AlreadySaid(Exception):
    """It cannot go on (exit status 1), and a program that it called has said why."""


class WrongInput(Exception):
    """What was asked for cannot be shown (exit status 2); the text says what to change."""


class Interrupted(Exception):
    """A signal asked for the end."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"ended by signal {signal}")
        self.status = 128 + signal


def explain(error: OSError) -> str:
    """An error of the operating system as one sentence for people."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK_FULL
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"
