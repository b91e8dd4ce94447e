"""The models and the CRDs say the same."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from generator.schema import load_crd, object_schema
from tests.contracts.agreement import differences

from nessus_operator.api import names
from nessus_operator.api.pool import PoolSpec, PoolStatus
from nessus_operator.api.scan import ScanSpec, ScanStatus

ROOT = Path(__file__).parents[2]
PARTS = {
    "spec of a scan": (names.SCANS, "spec", ScanSpec),
    "status of a scan": (names.SCANS, "status", ScanStatus),
    "spec of a pool": (names.POOLS, "spec", PoolSpec),
    "status of a pool": (names.POOLS, "status", PoolStatus),
}


def crd_schema(plural: str, part: str) -> dict[str, Any]:
    schema: dict[str, Any] = object_schema(load_crd(ROOT, plural))["properties"][part]
    return schema


@pytest.mark.parametrize(("plural", "part", "model"), PARTS.values(), ids=PARTS)
def test_a_model_and_its_crd_agree(plural: str, part: str, model: Any) -> None:
    found = differences(model, crd_schema(plural, part), server_defaults=part == "spec")

    assert list(found) == []


Spoil = Callable[[dict[str, Any]], object]
SPEC_FAULTS: dict[str, tuple[Spoil, str]] = {
    "a field more": (lambda p: p.update(colour={"type": "string"}), "ScanSpec: fields"),
    "a field less": (lambda p: p.pop("suspend"), "ScanSpec: fields"),
    "another type": (lambda p: p["priority"].update(type="string"), "ScanSpec.priority: type"),
    "a value more": (lambda p: p["scanType"]["enum"].append("Quick"), "ScanSpec.scanType: enum"),
    "another default": (lambda p: p["template"].update(default="basic"), "template: default"),
    "a default less": (lambda p: p["cancel"].pop("default"), "ScanSpec.cancel: default"),
    "a default deep inside": (
        lambda p: p["credentials"]["properties"]["kerberos"]["properties"]["port"].update(
            default=89
        ),
        "ScanSpec.credentials.kerberos.port: default",
    ),
    "a requirement less": (
        lambda p: p["credentials"].update(required=["type"]),
        "ScanSpec.credentials.secretRef: the model needs it",
    ),
    "a requirement more": (
        lambda p: p["collect"].update(required=["scanID", "historyID"]),
        "ScanSpec.collect.historyID: the CRD requires it",
    ),
}
STATUS_FAULTS: dict[str, tuple[Spoil, str]] = {
    "a shorter text": (lambda p: p["message"].update(maxLength=255), "message: maxLength"),
    "an unbounded list": (lambda p: p["warnings"].pop("maxItems"), "warnings: maxItems"),
    "a smaller number": (
        lambda p: p["progress"]["properties"]["percent"].update(maximum=99),
        "ScanStatus.progress.percent: maximum",
    ),
    "another pattern in a list": (
        lambda p: p["remoteCleanups"]["items"]["properties"]["token"].update(pattern="^x$"),
        "ScanStatus.remoteCleanups[].token: pattern",
    ),
    "a text that is no time": (lambda p: p["startTime"].pop("format"), "startTime: format"),
}


@pytest.mark.parametrize(
    ("part", "spoil", "said"),
    [
        *(("spec", *fault) for fault in SPEC_FAULTS.values()),
        *(("status", *fault) for fault in STATUS_FAULTS.values()),
    ],
    ids=[*SPEC_FAULTS, *STATUS_FAULTS],
)
def test_a_difference_is_found(part: str, spoil: Spoil, said: str) -> None:
    schema = copy.deepcopy(crd_schema(names.SCANS, part))
    spoil(schema["properties"])
    model = ScanSpec if part == "spec" else ScanStatus

    (found,) = differences(model, schema, server_defaults=part == "spec")

    assert said in found
