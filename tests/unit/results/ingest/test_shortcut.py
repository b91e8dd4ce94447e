"""Recognising items by their bytes changes how long it takes, and nothing else."""

from contextlib import closing
from pathlib import Path

import pytest
from tests.generator.report import Shape, write_report
from tests.storing import DATA, host, item, output, report, stored

from nessus_operator.results.ingest.document import Document
from nessus_operator.results.ingest.shortcut import Shortcut
from nessus_operator.results.ingest.staging import Staging

SAME = "<description>always the same</description>"
KNOWN = item(SAME + output("first"))
FAKE = item(SAME + output("never said"), port=666)

CASES = {
    "the same text twice": report(host(KNOWN, item(SAME + output("second"), port=81))),
    "the same text on another host": report(host(KNOWN), host(KNOWN, name="192.0.2.2")),
    "an item inside a comment": report(host(KNOWN, f"<!-- {FAKE} -->", KNOWN)),
    "an item inside CDATA": report(host(KNOWN, item(f"<a><![CDATA[{FAKE}]]></a>"), KNOWN)),
    "a host inside CDATA of the policy": report(
        host(KNOWN), before=f"<Policy><policyName><![CDATA[{host(FAKE)}]]></policyName></Policy>"
    ),
    "an item inside an instruction": report(host(KNOWN, f"<?x {FAKE} ?>", KNOWN)),
    "an item inside an unknown element": report(host(KNOWN, f"<group>{FAKE}</group>", KNOWN)),
    "an item inside an item": report(host(KNOWN, item(f"<inner>{FAKE}</inner>"), KNOWN)),
    "items behind the host": report(host(KNOWN), FAKE, host(KNOWN, name="192.0.2.2")),
    "an output with markup": report(host(KNOWN, item(SAME + output("a<b>c</b>d")), KNOWN)),
    "an output with CDATA": report(
        host(KNOWN, item(SAME + output("<![CDATA[</plugin_output>]]>")), KNOWN)
    ),
    "two outputs": report(host(item(output("a") + output("b")), item(output("c") + output("d")))),
    "an empty output and none": report(
        host(item(output("")), item("<plugin_output/>"), item(), item(output("")), item())
    ),
    "references of every kind": report(
        host(KNOWN, item(SAME + output("&lt;&amp;lt;&#38;lt;&#x41;&#13;&quot;&apos;&gt;")), KNOWN)
    ),
    "line ends of every kind": report(host(KNOWN, item(SAME + output("a\r\nb\rc\nd")), KNOWN)),
    "a prefix that means something else on each host": report(
        host(item("<x:a>1</x:a>")).replace("<ReportHost", '<ReportHost xmlns:x="urn:one"'),
        host(item("<x:a>1</x:a>"), name="b").replace("<ReportHost", '<ReportHost xmlns:x="urn:2"'),
    ),
    "a prefix that means nothing": report(host(item("<y:a>1</y:a>"), item("<y:a>1</y:a>"))),
    "attributes in another order": report(
        host(
            *(
                f'<ReportItem severity="1" port="{port}" pluginID="9" protocol="tcp" '
                f'pluginName="n" svc_name="s" pluginFamily="f">{output(str(port))}</ReportItem>'
                for port in range(5)
            )
        )
    ),
    "attributes that need a parser": report(
        host(
            *(
                f'<ReportItem port="{port}" svc_name="a&amp;b" protocol="t&#99;p" severity="1" '
                f'pluginID="9" pluginName="x &gt; y" pluginFamily="f">{SAME}</ReportItem>'
                for port in (1, 2, 0x10000)
            ),
            '<ReportItem port="1" pluginID="9" pluginName="a > b" severity="1"></ReportItem>' * 2,
        )
    ),
    "severities that change": report(host(*(item(SAME, severity=n % 5) for n in range(9)))),
    "more texts of one plugin than are remembered": report(
        host(*(item(f"<description>{n % 9}</description>{output('x')}") for n in range(40)))
    ),
    "odd items again and again": report(
        host(*(['<ReportItem port="notes" pluginID="5" pluginName="n"></ReportItem>\n'] * 4))
    ),
    "an end tag with a blank": report(
        host(KNOWN, KNOWN.replace("</ReportItem>", "</ReportItem >"), KNOWN)
    ),
    "non-ASCII text": report(host(KNOWN, item(SAME + output("日本語 ü 🔒")), KNOWN)),
}


@pytest.mark.parametrize("xml", CASES.values(), ids=CASES)
def test_it_stores_what_a_parser_alone_would(xml: bytes, tmp_path: Path) -> None:
    quick = stored(tmp_path / "quick", xml)
    assert quick == stored(tmp_path / "parsed", xml, shortcut=False)
    assert 666 not in {row["port"] for row in quick["findings"]}


@pytest.mark.parametrize("name", [path.name for path in sorted(DATA.glob("*.nessus"))])
def test_it_stores_odd_reports_as_a_parser_alone_would(name: str, tmp_path: Path) -> None:
    xml = (DATA / name).read_bytes()
    assert stored(tmp_path / "a", xml) == stored(tmp_path / "b", xml, shortcut=False)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1_000])
def test_where_the_chunks_end_does_not_matter(size: int, tmp_path: Path) -> None:
    xml = report(host(KNOWN, KNOWN, item(SAME + output("x" * 300))), host(KNOWN, name="b"))
    assert stored(tmp_path / "a", xml, chunk=size) == stored(tmp_path / "b", xml)


def test_most_items_of_a_report_are_not_parsed_again(tmp_path: Path) -> None:
    path = tmp_path / "made_up.nessus"
    truth = write_report(path, Shape(bytes=3_000_000, plugins=200, policy_bytes=10_000))
    staging = Staging(tmp_path / "store", tmp_path / "waiting")
    with closing(staging.connection):
        shortcut = Shortcut(Document(staging, truth.findings))
        shortcut.feed(path.read_bytes())
    assert truth.findings - shortcut.cut_items < 500


@pytest.mark.parametrize("body", [SAME, "<a><b/></a>"], ids=["to be learnt", "not to be learnt"])
def test_more_texts_than_are_remembered_are_stored_whole(body: str, tmp_path: Path) -> None:
    """Start tags of 20 MB in all, each twice."""
    names = [f"{number} {'n' * 100_000}" for number in range(200)]
    items = [item(body + output(f"{n}"), plugin=n, name=name) for n, name in enumerate(names)]
    found = stored(tmp_path, report(host(*items, *items)))
    said = sorted((row["plugin"]["plugin_name"], row["plugin_output"]) for row in found["findings"])
    assert said == sorted([(name, str(n)) for n, name in enumerate(names)] * 2)
