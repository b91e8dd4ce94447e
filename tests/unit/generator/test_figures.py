"""Made-up reports have the sizes and the repetition of real ones, within a tenth.

The figures are those of 15,000 items in 53 public reports of Nessus 4 to 10.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import pytest
from lxml import etree
from tests.generator.report import Shape, write_report

TENTH = 0.1
_DECLARED = b' xmlns:cm="http://www.nessus.org/cm"'  # on Report, and on each item cut out of it
_PLACE = ("port", "protocol", "svc_name")


@dataclass
class Figures:
    """Bytes of items, characters of outputs, descriptions and all texts; texts that repeat."""

    items: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    described: int = 0
    texts: int = 0
    severities: Counter[str] = field(default_factory=Counter)
    constant: dict[bytes, int] = field(default_factory=dict)

    def add(self, item: etree._Element) -> None:
        self.severities[str(item.get("severity"))] += 1
        self.items.append(len(etree.tostring(item, with_tail=False)) - len(_DECLARED))
        self.texts += sum(len(child.text or "") for child in item)
        self.described += len(item.findtext("description") or "")
        output = item.find("plugin_output")
        if output is not None:
            self.outputs.append(len(output.text or ""))
            item.remove(output)
        for name in _PLACE:
            item.attrib.pop(name)
        constant = etree.tostring(item, with_tail=False).replace(_DECLARED, b"")
        self.constant[constant] = self.constant.get(constant, 0) + 1

    @property
    def repetition(self) -> float:
        """How much smaller the items are with the constant text of each plugin only once."""
        saved = sum(len(text) * (times - 1) for text, times in self.constant.items())
        return sum(self.items) / (sum(self.items) - saved)


@pytest.fixture(scope="module", params=[1, 2, 3], ids="seed {}".format)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("figures") / "made_up.nessus"
    write_report(path, Shape(bytes=20_000_000, seed=request.param))
    return path


@pytest.fixture(scope="module")
def figures(report: Path) -> Figures:
    found = Figures()
    for _, item in etree.iterparse(report, tag="ReportItem"):
        found.add(item)
        item.clear()
    return found


def near(value: float) -> object:
    return pytest.approx(value, rel=TENTH)


def quantile(lengths: list[int], share: float) -> int:
    return sorted(lengths)[int(len(lengths) * share)]


ITEMS = {"half": (0.5, 1_100), "90 %": (0.9, 3_100), "95 %": (0.95, 5_000), "99 %": (0.99, 13_100)}
OUTPUTS = {"half": (0.5, 106), "90 %": (0.9, 877), "99 %": (0.99, 11_800)}


@pytest.mark.parametrize(("share", "most"), ITEMS.values(), ids=ITEMS)
def test_so_many_items_are_no_longer(share: float, most: int, figures: Figures) -> None:
    assert quantile(figures.items, share) == near(most)


@pytest.mark.parametrize(("share", "most"), OUTPUTS.values(), ids=OUTPUTS)
def test_so_many_outputs_are_no_longer(share: float, most: int, figures: Figures) -> None:
    assert quantile(figures.outputs, share) == near(most)


def test_items_and_outputs_have_the_mean_length(figures: Figures) -> None:
    assert fmean(figures.items) == near(2_000)
    assert fmean(figures.outputs) == near(861)
    assert len(figures.outputs) / len(figures.items) == near(0.755)


def test_outputs_and_descriptions_have_their_share_of_all_text(figures: Figures) -> None:
    assert sum(figures.outputs) / figures.texts == near(0.41)
    assert figures.described / figures.texts == near(0.25)


def test_items_repeat_the_text_of_their_plugin(figures: Figures) -> None:
    """Real scans of many hosts: 2.0 to 2.6."""
    assert figures.repetition == near(2.3)


SEVERITIES = {"0": 0.75, "1": 0.045, "2": 0.096, "3": 0.092, "4": 0.005}


@pytest.mark.parametrize(("severity", "share"), SEVERITIES.items())
def test_severities_have_their_share(severity: str, share: float, figures: Figures) -> None:
    assert figures.severities[severity] / len(figures.items) == near(share)


def test_a_policy_has_the_length_of_a_real_one(report: Path) -> None:
    before_hosts = report.read_bytes().index(b"<Report ")
    assert 300_000 <= before_hosts <= 1_900_000


def test_the_same_shape_gives_the_same_bytes(tmp_path: Path) -> None:
    shape = Shape(bytes=300_000, seed=5, checks=2, policy_bytes=5_000)
    made = [tmp_path / "one", tmp_path / "two"]
    assert write_report(made[0], shape) == write_report(made[1], shape)
    assert made[0].read_bytes() == made[1].read_bytes()
    write_report(made[1], Shape(bytes=300_000, seed=6, checks=2, policy_bytes=5_000))
    assert made[0].read_bytes() != made[1].read_bytes()
