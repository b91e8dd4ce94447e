from datetime import timedelta

import pytest
from tests.builders import NOW, make_scan

from nessus_gateway import pages
from nessus_gateway.errors import Refused
from nessus_gateway.pages import Wanted
from nessus_operator.api.scan import ScanStatus
from nessus_operator.api.transitions import Phase

OVERLAPS = {
    "the same address": ("192.0.2.1", ["192.0.2.1"], True),
    "another address": ("192.0.2.1", ["192.0.2.2"], False),
    "an address in a network": ("192.0.2.77", ["198.51.100.1", "192.0.2.0/24"], True),
    "a network around an address": ("192.0.2.0/24", ["192.0.2.77"], True),
    "a network around a network": ("192.0.0.0/16", ["192.0.2.0/24"], True),
    "neighbouring networks": ("192.0.2.0/25", ["192.0.2.128/25"], False),
    "an address in a range": ("192.0.2.15", ["192.0.2.10-192.0.2.20"], True),
    "the last address of a range": ("192.0.2.20", ["192.0.2.10-192.0.2.20"], True),
    "behind a range": ("192.0.2.21", ["192.0.2.10-192.0.2.20"], False),
    "ranges that touch": ("192.0.2.1-192.0.2.5", ["192.0.2.5-192.0.2.9"], True),
    "a name in any case": ("APP.example.org", ["app.Example.org"], True),
    "a name is not the end of another": ("example.org", ["app.example.org"], False),
    "a name is no address": ("192.0.2.1", ["app.example.org"], False),
    "an address of the other family": ("::1", ["0.0.0.0/0"], False),
    "IPv6": ("2001:db8::7", ["2001:db8::/64"], True),
    "what is no target was not scanned": ("192.0.2.1", ["192.0.2.999"], False),
}


@pytest.mark.parametrize(("sought", "scanned", "found"), OVERLAPS.values(), ids=OVERLAPS)
def test_target_filter(sought: str, scanned: list[str], found: bool) -> None:
    wanted = Wanted(target=pages.parse_filter(sought))
    assert wanted.fits(make_scan(targets=scanned)) is found


def test_a_target_filter_that_is_no_target_is_refused() -> None:
    with pytest.raises(Refused, match=r"target_filter 'no target!' is not.*give one IP address"):
        pages.parse_filter("no target!")


def test_a_scan_without_a_phase_counts_as_queued() -> None:
    assert Wanted(status="queued").fits(make_scan())
    assert not Wanted(status="running").fits(make_scan())


def test_filters_hold_together() -> None:
    scan = make_scan(status=ScanStatus(phase=Phase.RUNNING))
    both = Wanted(status="running", pool=("security", "pool"))
    assert both.fits(scan)
    assert not both.fits(make_scan())
    assert not both.fits(make_scan(pool_ref={"name": "x"}, status=ScanStatus(phase=Phase.RUNNING)))


def test_the_newest_come_first_and_the_total_counts_all_that_fit() -> None:
    scans = [
        make_scan(f"scan-{n}", creation_timestamp=NOW + timedelta(seconds=n)) for n in (2, 5, 1)
    ]
    ended = make_scan("ended", status=ScanStatus(phase=Phase.COMPLETED))
    shown, total = pages.newest_first([*scans, ended], Wanted(status="queued"), 2)
    assert [scan.metadata.name for scan in shown] == ["scan-5", "scan-2"]
    assert total == 3


def test_of_one_second_the_last_written_comes_first() -> None:
    scans = [make_scan(f"scan-{n}", resource_version=str(n)) for n in (9, 10, 8)]
    shown, _ = pages.newest_first(scans, Wanted(), 10)
    assert [scan.metadata.name for scan in shown] == ["scan-10", "scan-9", "scan-8"]
