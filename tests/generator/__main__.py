"""Write a report and, next to it, its truth: python -m tests.generator --help"""

import argparse
import json
from pathlib import Path

from tests.generator.report import Shape, write_report


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.generator",
        description="Makes up a .nessus report of any size; FILE.truth.json says what is in it. "
        "The same options give the same bytes.",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--size-mb", type=float, default=5, help="about how large (default 5)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--checks", type=int, default=0, help="compliance checks of each host")
    options = parser.parse_args()
    shape = Shape(round(options.size_mb * 1e6), options.seed, options.checks)
    truth = write_report(options.file, shape)
    options.file.with_name(f"{options.file.name}.truth.json").write_text(
        json.dumps(truth.to_json(), indent=1)
    )


if __name__ == "__main__":
    main()
