"""`nessus-results`: store and read .nessus reports without a cluster."""

import signal
import sys


def main() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `nessus-results page … | head` ends quietly
    command, arguments = sys.argv[1:2], sys.argv[2:]
    if command == ["page"]:
        from nessus_operator.cli.results_page import page_command

        sys.exit(page_command(arguments))
    if command == ["ingest"]:
        from nessus_operator.cli.results_ingest import ingest_command

        sys.exit(ingest_command(arguments))
    from nessus_operator.cli.results_app import app

    app()


if __name__ == "__main__":
    main()
