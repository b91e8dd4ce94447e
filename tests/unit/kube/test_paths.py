"""Paths below the API server's root, and nothing that leads out of them."""

import pytest

from nessus_operator.clients.errors import Rejected
from nessus_operator.clients.kube import paths

NESSUS = "/apis/nessus-operator.dev/v1alpha1"

PATHS = {
    "all scans": (paths.scans(), f"{NESSUS}/nessusscans", "nessusscans"),
    "a namespace's scans": (
        paths.scans("team-a"),
        f"{NESSUS}/namespaces/team-a/nessusscans",
        "nessusscans",
    ),
    "a scan": (
        paths.scans("team-a", "dmz.weekly"),
        f"{NESSUS}/namespaces/team-a/nessusscans/dmz.weekly",
        "nessusscans",
    ),
    "a scan's status": (
        paths.scans("team-a", "dmz", "status"),
        f"{NESSUS}/namespaces/team-a/nessusscans/dmz/status",
        "nessusscans/status",
    ),
    "all pools": (paths.pools(), f"{NESSUS}/scannerpools", "scannerpools"),
    "a pool's status": (
        paths.pools("team-a", "nessus", "status"),
        f"{NESSUS}/namespaces/team-a/scannerpools/nessus/status",
        "scannerpools/status",
    ),
    "a secret": (
        paths.secrets("team-a", "login"),
        "/api/v1/namespaces/team-a/secrets/login",
        "secrets",
    ),
    "a config map": (
        paths.config_maps("team-a", "ca"),
        "/api/v1/namespaces/team-a/configmaps/ca",
        "configmaps",
    ),
    "a lease": (
        paths.leases("ops", "nessus-operator"),
        "/apis/coordination.k8s.io/v1/namespaces/ops/leases/nessus-operator",
        "leases",
    ),
    "events": (
        paths.events("ops"),
        "/apis/events.k8s.io/v1/namespaces/ops/events",
        "events",
    ),
    "a question of rights": (
        paths.ACCESS_REVIEWS,
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "selfsubjectaccessreviews",
    ),
    "a namespace": ("/api/v1/namespaces/team-a", "/api/v1/namespaces/team-a", "namespaces"),
    "something else": ("/readyz", "/readyz", ""),
}


@pytest.mark.parametrize(("path", "expected", "resource"), PATHS.values(), ids=PATHS)
def test_path(path: str, expected: str, resource: str) -> None:
    assert path == expected
    assert paths.resource_of(path) == resource


NO_NAMES = {
    "the folder above": "..",
    "the folder itself": ".",
    "a way out": "../secrets",
    "two parts": "a/b",
    "another part of the object": "a/status",
    "a query": "a?watch=true",
    "a fragment": "a#b",
    "a way out in disguise": "%2e%2e",
    "a blank": "a b",
    "a line break": "a\n",
    "capitals": "A",
    "letters beyond ASCII": "é",
    "a dash in front": "-a",
    "a dash at the end": "a-",
    "too long": "x" * 254,
}


@pytest.mark.parametrize("name", NO_NAMES.values(), ids=NO_NAMES)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Rejected, match="is no name"):
        paths.scans("team-a", name)
    with pytest.raises(Rejected, match="is no name"):
        paths.secrets(name, "login")
