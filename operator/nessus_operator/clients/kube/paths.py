"""Where things live below the API server's root; a name that leads elsewhere is Rejected."""

import re

from nessus_operator.api.names import GROUP, POOLS, SCANS, VERSION
from nessus_operator.clients.errors import Rejected

_ROOT = f"/apis/{GROUP}/{VERSION}"
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")


def _path(root: str, namespace: str, resource: str, name: str, part: str) -> str:
    for given in filter(None, (namespace, name)):
        if not _NAME.fullmatch(given):
            raise Rejected(f"{given[:64]!r} is no name that Kubernetes has")
    place = f"{root}/namespaces/{namespace}" if namespace else root
    return "/".join(filter(None, (place, resource, name, part)))


def scans(namespace: str = "", name: str = "", part: str = "") -> str:
    """All scans, those of a namespace, one, or a part of one such as its `status`."""
    return _path(_ROOT, namespace, SCANS, name, part)


def pools(namespace: str = "", name: str = "", part: str = "") -> str:
    return _path(_ROOT, namespace, POOLS, name, part)


def secrets(namespace: str, name: str = "") -> str:
    return _path("/api/v1", namespace, "secrets", name, "")


def config_maps(namespace: str, name: str) -> str:
    return _path("/api/v1", namespace, "configmaps", name, "")


def leases(namespace: str, name: str = "") -> str:
    return _path("/apis/coordination.k8s.io/v1", namespace, "leases", name, "")


def events(namespace: str, name: str = "") -> str:
    return _path("/apis/events.k8s.io/v1", namespace, "events", name, "")


ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def resource_of(path: str) -> str:
    """`nessusscans/status` for a scan's status: the `resource` label of metrics."""
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    return "/".join(rest[:1] + rest[2:])
