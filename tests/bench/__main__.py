"""Measures, and prints a table: hack/bench --help"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.bench import results
from tests.bench.rows import Row
from tests.generator.report import Shape, write_report

BENCHES: dict[str, Callable[[Path, Path], Iterator[Row]]] = {"results": results.measure}


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        report = options.report or _made_up(folder, options.size_mb, options.seed)
        rows = []
        for row in BENCHES[options.name](report, folder):
            rows.append(row)
            if not options.json:
                print(f"{row['name']}: {row['value']} {row['unit']}", file=sys.stderr)
    if options.json:
        print(json.dumps({"rows": rows}))
    else:
        _show(rows)
    sys.exit(not all(row["holds"] for row in rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="hack/bench",
        description="Measures what the project promises to be fast and small. Exit status 1: "
        "something is not as it must be. A busy machine slows all down alike, so what matters "
        "most is measured as a ratio.",
    )
    parser.add_argument("name", choices=BENCHES, help="what to measure")
    parser.add_argument("--json", action="store_true", help="rows as JSON, nothing else on stdout")
    parser.add_argument("--report", type=Path, metavar="FILE", help="a .nessus file of your own")
    parser.add_argument(
        "--size-mb", type=float, default=500, help="else of one made up (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=2, help="of the made up one (%(default)s)")
    options = parser.parse_args()
    if options.report and not options.report.is_file():
        parser.error(f"there is no file {options.report}")
    return options


def _made_up(folder: Path, megabytes: float, seed: int) -> Path:
    path = folder / "made_up.nessus"
    write_report(path, Shape(bytes=round(megabytes * 1e6), seed=seed))
    return path


def _show(rows: list[Row]) -> None:
    table = Table("what", "value", "must", "aim", "holds")
    for row in rows:
        value = f"{row['value']:.2f} {row['unit']}"
        table.add_row(
            row["name"], value, row["must"], row["aim"], "yes" if row["holds"] else "[red]no"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
