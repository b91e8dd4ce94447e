"""The parser of commands that must start fast or stay small: typer takes longer to start than a
page takes to find, and a third of the memory that reading a report may have."""

import argparse
import signal
from typing import NoReturn

from nessus_operator.results.limits import EXIT_USAGE

# What shells say of a program that a signal ended.
SIGNALLED = 128
EXIT_INTERRUPTED = SIGNALLED + signal.SIGINT
EXIT_UNREAD = SIGNALLED + signal.SIGPIPE  # nobody reads the output any more


class Parser(argparse.ArgumentParser):
    """`examples` end the help; errors are one line, as all errors of this program are."""

    def __init__(self, command: str, description: str, examples: str) -> None:
        super().__init__(
            prog=f"nessus-results {command}",
            description=description,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"nessus-results: {message}; see {self.prog} --help\n")


def counted(count: int, noun: str) -> str:
    """`1 host`, `2 hosts`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
