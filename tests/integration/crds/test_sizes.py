"""A scan stays small enough for etcd, watches and an agent's context, whatever it meets."""

from pathlib import Path
from typing import Any

from generator.schema import load_crd, object_schema
from tests.integration.crds.largest import largest, stored_bytes
from tests.kube import Kube, path_of

from nessus_operator.api import names

ROOT = Path(__file__).parents[3]
KIB = 1024


def largest_spec(schema: dict[str, Any]) -> dict[str, Any]:
    """Every field of spec at its bound, but for those that exclude each other."""
    spec: dict[str, Any] = largest(schema)
    del spec["collect"], spec["credentials"]["windows"]
    spec["targets"] = [f"h{number:015d}" for number in range(512)]
    spec["description"] = ("<" * 213) + "xx"  # six bytes each, and 1280 are allowed
    spec["scanType"] = "AuthenticatedPrivileged"
    spec["credentials"] |= {"type": "SSH", "authMethod": "Kerberos"}
    spec["credentials"]["elevation"]["method"] = "SuSudo"
    return spec


async def test_a_scan_with_every_field_at_its_bound_stays_within_32_kib(
    kube: Kube, namespace: str
) -> None:
    schema = object_schema(load_crd(ROOT, names.SCANS))["properties"]
    spec, status = largest_spec(schema["spec"]), largest(schema["status"])
    assert sum(map(len, spec["targets"])) == 8192
    body = {
        "apiVersion": names.API_VERSION,
        "kind": names.SCAN_KIND,
        "metadata": {"name": "a" * 63, "finalizers": [names.FINALIZER]},
        "spec": spec,
    }
    # The first write of a status may say Failed, which leaves no field out.
    status |= {"phase": "Failed", "attempt": 1, "observedManualRetries": spec["manualRetries"]}
    await kube.create(path_of(names.SCANS, namespace), body)
    path = path_of(names.SCANS, namespace, "a" * 63)
    await kube.patch(f"{path}/status", {"status": status})

    answer = await kube.client.get(path)
    stored = answer.json()

    assert stored["status"] == status
    assert len(answer.content) == stored_bytes(stored) + len("\n")  # we count as the server does
    assert stored_bytes(stored["status"]) <= 16 * KIB
    assert stored_bytes(stored) <= 32 * KIB
    await kube.patch(path, {"metadata": {"finalizers": None}})
