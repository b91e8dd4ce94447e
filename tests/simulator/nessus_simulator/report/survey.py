"""What status calls need to know of a report: its hosts, and how often each plugin fired."""

from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lxml import etree

SEVERITIES = range(5)


@dataclass(frozen=True, slots=True)
class PluginCount:
    id: int
    name: str
    family: str
    severity: int
    count: int


@dataclass(frozen=True, slots=True)
class SurveyedHost:
    name: str
    properties: Mapping[str, str]
    plugins: tuple[PluginCount, ...]

    def severity_counts(self) -> tuple[int, ...]:
        """From info to critical."""
        counts: Counter[int] = Counter()
        for plugin in self.plugins:
            counts[plugin.severity] += plugin.count
        return tuple(counts[severity] for severity in SEVERITIES)


@dataclass(frozen=True, slots=True)
class Output:
    """One ReportItem, as text by attribute and child name; of repeated children all values."""

    attributes: Mapping[str, str]
    children: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Survey:
    """The ReportHosts in order. A broken report has those before the break and tells the
    `problem`: it is served all the same, since clients must cope with such files."""

    hosts: tuple[SurveyedHost, ...] = ()
    problem: str | None = None


def survey(path: Path) -> Survey:
    hosts: list[SurveyedHost] = []
    try:
        hosts.extend(_surveyed(host) for host in _hosts(path))
    except etree.XMLSyntaxError as error:
        return Survey(tuple(hosts), error.msg)
    return Survey(tuple(hosts))


def outputs(path: Path, host_index: int, plugin_id: int) -> tuple[Output, ...]:
    """The items of one plugin on one host that the survey found."""
    with closing(_hosts(path)) as hosts:
        host = next(islice(hosts, host_index, None), None)
        items = () if host is None else host.iterfind("ReportItem")
        return tuple(_output(item) for item in items if _number(item, "pluginID") == plugin_id)


def _hosts(path: Path) -> Generator[etree._Element, None, None]:
    """One after the other; each is empty once the next is asked for."""
    with path.open("rb") as file:
        for _, host in etree.iterparse(
            file,
            tag="ReportHost",
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=True,
        ):
            yield host
            host.clear()
            while host.getprevious() is not None:
                del host.getparent()[0]


def _surveyed(host: etree._Element) -> SurveyedHost:
    counts: Counter[tuple[int, str, str, int]] = Counter(
        (
            _number(item, "pluginID"),
            item.get("pluginName", ""),
            item.get("pluginFamily", ""),
            min(max(_number(item, "severity"), 0), 4),
        )
        for item in host.iterfind("ReportItem")
    )
    return SurveyedHost(
        name=host.get("name", ""),
        properties={
            tag.get("name", ""): tag.text or "" for tag in host.iterfind("HostProperties/tag")
        },
        plugins=tuple(PluginCount(*key, count) for key, count in counts.items()),
    )


def _output(item: etree._Element) -> Output:
    children: dict[str, tuple[str, ...]] = {}
    for child in item.iterchildren("*"):
        children[child.tag] = (*children.get(child.tag, ()), child.text or "")
    return Output({str(k): str(v) for k, v in item.attrib.items()}, children)


def _number(item: etree._Element, name: str) -> int:
    text = item.get(name, "")
    return int(text) if text.isdecimal() else 0
