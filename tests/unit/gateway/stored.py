"""A small report of our own, stored as the operator stores it."""

from pathlib import Path

from tests.builders import NOW, make_scan

from nessus_operator.api.scan import NessusScan, Results, ScanStatus, Severities
from nessus_operator.api.transitions import Phase
from nessus_operator.results.ingest.run import ingest
from nessus_operator.results.ingest.source import Source
from nessus_operator.results.layout import attempt_folder
from nessus_operator.results.schema import FILE

HOSTS = 3
SEVERITIES = (4, 3, 2, 1, 0)  # one finding of each on every host


def report(hosts: int = HOSTS, output: str = "banner: example") -> str:
    """A report in which each host has one finding of each severity."""
    return (
        '<?xml version="1.0" ?><NessusClientData_v2><Report name="DMZ weekly">'
        + "".join(_host(number, output) for number in range(1, hosts + 1))
        + "</Report></NessusClientData_v2>"
    )


def _host(number: int, output: str) -> str:
    items = "".join(
        f'<ReportItem port="{1000 + severity}" svc_name="www" protocol="tcp" severity="{severity}" '
        f'pluginID="{20000 + severity}" pluginName="Example {severity}" pluginFamily="Examples">'
        f"<synopsis>Synopsis {severity}</synopsis><description>About {severity}</description>"
        f"<solution>Do {severity}</solution><plugin_output>{output}</plugin_output></ReportItem>"
        for severity in SEVERITIES
    )
    return (
        f'<ReportHost name="192.0.2.{number}"><HostProperties>'
        f'<tag name="host-ip">192.0.2.{number}</tag></HostProperties>{items}</ReportHost>'
    )


def completed_scan(root: Path, name: str = "done", text: str = "", **fields: object) -> NessusScan:
    """A completed scan whose results lie below `root`."""
    scan = make_scan(name, display_name="DMZ weekly", **fields)
    folder = store_of(root, scan).parent
    folder.mkdir(parents=True)
    source = folder / "report.nessus"
    source.write_text(text or report())
    summary = ingest(Source(source), folder)
    source.unlink()
    results = Results(
        digest=f"sha256:{summary.store['sha256']}",
        store_bytes=store_of(root, scan).stat().st_size,
        report_digest="sha256:" + "0" * 64,
        report_bytes=2048,
        hosts=summary.hosts,
        findings=summary.findings,
        severities=Severities(**summary.severities),
    )
    return scan.but(
        status=ScanStatus(
            phase=Phase.COMPLETED,
            attempt=1,
            start_time=NOW,
            completion_time=NOW,
            scanner_name="s1",
            results=results,
        )
    )


def store_of(root: Path, scan: NessusScan) -> Path:
    """Where the store of a scan's first attempt lies."""
    return attempt_folder(root, scan.metadata.namespace, scan.metadata.uid, 1) / FILE
