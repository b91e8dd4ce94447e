"""Every reason is explained, in code and in crds/README.md."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from generator.schema import fields, load_crd, object_schema
from tests.contracts.patterns import matches

from nessus_operator.api import names
from nessus_operator.api.reasons import MEANINGS, Meaning, Reason
from nessus_operator.results.refusals import REFUSALS, Refused

ROOT = Path(__file__).parents[2]
# The values of the label `reason` of nessus_scan_failures_total, by whose fault they are.
METRIC_REASONS = {
    "Platform": {
        *("scanner_unreachable", "scanner_error", "export_failed"),
        *("store_failed", "timeout_scanner", "internal"),
    },
    "User": {"auth_failed", "targets_unreachable", "policy_invalid", "timeout_limit"},
}


def unexplained(meanings: Mapping[Reason, Meaning]) -> Iterator[str]:
    """Reasons without a sentence, without a way out of a fault, or counted under a wrong value."""
    for reason in Reason:
        meaning = meanings.get(reason)
        if meaning is None or not meaning.sentence.endswith("."):
            yield f"{reason}: no sentence"
        elif meaning.fault is None:
            if meaning.metric is not None:
                yield f"{reason}: counted, but nobody's fault"
        elif not meaning.advice.endswith("."):
            yield f"{reason}: no advice"
        elif meaning.metric not in METRIC_REASONS[meaning.fault]:
            yield f"{reason}: {meaning.metric} is no value for a fault of {meaning.fault}"


def table_rows(text: str) -> dict[str, list[str]]:
    """The rows of the table whose first column is `Reason`, by reason."""
    table = text.partition("| Reason |")[2].partition("\n\n")[0]
    rows = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in table.splitlines()[2:]]
    return {row[0].strip("`"): row for row in rows if row[0].startswith("`")}


def undocumented(text: str) -> Iterator[str]:
    """Reasons that a README's table misses, has too many, or explains otherwise."""
    rows = table_rows(text)
    for name in sorted(rows.keys() ^ {str(reason) for reason in Reason}):
        yield f"{name}: in one place only"
    for reason, meaning in MEANINGS.items():
        said = " | ".join(rows.get(reason, ()))
        wanted = (meaning.sentence, meaning.fault, meaning.metric, meaning.advice)
        if not all(part in said for part in wanted if part):
            yield f"{reason}: told otherwise"


def test_every_reason_is_explained() -> None:
    assert list(unexplained(MEANINGS)) == []


def test_the_readme_explains_every_reason_as_the_code_does() -> None:
    assert list(undocumented((ROOT / "crds/README.md").read_text())) == []


@pytest.mark.parametrize("plural", [names.SCANS, names.POOLS])
def test_the_server_takes_every_reason(plural: str) -> None:
    free = [
        f.schema
        for f in fields(object_schema(load_crd(ROOT, plural)))
        if f.path.endswith(".reason") and "enum" not in f.schema
    ]

    assert free
    for schema in free:
        for reason in Reason:
            assert matches(schema["pattern"], reason)
            assert len(reason) <= schema["maxLength"]


FAULTS: dict[str, tuple[Reason, Meaning | None, str]] = {
    "a reason that nobody explains": (Reason.DEADLINE, None, "Deadline: no sentence"),
    "a fault without advice": (
        Reason.DEADLINE,
        Meaning("Took too long.", "", "User", "timeout_limit"),
        "Deadline: no advice",
    ),
    "a user's fault counted as the platform's": (
        Reason.DEADLINE,
        Meaning("Took too long.", "Wait.", "User", "timeout_scanner"),
        "Deadline: timeout_scanner is no value for a fault of User",
    ),
    "a value for what is no fault": (
        Reason.STORED,
        Meaning("Stored.", metric="internal"),
        "Stored: counted, but nobody's fault",
    ),
}


@pytest.mark.parametrize(("reason", "meaning", "said"), FAULTS.values(), ids=FAULTS)
def test_a_badly_explained_reason_is_found(
    reason: Reason, meaning: Meaning | None, said: str
) -> None:
    spoilt: dict[Any, Any] = {name: text for name, text in MEANINGS.items() if name != reason}
    if meaning:
        spoilt[reason] = meaning

    assert list(unexplained(spoilt)) == [said]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("| `Deadline` |", "| `Deadlines` |", "Deadline: in one place only"),
        ("The scan waited longer", "The scan waited", "StartingDeadline: told otherwise"),
    ],
    ids=["a row renamed", "a sentence changed"],
)
def test_a_readme_that_says_otherwise_is_found(old: str, new: str, said: str) -> None:
    text = (ROOT / "crds/README.md").read_text()
    assert old in text

    assert said in list(undocumented(text.replace(old, new)))


def unknown(refusals: Iterable[str]) -> set[str]:
    """Ways in which a report is refused that a scan's status could not name."""
    return set(refusals) - {str(reason) for reason in Reason}


def test_every_way_to_refuse_a_report_is_a_reason() -> None:
    assert set(REFUSALS) == set(Refused.__subclasses__())
    assert unknown(refusal.__name__ for refusal in REFUSALS) == set()


def test_a_refusal_that_is_no_reason_is_found() -> None:
    assert unknown(["TooDeep", "TooColourful"]) == {"TooColourful"}
