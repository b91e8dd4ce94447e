from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.reports import check, host, item, stored

from nessus_operator.results.store import Results

HOSTILE = "\x1b[31mred\u202e"


def hosts() -> list[Any]:
    """Rows of every kind that a format treats in its own way."""
    return [
        host(
            "192.0.2.1",
            item(
                1,
                ("cve", "CVE-2024-1"),
                ("cve", "CVE-2024-2"),
                ("cve", "CVE-2024-1"),
                ("cwe", "79"),
                ("see_also", "https://example.org/a?b=1&c=2\nnot a link\njavascript:alert(1)"),
                severity=4,
                name="<b>Broken & bad</b>",
                cvss3_base_score="9.8",
                cvss3_vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
                cvss_base_score="7.5",
                epss_score="0.5",
                exploit_available="true",
                synopsis="=1+1",
                description="</script><script>alert(1)</script>",
                solution="Update.",
                plugin_output='a "quoted" line\nnext; line\r\n+1',
            ),
            item(1, severity=4, port=80, plugin_output="the same plugin, without a CVE"),
            item(2, ("cisa-known-exploited", "2025/05/22"), severity=2),
            item(3, severity=0, name="", port=0),
            check("FAILED", ("cm:compliance-check-name", "1.1 no telnet"), port=0),
            check("PASSED", ("cm:compliance-check-id", "x"), ("cm:compliance-info", "why"), port=0),
            check("WARNING", port=0),
            check("ERROR", port=0),
            tags={
                "host-fqdn": "app.example.org",
                "HOST_END_TIMESTAMP": "1700000000",
                "operating-system": "@SUM(A1)",
            },
        ),
        host("2001:db8::1", item(4, severity=1, cvss_base_score="2.0")),
        host("odd name !", item(5, severity=3, plugin_output="x" * 9000), tags={"host-ip": ""}),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def results(folder: Path) -> Iterator[Results]:
    with stored(folder, hosts()) as opened:
        yield opened
