"""How fast a report becomes results, in how much memory, and how large they are.

Every run is a process of its own on one core, and its time is that of the processor, user and
system together. Runs of ingest and of its yardstick alternate, and the fastest of each counts:
what slows a run down is the machine's, not the program's.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from tests.bench.peers import LXML, PEERS
from tests.bench.rows import Row, row

from nessus_operator.results.copy import keep
from nessus_operator.results.schema import FILE

ROUNDS = 3
_SHOWN = 20  # lines of what a script said that failed

# Ingest as the operator runs it, and what of memory it had at most.
_INGEST = """
import sys
from nessus_operator.cli.results import main
from tests.peak import peak_memory
sys.argv = ["nessus-results", "ingest", "--json", *sys.argv[1:]]
try:
    main()
except SystemExit as exit:
    if exit.code:
        raise
print(peak_memory())
"""


def measure(report: Path, folder: Path) -> Iterator[Row]:
    """Rows about the ingest of `report`; its results are left in `folder`."""
    size = report.stat().st_size
    ours, yardstick, peak = [], [], 0
    for _ in range(ROUNDS):
        yardstick.append(_timed(LXML, str(report))[0])
        seconds, told = _timed(_INGEST, str(report), str(folder))
        *_, summary, memory = told.splitlines()
        ours.append(seconds)
        peak = max(peak, int(memory))
    found = json.loads(summary)
    items = found["findings"] + sum(found["compliance"].values())
    yield row(f"ingest of {size / 1e6:.0f} MB, {items} items", min(ours), "s")
    ratio = min(ours) / min(yardstick)
    yield row("ingest, to lxml iterparse to dicts", ratio, "x", must=1.6, aim=1.1)
    yield row("ingest: peak memory of the process", peak / 1e6, "MB", must=64, aim=40)
    stored = (folder / FILE).stat().st_size
    yield row("size of the store, to the XML", stored / size * 100, "%", must=45, aim=35)
    start = time.process_time()
    kept = keep(report, folder).kept
    yield row("keep the report: filter, hash, compress", time.process_time() - start, "s")
    yield row("size of the kept report, to the XML", kept / size * 100, "%")
    for name, script in PEERS.items():
        seconds, counted = _timed(script, str(report))
        yield row(f"reads and stores nothing: {name}", seconds, "s", at_least=min(ours))
        if int(counted) != items:
            raise RuntimeError(f"{name} found {counted.strip()} items instead of {items}")


def _timed(script: str, *arguments: str) -> tuple[float, str]:
    """Seconds of the processor, and what the script printed."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=_one_core,
        )
        with process:
            told = cast("IO[str]", process.stdout).read()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            last = "".join(errors.readlines()[-_SHOWN:])
            raise RuntimeError(f"It ended with status {process.returncode}:\n{last}")
    return used.ru_utime + used.ru_stime, told


def _one_core() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
