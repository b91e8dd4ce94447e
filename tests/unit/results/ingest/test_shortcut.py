"""Recognising items by their bytes changes how long it takes, and nothing else."""

from contextlib import closing
from pathlib import Path

import pytest
from tests.generator.report import Shape, write_report
from tests.generator.text import source as chance
from tests.storing import DATA, host, item, output, report, stored

from nessus_operator.results.ingest.document import Document
from nessus_operator.results.ingest.shortcut import Shortcut
from nessus_operator.results.ingest.staging import Staging

SAME = "<description>always the same</description>"
KNOWN = item(SAME + output("first"))
FAKE = item(SAME + output("never said"), port=666)


def check(
    description: str = "Why this is done",
    value: str = "644",
    result: str = "PASSED",
    more: str = "",
) -> str:
    """A compliance check as Nessus writes it."""
    return item(
        f"<description>{description}</description>\n"
        f"<cm:compliance-actual-value>{value}</cm:compliance-actual-value>\n"
        "<cm:compliance-check-name>1.1 Permissions</cm:compliance-check-name>\n"
        f"<cm:compliance-info>As it is on each host</cm:compliance-info>{more}"
        f"<cm:compliance-result>{result}</cm:compliance-result>",
        plugin=21157,
    )


CHECK = check()
EMPTY = (output(""), "<plugin_output/>", "")

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
    "empty outputs twice": report(
        host(*(item(f"{first}{second}") for first in EMPTY for second in EMPTY for _ in range(2)))
    ),
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
    "a check with another value": report(
        host(CHECK, check("Why\nthis", "600"), check("Why", "")), host(CHECK, name="b")
    ),
    "a check with another result": report(
        host(CHECK, check(result="FAILED"), check(result=""), check(result="odd"), CHECK)
    ),
    "a check of which one letter changes": report(
        host(CHECK, CHECK.replace("each", "Each"), CHECK.replace("1.1", "1.2"), CHECK)
    ),
    "a check that says its result in the description": report(
        host(
            *(
                CHECK.replace("compliance-result", "compliance-source").replace(
                    "Why", f'"{name}" : [{result}]'
                )
                for name, result in (("a", "PASSED"), ("b", "FAILED"), ("a", "WARNING"))
            )
        )
    ),
    "a check that says its name in the description": report(
        host(
            *(
                CHECK.replace("check-name", "source").replace("Why", f'"{name}" : [PASSED]')
                for name in "abc"
            )
        )
    ),
    "old checks, and findings that have their start tag": report(
        host(
            *(
                item(f"<description>{said}</description>", plugin=21157).replace(
                    "General", "Policy Compliance"
                )
                for said in ('"a" : [PASSED]', '"b" : [FAILED]', "no result", '"a" : [PASSED]', "")
            )
        )
    ),
    "a finding without a description before checks and one with": report(
        host(
            item("<description></description>"),
            item(CHECK[CHECK.index("<desc") : CHECK.index("</ReportItem>")]),
            item("<description>something</description>"),
            item("<description></description>"),
        )
    ),
    "children of checks in another order": report(
        host(
            CHECK,
            item("<cm:compliance-result>PASSED</cm:compliance-result>" + CHECK[120:-14]),
            *(
                item(
                    f"<cm:compliance-result>PASSED</cm:compliance-result>"
                    f"<cm:compliance-check-name>n</cm:compliance-check-name>"
                    f"<cm:compliance-actual-value>{n}</cm:compliance-actual-value>{output(n)}"
                    f"<description>said {n}</description>"
                )
                for n in ("1", "2", "")
            ),
        )
    ),
    "children of checks twice": report(
        host(
            *(
                check(more=f"<{name}>{n}</{name}>")
                for n in range(3)
                for name in (
                    *("description", "cm:compliance-actual-value", "cm:compliance-result"),
                    *("cm:compliance-info", "cm:compliance-check-name"),
                )
            )
        )
    ),
    "outputs of checks": report(
        host(*(check(more=output(said)) for said in ("", "a", "b", "", "a")), CHECK)
    ),
    "an empty element twice, once without an end tag": report(
        host(*(check(more=f"<{name}/>") for name in ("description", "x", "x", "plugin_output")))
    ),
    "markup in checks": report(
        host(
            CHECK,
            check("a &lt;b&gt; &#65;\r\n", "&amp;lt;"),
            check("a <!-- b --> c"),
            check("<![CDATA[</description><cm:compliance-actual-value>]]>"),
            check("a", "<b>c</b>"),
            check("a", "<?b?>c"),
            CHECK,
        )
    ),
    "checks whose prefix means something else on some hosts": report(
        host(CHECK),
        host(CHECK, check(value="1"), name="b").replace("<ReportHost", '<ReportHost xmlns:cm="u"'),
        host(check(value="2"), name="c"),
    ),
    "checks with another prefix": report(
        *(
            host(check(value=n), name=n)
            .replace("cm:", "x:")
            .replace("<ReportHost", '<ReportHost xmlns:x="http://www.nessus.org/cm"')
            for n in "abc"
        )
    ),
    "checks of which each declares its prefix": report(
        host(
            *(
                check(value=n).replace("<ReportItem", f'<ReportItem xmlns:cm="urn:{n}"')
                for n in "aab"
            ),
            CHECK,
        )
    ),
    "items in another namespace": report(
        host(KNOWN, KNOWN.replace("<ReportItem", '<ReportItem xmlns="urn:other"'), KNOWN)
    ),
    "places of which some is missing": report(
        host(
            *(
                f'<ReportItem port="1"{place} severity="0"{later} pluginID="9" pluginName="n">'
                f"{SAME}{output('said')}</ReportItem>"
                for place in ("", ' protocol="tcp"', ' svc_name="a"')
                for later in ("", ' svc_name="b"', ' protocol="udp"', "")
                if place[:4] != later[:4] or not place
            )
        )
    ),
    "no severity": report(
        host(
            *(
                f'<ReportItem port="{port}" pluginID="9">{SAME}{output("a")}</ReportItem>'
                for port in (1, 2, 1, 2)
            )
        )
    ),
    "text between children": report(
        host(KNOWN, item(f"a{SAME}"), item(f"{SAME}a"), item(f"{SAME}a{output('b')}"), KNOWN)
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


PARTS = (
    *("<description>a</description>", "<description>b</description>", "<description/>"),
    *(output("one"), output("two"), output(""), "<plugin_output/>", output("<![CDATA[x]]>")),
    *(
        f"<cm:compliance-{name}>{text}</cm:compliance-{name}>"
        for name in ("actual-value", "result", "check-name", "info")
        for text in ("PASSED", "FAILED", "")
    ),
    *("<cm:compliance-actual-value/>", "<!-- said -->", "text", "<cve>CVE-2024-1</cve>"),
    *("<compliance>true</compliance>", "<risk_factor>High</risk_factor>", "<a b='c'>d</a>"),
)


STARTS = (
    '<ReportItem port="{0}" svc_name="" protocol="tcp" severity="{1}" pluginID="{2}">',
    '<ReportItem severity="{1}" port="{0}" pluginID="{2}" pluginName="n">',
)


@pytest.mark.parametrize("seed", range(40))
def test_it_stores_what_a_parser_alone_would_whatever_items_are_made_of(
    seed: int, tmp_path: Path
) -> None:
    """Of few plugins and parts, so that most items resemble another."""
    source = chance(f"items {seed}")
    items = []
    for _ in range(8):
        parts = source.sample(PARTS, source.randrange(7))
        for _ in range(8):
            start = source.choice(STARTS).format(
                source.choice((0, 443)), source.choice((0, 3)), source.choice((7, 19506))
            )
            if parts and source.random() < 0.5:
                parts[source.randrange(len(parts))] = source.choice(PARTS)
            items.append(f"{start}{''.join(parts)}</ReportItem>")
    source.shuffle(items)
    xml = report(*(host(*items[begin::6], name=f"h{begin}") for begin in range(6)))
    assert stored(tmp_path / "a", xml) == stored(tmp_path / "b", xml, shortcut=False)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1_000])
def test_where_the_chunks_end_does_not_matter(size: int, tmp_path: Path) -> None:
    xml = report(
        host(KNOWN, KNOWN, item(SAME + output("x" * 300)), CHECK), host(KNOWN, CHECK, name="b")
    )
    assert stored(tmp_path / "a", xml, chunk=size) == stored(tmp_path / "b", xml)


REPEATING = {
    "findings": Shape(bytes=3_000_000, plugins=200, policy_bytes=10_000),
    "compliance checks": Shape(bytes=20_000_000, plugins=200, checks=400, policy_bytes=10_000),
}


@pytest.mark.parametrize("shape", REPEATING.values(), ids=REPEATING)
def test_most_items_of_a_report_are_known_by_their_bytes(shape: Shape, tmp_path: Path) -> None:
    path = tmp_path / "made_up.nessus"
    truth = write_report(path, shape)
    items = truth.findings + sum(truth.compliance.values())
    staging = Staging(tmp_path / "store", tmp_path / "waiting")
    with closing(staging.connection):
        document = Document(staging, items)
        shortcut = Shortcut(document)
        shortcut.feed(path.read_bytes())
    assert document.items == items
    assert items - shortcut.cut_items < 2_000


@pytest.mark.parametrize("body", [SAME, "<a><b/></a>"], ids=["to be learnt", "not to be learnt"])
def test_more_texts_than_are_remembered_are_stored_whole(body: str, tmp_path: Path) -> None:
    """Start tags of 20 MB in all, each twice."""
    names = [f"{number} {'n' * 100_000}" for number in range(200)]
    items = [item(body + output(f"{n}"), plugin=n, name=name) for n, name in enumerate(names)]
    found = stored(tmp_path, report(host(*items, *items)))
    said = sorted((row["plugin"]["plugin_name"], row["plugin_output"]) for row in found["findings"])
    assert said == sorted([(name, str(n)) for n, name in enumerate(names)] * 2)
