"""The objects that an administrator would write: namespaces, Secrets, one pool."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from demo.targets import Plan
from nessus_operator.api import names

SYSTEM = "nessus-system"  # where config/rbac puts the ServiceAccounts
NAMESPACE = "demo"  # where pool and scans are
POOL = "nessus"

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scanner:
    """A Nessus, and the API keys of an account there."""

    name: str
    url: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def pool(scanners: Sequence[Scanner], plan: Plan) -> Object:
    spec = {
        "scanners": [
            {
                "name": scanner.name,
                "url": scanner.url,
                "auth": {"type": "APIKeys", "secretRef": {"name": scanner.name}},
            }
            for scanner in scanners
        ],
        "scope": {"allow": list(plan.allow)},
        "pollPeriodSeconds": 5,
        # The scan stays on its scanner, which is asked once more for the report, to count it.
        "retention": {"remoteScan": "DeleteWithScan"},
    }
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.POOL_KIND,
        "metadata": {"name": POOL, "namespace": NAMESPACE},
        "spec": spec,
    }


def keys(scanners: Iterable[Scanner]) -> Object:
    """The Secret of each scanner, sent to no other address than its own."""
    secrets = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": scanner.name,
                "namespace": NAMESPACE,
                "annotations": {names.ANNOTATION_SCANNER_URL: scanner.url},
            },
            "type": names.SECRET_TYPE_SCANNER,
            "stringData": {"accessKey": scanner.access_key, "secretKey": scanner.secret_key},
        }
        for scanner in scanners
    ]
    return {"apiVersion": "v1", "kind": "List", "items": secrets}
