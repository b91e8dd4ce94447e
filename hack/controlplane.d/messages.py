"""How the control plane's tools speak: progress on stderr, one sentence when they cannot go on."""

import errno
import sys

DISK_FULL = "the disk is full: free some room, or point TMPDIR and XDG_CACHE_HOME to another"


class Failure(Exception):
    """The control plane cannot be had; the text is one sentence that says what to do about it."""


def say(text: str) -> None:
    """One line of progress on stderr: stdout carries the answer alone."""
    sys.stderr.write(f"hack/controlplane: {text}\n")
    sys.stderr.flush()


def explain(error: OSError) -> str:
    """An error of the operating system as one sentence for people."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK_FULL
    return f"{error.filename or 'the operating system said'}: {error.strerror or error}"


def last_line(text: str) -> str:
    """The last line of a program's output that says something, at most 400 characters of it."""
    said = [line.strip() for line in text.splitlines() if line.strip()]
    return said[-1][:400] if said else "it said nothing"
