"""Other readers of .nessus files, each as a script of its own: FILE in, number of items out."""

# What ingest is measured against: each item a dict, then dropped.
LXML = """
import sys
from lxml import etree
items = 0
options = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
tags = ("ReportItem", "ReportHost")
for _, element in etree.iterparse(sys.argv[1], events=("end",), tag=tags, **options):
    if element.tag == "ReportItem":
        found = dict(element.attrib)
        for child in element:
            found[child.tag] = child.text
        items += 1
    element.clear(keep_tail=False)
    while element.getprevious() is not None:
        del element.getparent()[0]
print(items)
"""

PEERS = {
    "lxml iterparse to dicts": LXML,
    "xml.etree iterparse to dicts": """
import sys
from xml.etree import ElementTree
items = 0
for _, element in ElementTree.iterparse(sys.argv[1]):
    if element.tag == "ReportItem":
        found = dict(element.attrib)
        for child in element:
            found[child.tag] = child.text
        items += 1
        element.clear()
    elif element.tag == "ReportHost":
        element.clear()
print(items)
""",
    "pyTenable NessusReportv2": """
import sys
from tenable.reports import NessusReportv2
with open(sys.argv[1], "rb") as file:
    print(sum(1 for _ in NessusReportv2(file)))
""",
    "nessus-file-reader, 13 fields": """
import sys
import nessus_file_reader as reader
names = (
    "port", "protocol", "svc_name", "severity", "pluginID", "pluginName", "pluginFamily",
    "risk_factor", "synopsis", "description", "solution", "cvss3_base_score", "plugin_output",
)
items = 0
for host in reader.scan.report_hosts(reader.file.nessus_scan_file_root_element(sys.argv[1])):
    for item in reader.host.report_items(host):
        for name in names:
            reader.plugin.report_item_value(item, name)
        items += 1
print(items)
""",
}
