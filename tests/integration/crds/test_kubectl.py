"""What people see: columns, names, explanations, selectors."""

import json
import re
from pathlib import Path

import pytest
from generator.schema import fields, load_crd, object_schema
from tests.integration.conftest import ControlPlane, kubectl
from tests.integration.crds.bodies import RESULTS, TIME, Scan, make, pool_body, verdict
from tests.kube import Kube, Refused, path_of

from nessus_operator.api import names

ROOT = Path(__file__).parents[3]


async def test_a_scan_shows_where_it_stands(
    control_plane: ControlPlane, kube: Kube, namespace: str
) -> None:
    scan = await make(kube, namespace, "Running")
    status = await scan.status()
    seen = {
        "progress": {"percent": 40},
        "results": RESULTS | {"severities": {"critical": 3, "high": 17}},
        "message": "waiting for Nessus",
        "targetsSummary": "192.0.2.1 +2",
        "authentication": {"status": "Partial"},
    }
    assert await scan.write_status(status | seen) is None

    narrow = kubectl(control_plane, "get", "nscan", "-n", namespace).splitlines()
    wide = kubectl(control_plane, "get", "nessus", "-n", namespace, "-o", "wide").splitlines()

    assert narrow[0].split() == [
        *("NAME", "PHASE", "POOL", "SCANNER", "PROGRESS"),
        *("CRITICAL", "HIGH", "AUTH", "AGE"),
    ]
    assert narrow[1].split()[1:8] == [
        *("Running", "nessus", "scanner1", "40"),
        *("3", "17", "Partial"),
    ]
    assert wide[0].split()[9:] == ["MESSAGE", "TARGETS", "ATTEMPT", "STARTED", "FINISHED"]
    assert "waiting for Nessus" in wide[1]
    assert "192.0.2.1 +2" in wide[1]


async def test_a_pool_shows_its_load(
    control_plane: ControlPlane, kube: Kube, namespace: str
) -> None:
    body = await kube.create(path_of(names.POOLS, namespace), pool_body())
    path = path_of(names.POOLS, namespace, body["metadata"]["name"])
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Ready",
        "message": "1 of 1 scanners takes scans",
        "lastTransitionTime": TIME,
    }
    status = {"active": 1, "capacity": 2, "queued": 3, "deadLetters": 4, "conditions": [ready]}
    await kube.patch(f"{path}/status", {"status": status})

    head, row = kubectl(control_plane, "get", "spool", "-n", namespace, "-o", "wide").splitlines()

    assert head.split() == [
        *("NAME", "READY", "ACTIVE", "CAPACITY", "QUEUED", "AGE"),
        *("STOP", "DEADLETTERS", "MESSAGE"),
    ]
    assert row.split()[1:5] == ["True", "1", "2", "3"]
    assert row.split()[6:] == ["None", "4", *ready["message"].split()]


@pytest.mark.parametrize(
    ("kind", "plural"), [("nscan", names.SCANS), ("spool", names.POOLS)], ids=["scan", "pool"]
)
def test_kubectl_explains_every_field(
    control_plane: ControlPlane, crds: None, kind: str, plural: str
) -> None:
    for part in ("spec", "status"):
        page = kubectl(control_plane, "explain", f"{kind}.{part}")
        described = re.findall(r"^  (\w+)\t<.*\n(?:  enum: .*\n)?    (\S.*)$", page, re.MULTILINE)
        schema = object_schema(load_crd(ROOT, plural))["properties"][part]
        wanted = {f.path: f.description for f in fields(schema) if f.path.isidentifier()}
        assert dict(described).keys() == wanted.keys()
        for name, first_line in described:
            assert " ".join(wanted[name].split()).startswith(first_line)


async def select(kube: Kube, namespace: str, selector: str) -> set[str]:
    found = await kube.items(path_of(names.SCANS, namespace), fieldSelector=selector)
    return {item["metadata"]["name"] for item in found}


def name_of(scan: Scan) -> str:
    return scan.path.rpartition("/")[2]


async def test_scans_are_selected_by_pool_type_phase_and_scanner(
    kube: Kube, namespace: str
) -> None:
    new = await make(kube, namespace, poolRef={"name": "other"})
    running = await make(kube, namespace, "Running")

    assert await select(kube, namespace, "spec.poolRef.name=other") == {name_of(new)}
    assert await select(kube, namespace, "spec.scanType!=Untrusted") == set()
    assert await select(kube, namespace, "status.phase=Running") == {name_of(running)}
    assert await select(kube, namespace, "status.phase=") == {name_of(new)}
    assert await select(kube, namespace, "status.scannerName=scanner1") == {name_of(running)}
    with pytest.raises(Refused, match="field label not supported"):
        await select(kube, namespace, "spec.priority=0")


async def test_a_misspelt_field_is_refused(kube: Kube, namespace: str) -> None:
    scan = await make(kube, namespace)

    answer = await verdict(kube.patch(scan.path, {"spec": {"prioritty": 1}}))

    assert answer
    assert "unknown field" in answer


async def test_wait_ends_with_any_end(
    control_plane: ControlPlane, kube: Kube, namespace: str
) -> None:
    scan = await make(kube, namespace, "Failed")
    finished = {
        "type": "Finished",
        "status": "True",
        "reason": "Failed",
        "message": "",
        "lastTransitionTime": TIME,
        "observedGeneration": (await scan.body())["metadata"]["generation"],
    }
    assert await scan.write_status(await scan.status() | {"conditions": [finished]}) is None

    wait = ("wait", "--for=condition=Finished", "--timeout=10s", "nscan", name_of(scan))
    assert "condition met" in kubectl(control_plane, *wait, "-n", namespace)


async def test_a_manifest_can_be_applied_again_after_a_retry(
    control_plane: ControlPlane, kube: Kube, namespace: str
) -> None:
    sample = str(ROOT / "config/samples/untrusted-scan.yaml")
    apply = ("apply", "-n", namespace, "-f", sample)
    created = json.loads(kubectl(control_plane, *apply, "-o", "json"))
    scan = Scan(kube, path_of(names.SCANS, namespace, created["metadata"]["name"]))
    assert await scan.patch_spec(cancel=True) is None
    await scan.lead_to("Cancelled")
    assert await scan.patch_spec(cancel=False, manualRetries=1) is None

    assert "unchanged" in kubectl(control_plane, *apply)
