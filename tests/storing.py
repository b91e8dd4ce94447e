"""Ingest in one line: XML in, everything that was stored out."""

from pathlib import Path
from typing import Any

from tests.store_dump import Row, dump

from nessus_operator.core.authentication import judge
from nessus_operator.results.ingest.facts import Summary
from nessus_operator.results.ingest.run import ingest
from nessus_operator.results.ingest.source import CHUNK, Source

DATA = Path(__file__).parent / "data"


def ingested(folder: Path, xml: bytes, *, chunk: int = CHUNK, **options: Any) -> Summary:
    """The summary of `xml`, stored in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.nessus"
    path.write_bytes(xml)
    return ingest(Source(path, chunk=chunk), folder, judge=judge(), **options)


def stored(folder: Path, xml: bytes, **options: Any) -> Row:
    """Everything in the store of `xml`."""
    ingested(folder, xml, **options)
    return dump(folder)


def report(*hosts: str, before: str = "", name: str = "made up") -> bytes:
    """A report of hosts as XML text."""
    return (
        f'<NessusClientData_v2>{before}<Report name="{name}" '
        f'xmlns:cm="http://www.nessus.org/cm">{"".join(hosts)}</Report></NessusClientData_v2>'
    ).encode()


def host(*items: str, name: str = "192.0.2.1", **tags: str) -> str:
    properties = "".join(f'<tag name="{tag}">{text}</tag>' for tag, text in tags.items())
    return (
        f'<ReportHost name="{name}"><HostProperties>{properties}</HostProperties>'
        f"{''.join(items)}</ReportHost>"
    )


def item(
    body: str = "",
    *,
    plugin: int = 900_001,
    port: int = 80,
    severity: int = 0,
    name: str = "Made up",
    service: str = "www",
) -> str:
    """A ReportItem as Nessus writes it; `body` is XML."""
    return (
        f'<ReportItem port="{port}" svc_name="{service}" protocol="tcp" severity="{severity}" '
        f'pluginID="{plugin}" pluginName="{name}" pluginFamily="General">\n{body}\n</ReportItem>\n'
    )


def output(text: str) -> str:
    return f"<plugin_output>{text}</plugin_output>"
