"""How the control plane's tools speak: progress on stderr, one sentence when they cannot go on."""

import errno
import sys


class Failure(Exception):
    """The control plane cannot be had; the text is one sentence that says what to do about it."""


def say(text: str) -> None:
    """One line of progress on stderr: stdout carries the answer alone."""
    sys.stderr.write(f"hack/controlplane: {text}\n")
    sys.stderr.flush()


def explain(error: OSError) -> str:
    """An error of the operating system as one sentence for people."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full: free some room, or point TMPDIR and XDG_CACHE_HOME to another"
    return f"{error.filename or 'the operating system said'}: {error.strerror or error}"
