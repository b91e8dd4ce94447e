"""Logs are JSON, one object a line, whichever library writes them."""

import json
import subprocess
import sys
from typing import Any

import pytest

from nessus_operator.clients.logs import trace_id_of

TRACE = "4f61becbb54534564c18c7142a9483e8"
WRITING = """
import logging, sys, structlog
from nessus_operator.clients import logs

counts = []
logs.configure("INFO", counts.append)
log = structlog.get_logger("ours")
{lines}
sys.stderr.write(" ".join(counts))
"""


def written(lines: str) -> tuple[list[dict[str, Any]], str]:
    """The objects on stdout and the levels that were counted, of a process that runs the lines."""
    done = subprocess.run(
        [sys.executable, "-c", WRITING.format(lines=lines)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def bound(trace_id: str | None) -> str:
    return f"structlog.contextvars.bind_contextvars(task_id='a/b', trace_id={trace_id!r})\n"


def test_a_line_says_when_who_and_about_what() -> None:
    ((line,), levels) = written(bound(TRACE) + "log.info('Scan moved', phase='Queued')")

    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "Scan moved",
        "phase": "Queued",
        "level": "info",
        "logger": "ours",
        "task_id": "a/b",
        "trace_id": TRACE,
    }
    assert levels == "info"


def test_work_that_nobody_traces_has_no_trace_id() -> None:
    ((ours, theirs), _) = written(
        bound(None) + "log.info('Scan moved')\nlogging.getLogger('theirs').warning('Odd')"
    )

    assert "trace_id" not in ours
    assert "trace_id" not in theirs
    assert theirs["task_id"] == "a/b"


def test_what_libraries_log_is_json_as_well_and_requests_are_not_told() -> None:
    ((line,), levels) = written(
        "logging.getLogger('httpx2').info('GET')\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.getLogger('x').exception('Oh')\n"
        "log.debug('small')"
    )

    assert (line["event"], line["level"], line["logger"]) == ("Oh", "error", "x")
    assert "ZeroDivisionError" in line["exception"]
    assert levels == "error"


TRACES = {
    "a traceparent": (f"00-{TRACE}-53995c3f42cd8ad8-01", TRACE),
    "none": (None, None),
    "an empty one": ("", None),
    "one of zeros": (f"00-{'0' * 32}-53995c3f42cd8ad8-01", None),
    "one that is too short": ("00-4f61-53995c3f42cd8ad8-01", None),
    "one in capitals": (f"00-{TRACE.upper()}-53995c3f42cd8ad8-01", None),
    "one with words in it": (f"00-{'x' * 32}-53995c3f42cd8ad8-01", None),
}


@pytest.mark.parametrize(("given", "trace_id"), TRACES.values(), ids=TRACES)
def test_the_trace_id_of_a_traceparent(given: str | None, trace_id: str | None) -> None:
    assert trace_id_of(given) == trace_id
