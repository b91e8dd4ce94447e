"""`nessus-results`: store and read .nessus reports without a cluster."""

import os
import signal
import sys
from io import TextIOWrapper
from types import FrameType

from nessus_operator.cli.results_parser import EXIT_INTERRUPTED, EXIT_UNREAD, SIGNALLED


def main() -> None:
    """Run a command; also when it is stopped it leaves no temporary file behind."""
    signal.signal(signal.SIGTERM, _stop)
    if isinstance(sys.stdout, TextIOWrapper):  # what a terminal cannot show is no error
        sys.stdout.reconfigure(errors="backslashreplace")
    status: int | str | None
    try:
        status = _run(sys.argv[1:] or ["--help"])
    except SystemExit as ended:
        status = ended.code
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # `nessus-results page … | head`: nobody reads what is left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = EXIT_UNREAD
    sys.exit(status)


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(SIGNALLED + number)


def _run(arguments: list[str]) -> int:
    """Only what the command needs is imported: a page is there before typer is."""
    command, rest = arguments[0], arguments[1:]
    if command == "page":
        from nessus_operator.cli.results_page import page_command

        return page_command(rest)
    if command == "ingest":
        from nessus_operator.cli.results_ingest import ingest_command

        return ingest_command(rest)
    from nessus_operator.cli.results_app import run

    return run(arguments)


if __name__ == "__main__":
    main()
