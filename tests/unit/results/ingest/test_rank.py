"""Ids are the rank, and ordinals tell rows of one identity apart, whatever the document's order."""

import hashlib
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.generator.text import source as chance
from tests.store_dump import Row, dump
from tests.storing import host, ingested, item, output, report, stored


def ranked(rows: list[Row]) -> list[tuple[Any, ...]]:
    return [
        (
            -row["severity"],
            -(row["plugin"]["cvss_score"] if row["plugin"]["cvss_score"] is not None else -1),
            row["host"]["host"],
            row["port"],
            row["plugin"]["plugin_id"],
        )
        for row in rows
    ]


def identity(row: Row) -> tuple[Any, ...]:
    return (
        row["host"]["host"],
        row["port"],
        row["protocol"],
        row["plugin"]["plugin_id"],
        row.get("compliance_check_id") or row.get("compliance_check_name"),
    )


def many(source: random.Random, count: int) -> list[str]:
    """Items of which many share host, port and plugin."""
    return [
        item(
            f"<cvss_base_score>{source.choice((5.0, 7.5))}</cvss_base_score>" * source.randint(0, 1)
            + output(str(source.randint(0, 9))),
            plugin=source.randint(1, 4),
            port=source.randint(1, 3),
            severity=source.randint(0, 4),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_rows_stand_in_rank_order(seed: int, tmp_path: Path) -> None:
    items = many(chance(f"{seed}"), 120)
    xml = report(host(*items[:70]), host(*items[70:], name="192.0.2.2"))
    rows = stored(tmp_path, xml)["findings"]
    assert [row["id"] for row in rows] == list(range(1, 121))
    assert ranked(rows) == sorted(ranked(rows))


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_one_identity_are_numbered_by_their_output(seed: int, tmp_path: Path) -> None:
    items = many(chance(f"{seed}"), 150)
    rows = stored(tmp_path, report(host(*items)))["findings"]
    assert len({(*identity(row), row["ordinal"]) for row in rows}) == len(rows)
    for key, count in Counter(map(identity, rows)).items():
        same = sorted(
            (row for row in rows if identity(row) == key), key=lambda row: int(row["ordinal"])
        )
        assert [row["ordinal"] for row in same] == list(range(count))
        digests = [digest(row["plugin_output"]) for row in same]
        assert digests == sorted(digests)


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def test_a_shuffled_document_is_stored_as_the_same(tmp_path: Path) -> None:
    source = chance("shuffled")
    items = many(source, 90)
    first = stored(tmp_path / "first", report(host(*items)))
    source.shuffle(items)
    assert stored(tmp_path / "second", report(host(*items))) == first


def test_checks_are_numbered_by_their_own_key(tmp_path: Path) -> None:
    def check(name: str, result: str, severity: int, text: str = "") -> str:
        return item(
            f"<cm:compliance-check-name>{name}</cm:compliance-check-name>"
            f"<cm:compliance-result>{result}</cm:compliance-result>"
            f"<description>{text}</description>",
            plugin=21157,
            severity=severity,
        )

    xml = report(
        host(
            check("1", "FAILED", 3),
            check("2", "PASSED", 1),
            check("3", "FAILED", 3, "a"),
            check("3", "PASSED", 1, "b"),
        )
    )
    rows = stored(tmp_path, xml)["compliance"]
    assert Counter((row["compliance_check_name"], row["ordinal"]) for row in rows) == Counter(
        [("1", 0), ("2", 0), ("3", 0), ("3", 1)]
    )


def test_a_severity_that_changes_keeps_the_identity(tmp_path: Path) -> None:
    """Of two runs in which one of two like findings became more severe."""

    def run(severity: int) -> dict[Any, int]:
        xml = report(host(item(output("a"), severity=1), item(output("b"), severity=severity)))
        ingested(tmp_path, xml)
        return {
            row["plugin_output"]: (identity(row), row["ordinal"])
            for row in dump(tmp_path)["findings"]
        }

    assert run(1) == run(4)
