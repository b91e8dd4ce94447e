"""A reader that holds the whole tree and trusts nothing of ours: what ingest must agree with."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from lxml import etree

CM = "{http://www.nessus.org/cm}"
_LINES = {"see_also", "cpe"}
_BOOLEANS = set(
    """exploit_available exploit_framework_core exploit_framework_metasploit malware always_run
    exploit_framework_canvas exploit_framework_exploithub exploit_framework_d2_elliot compliance
    exploited_by_malware exploited_by_nessus in_the_news asset_inventory hardware_inventory
    os_identification unsupported_by_vendor default_account potential_vulnerability
    thorough_tests""".split()  # noqa: SIM905 - easier to read as text
)
_WORDS = {"yes": "true", "1": "true", "no": "false", "0": "false", "": "false"}
_NUMBER = re.compile(r".*(_score|Score|_rating|_percentile)|cvss|cvssv3")
_DATE = re.compile(r".*_date|cisa-known-exploited|(first|last)_found")

Item = dict[str, Any]


def read(xml: bytes) -> Counter[str]:
    """Every item with all it says, as JSON, and how often it comes."""
    root = etree.fromstring(xml, etree.XMLParser(remove_comments=True, remove_pis=True))
    return Counter(
        json.dumps(_item(host, item), sort_keys=True)
        for host in root.iter("ReportHost")
        for item in host.findall("ReportItem")
    )


def hosts(xml: bytes) -> dict[str, set[tuple[str, str]]]:
    """Every host's tags."""
    root = etree.fromstring(xml, etree.XMLParser(remove_comments=True, remove_pis=True))
    found: dict[str, set[tuple[str, str]]] = {}
    for host in root.iter("ReportHost"):
        tags = found.setdefault(host.get("name", ""), set())
        tags.update((tag.get("name", ""), tag.text or "") for tag in host.iter("tag"))
    return found


def _item(host: etree._Element, item: etree._Element) -> Item:
    children: dict[str, list[Any]] = {}
    for child in item:
        children.setdefault(child.tag, []).extend(_values(child))
    attributes = dict(item.attrib)
    names = children.pop("plugin_name", [])
    if not attributes.get("pluginName") and names:
        attributes["pluginName"] = names[0]
    elif names and names != [attributes.get("pluginName")]:
        children["plugin_name"] = names
    _leave_out_derived(children)
    for name in ("port", "severity"):
        if re.fullmatch("[0-9]{1,5}", attributes.get(name, "")):
            attributes[name] = str(int(attributes[name]))
    stray = "".join([item.text or "", *(child.tail or "" for child in item)]).strip()
    return {
        "host": host.get("name", ""),
        "attributes": attributes,
        "children": {tag: values for tag, values in children.items() if values},
        "stray": stray,
    }


def _values(child: etree._Element) -> Iterator[Any]:
    """The values of one element, with the freedom that ingest has: 10 is 10.0, True is true."""
    tag, text = child.tag, child.text or ""
    if tag == "attachment":
        if not text.strip() and (child.attrib or len(child)):
            text = ""
        yield [child.get("name"), child.get("type"), len(text.encode())]
    elif child.attrib or len(child):
        yield _tree(child)
    elif tag in _LINES:
        yield from (line.strip() for line in text.split("\n") if line.strip())
    elif tag == f"{CM}compliance-reference":
        yield from (word.strip().replace("\n", " ") for word in text.split(",") if word.strip())
    else:
        yield _value(tag, text)


def _tree(element: etree._Element) -> Any:
    """An element with attributes or children; the order of children matters only within a name."""
    children: dict[str, list[Any]] = {}
    for child in element:
        children.setdefault(child.tag, []).append(_tree(child))
    text = "".join([element.text or "", *(child.tail or "" for child in element)])
    if element.attrib or children:
        return [dict(element.attrib), children, text if text.strip() else ""]
    return text


def _value(tag: str, text: str) -> Any:
    if tag == f"{CM}compliance-result":
        return text.strip().upper()
    if tag in _BOOLEANS:
        word = text.strip().lower()
        return _WORDS.get(word, word)
    if _NUMBER.fullmatch(tag) and re.fullmatch(r"\s*[0-9.]+\s*", text):
        return float(text)
    return text.strip() if _DATE.fullmatch(tag) else text


def _leave_out_derived(children: dict[str, list[Any]]) -> None:
    """A check of the old style says name and result in its description only."""
    said = "\n".join(text for text in children.get("description", []) if isinstance(text, str))
    for tag in ("check-name", "result"):
        values = children.get(f"{CM}compliance-{tag}")
        if values and said.lstrip().startswith(("[", '"')) and values[0] in said:
            del children[f"{CM}compliance-{tag}"]
