"""How fast stored findings are read: pages, a search, a cold start, a comparison of two runs.

All is done several times, each time as if it were the first, and the fastest counts: what slows a
run down is the machine's, not the program's. Memory is the highest.
"""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.bench.rows import Row, row

from nessus_operator.results.pages import Query, page_lines
from nessus_operator.results.schema import FILE
from nessus_operator.results.store import Results, open_results

# Every filter is on fields that an index or a small table decides.
FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"severity": "critical"},
    {"severity": ">=medium"},
    {"severity": [4, 0]},
    {"port": 443},
    {"port": ">=1024"},
    {"plugin_family": "windows"},
    {"plugin_name": "server"},
    {"cve": "CVE-2020"},
    {"cve": "CVE-20"},
    {"exploit_available": True},
    {"exploit_available": False},
    {"cvss_score": ">=9"},
    {"cisa-known-exploited": True},
    {"host": "1", "severity": ">=high"},
    {"operating-system": "linux"},
    {"operating-system": "windows", "cvss_score": ">=7"},
    {"severity": "high", "exploit_available": True},
    {"plugin_publication_date": ">=2020", "port": 445},
    {"description": "remote", "severity": ">=low"},
)
DEPTHS = (0.0, 0.25, 0.5, 0.9, 1.0)
_NOTHING = "zq9-no-such-text-x7"
_COMPARE = """
import json, sys, time
from pathlib import Path
from tests.peak import peak_memory
from nessus_operator.results.compare import compare
from nessus_operator.results.store import open_results
before, now = (open_results(Path(folder)) for folder in sys.argv[1:])
start = time.perf_counter()
found = compare(before, now)
seconds = time.perf_counter() - start
if not (found.ids and sum(map(len, found.ids.values()))):
    sys.exit("the two runs do not differ")
print(json.dumps([seconds, peak_memory()]))
"""


def measure(folder: Path, scratch: Path) -> Iterator[Row]:
    """Rows for `hack/bench` of the results in `folder`; `scratch` is a folder for a second run."""
    with open_results(folder) as results:
        rounds = zip(*(list(_page_times(results)) for _ in _fresh(results)), strict=True)
        times = sorted(map(min, rounds))
        yield row("page of 40, any depth, warm: p50", median(times) * 1000, "ms", 5, 2)
        yield row("page of 40, any depth, warm: p99", quantiles(times, n=100)[98] * 1000, "ms", 20)
        search = Query(filters={"plugin_output": _NOTHING})
        seconds = min(_seconds(lambda: list(page_lines(results, search))) for _ in _fresh(results))
        yield row("search of all outputs for nothing, with total", seconds * 1000, "ms", 150, 80)
    cold = min(_seconds(lambda: _cold_page(folder)) for _ in range(7))
    yield row("first page from a cold process", cold * 1000, "ms", 150, 80)
    second = _second_run(folder, scratch)
    runs = [_compared(folder, second) for _ in range(3)]
    seconds, peak = min(run[0] for run in runs), max(run[1] for run in runs)
    yield row("compare of two runs", seconds, "s", 2, 1)
    yield row("compare of two runs: peak memory", peak / 1e6, "MB", 100)


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _page_times(results: Results) -> Iterator[float]:
    """Of pages at several depths, by number and by cursor, the first of each filter too."""
    list(page_lines(results, Query(page=2)))
    for filters in FILTERS:
        total = 1
        for depth in DEPTHS:
            page = 1 + int((total - 1) * depth)
            query = Query(page=page, filters=filters)
            start = time.perf_counter()
            first, *_, last = page_lines(results, query)
            yield time.perf_counter() - start
            total = json.loads(first)["total_pages"]
            if cursor := json.loads(last)["next_cursor"]:
                following = Query(cursor=cursor, filters=filters)
                yield _seconds(lambda query=following: list(page_lines(results, query)))


def _fresh(results: Results) -> Iterator[None]:
    """Five rounds in which nothing is kept of the round before."""
    for _ in range(5):
        results.forget()
        yield


def _cold_page(folder: Path) -> None:
    command = [sys.executable, "-m", "nessus_operator.cli.results", "page", str(folder)]
    subprocess.run([*command, "--filter", "severity>=high"], check=True, stdout=subprocess.DEVNULL)


def _second_run(folder: Path, scratch: Path) -> Path:
    """The same results with every twentieth finding gone and another twentieth changed."""
    scratch.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / FILE, scratch / FILE)
    connection = sqlite3.connect(scratch / FILE)
    connection.execute("DELETE FROM findings WHERE id % 20 = 0")
    connection.execute("UPDATE findings SET severity = (severity + 1) % 5 WHERE id % 20 = 1")
    connection.commit()
    connection.close()
    return scratch


def _compared(before: Path, now: Path) -> tuple[float, float]:
    """Seconds and bytes of memory."""
    done = subprocess.run(
        [sys.executable, "-c", _COMPARE, str(before), str(now)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    seconds, peak = json.loads(done.stdout)
    return seconds, peak
