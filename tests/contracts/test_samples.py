"""The samples fit the schema, need no server to be checked, and can be applied again and again."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from generator.schema import load_crd, object_schema
from tests.contracts.patterns import matches

from nessus_operator.api import names

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "config/samples").glob("*.yaml"))
PLURALS = {names.SCAN_KIND: names.SCANS, names.POOL_KIND: names.POOLS}
SECRET_TYPES = {names.SECRET_TYPE_SCANNER, names.SECRET_TYPE_CREDENTIALS}


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def pattern(_: Any, wanted: str, text: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    if isinstance(text, str) and not matches(wanted, text):
        yield jsonschema.ValidationError(f"{text!r} does not match {wanted}")


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": pattern})


def closed(schema: Any, path: str = "") -> Any:
    """The schema with every unknown field refused, as kubectl does."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {name: closed(value, name) for name, value in schema.items()}
    if "properties" in schema and path != "metadata":
        shut["additionalProperties"] = False
    return shut


def problems(document: dict[str, Any]) -> Iterator[str]:
    """What the API server or a second `kubectl apply` would refuse."""
    if document["kind"] == "Secret":
        if document["type"] not in SECRET_TYPES:
            yield f"no Secret of ours: {document['type']}"
        return
    schema = object_schema(load_crd(ROOT, PLURALS[document["kind"]]))
    for error in Validator(closed(schema)).iter_errors(document):
        yield f"{error.json_path}: {error.message}"
    for name in ("cancel", "manualRetries"):
        if name in document["spec"]:
            yield f"{name} in a manifest cannot be applied again"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_fits_the_schema(path: Path) -> None:
    assert [problem for document in documents(path) for problem in problems(document)] == []


def test_there_is_a_sample_of_every_kind() -> None:
    found = {(d["kind"], d.get("type")) for path in SAMPLES for d in documents(path)}

    assert found == {
        (names.SCAN_KIND, None),
        (names.POOL_KIND, None),
        ("Secret", names.SECRET_TYPE_SCANNER),
        ("Secret", names.SECRET_TYPE_CREDENTIALS),
    }


def test_a_sample_secret_is_meant_for_the_url_of_its_scanner() -> None:
    secret, pool = documents(ROOT / "config/samples/pool.yaml")
    (scanner,) = pool["spec"]["scanners"]

    assert scanner["auth"]["secretRef"]["name"] == secret["metadata"]["name"]
    assert secret["metadata"]["annotations"][names.ANNOTATION_SCANNER_URL] == scanner["url"]


def test_the_samples_belong_together() -> None:
    found = [d for path in SAMPLES for d in documents(path)]
    named = {(d["kind"], d["metadata"]["name"]) for d in found}

    for scan in (d for d in found if d["kind"] == names.SCAN_KIND):
        assert (names.POOL_KIND, scan["spec"]["poolRef"]["name"]) in named
        if secret := scan["spec"].get("credentials", {}).get("secretRef"):
            assert ("Secret", secret["name"]) in named


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a misspelt field": ({"priorty": 1}, "'priorty' was unexpected"),
    "a field of another type": ({"priority": "high"}, "'high' is not of type 'integer'"),
    "a number out of bounds": ({"priority": 1001}, "1001 is greater than the maximum"),
    "a text that does not match": ({"displayName": "a\u202eb"}, "does not match"),
    "a cancellation": ({"cancel": False}, "cancel in a manifest"),
    "a retry": ({"manualRetries": 0}, "manualRetries in a manifest"),
}


@pytest.mark.parametrize(("change", "said"), FAULTS.values(), ids=FAULTS)
def test_a_bad_sample_is_found(change: dict[str, Any], said: str) -> None:
    (scan,) = copy.deepcopy(documents(ROOT / "config/samples/untrusted-scan.yaml"))
    scan["spec"] |= change

    (problem,) = problems(scan)

    assert said in problem
