"""How many stores are open at once, and for how long."""

import asyncio
import threading
from pathlib import Path

import pytest
from tests.unit.gateway.stored import completed_scan

from nessus_gateway.errors import Refused
from nessus_gateway.metrics import GatewayMetrics
from nessus_gateway.volume import Volume
from nessus_operator.results.faults import InvalidQuery, QueryTooSlow
from nessus_operator.results.store import Results


def volume(root: Path) -> Volume:
    return Volume(root, 2, GatewayMetrics((), ()))


async def test_a_store_stays_open_for_the_next_page(tmp_path: Path) -> None:
    scan, asked = completed_scan(tmp_path), volume(tmp_path)
    first = await asked.ask(scan, lambda results: results)
    assert await asked.ask(scan, lambda results: results) is first
    asked.close()


async def test_a_wrong_question_leaves_the_store_open_and_a_slow_one_does_not(
    tmp_path: Path,
) -> None:
    scan, asked = completed_scan(tmp_path), volume(tmp_path)
    first = await asked.ask(scan, lambda results: results)

    def wrong(_: Results) -> None:
        raise InvalidQuery("There is no such field")

    def slow(_: Results) -> None:
        raise QueryTooSlow("The answer took longer than 10 seconds")

    with pytest.raises(Refused, match="no such field"):
        await asked.ask(scan, wrong)
    assert await asked.ask(scan, lambda results: results) is first
    with pytest.raises(Refused, match="longer than 10 seconds"):
        await asked.ask(scan, slow)
    assert await asked.ask(scan, lambda results: results) is not first
    asked.close()


async def test_few_stores_are_kept_open(tmp_path: Path) -> None:
    scans = [completed_scan(tmp_path, f"scan-{n}") for n in range(6)]
    asked = volume(tmp_path)
    opened = [await asked.ask(scan, lambda results: results) for scan in scans]
    again = [await asked.ask(scan, lambda results: results) for scan in reversed(scans)]
    kept = [one for one, other in zip(opened, reversed(again), strict=True) if one is other]
    assert kept == opened[2:]
    asked.close()


async def test_no_more_questions_are_asked_at_once_than_was_set(tmp_path: Path) -> None:
    scan, asked = completed_scan(tmp_path), volume(tmp_path)
    lock, now, most = threading.Lock(), 0, 0
    both = threading.Barrier(2, timeout=10)

    def question(_: Results) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        both.wait()
        with lock:
            now -= 1

    await asyncio.gather(*(asked.ask(scan, question) for _ in range(8)))
    assert most == 2
    asked.close()
