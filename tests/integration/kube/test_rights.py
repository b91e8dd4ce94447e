"""A missing right is named in the words of RBAC."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.integration.kube.conftest import Connect
from tests.kube import Kube as Admin
from tests.kube import path_of

from nessus_operator.clients.kube.rights import Right, missing

GROUP = "nessus-operator.dev"
WANTED = (
    Right(GROUP, "nessusscans", ("list", "patch")),
    Right(GROUP, "nessusscans/status", ("patch",)),
    Right("", "secrets", ("get",)),
    Right("coordination.k8s.io", "leases", ("create",), "default"),
)
Login = Callable[..., Awaitable[Path]]


@pytest.fixture
async def login(service_account_kubeconfig: Login, kube: Admin, namespace: str) -> Path:
    """An account that may list scans and get secrets in its namespace."""
    rules = [
        {"apiGroups": [GROUP], "resources": ["nessusscans"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
    ]
    role = {"metadata": {"name": "half"}, "rules": rules}
    await kube.create(path_of("roles", namespace), role)
    binding = {
        "metadata": {"name": "half"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "half"},
        "subjects": [{"kind": "ServiceAccount", "name": "half", "namespace": namespace}],
    }
    await kube.create(path_of("rolebindings", namespace), binding)
    return await service_account_kubeconfig("half")


async def test_the_admin_lacks_nothing(connect: Connect) -> None:
    assert await missing(await connect(), WANTED, []) == []


async def test_what_is_missing_is_named_with_its_namespace(
    connect: Connect, login: Path, namespace: str
) -> None:
    assert await missing(await connect(login), WANTED, [namespace]) == [
        f"patch nessusscans in namespace {namespace}",
        f"patch nessusscans/status in namespace {namespace}",
        "create leases in namespace default",
    ]


async def test_a_right_in_one_namespace_is_none_in_all(
    connect: Connect, login: Path, namespace: str
) -> None:
    found = await missing(await connect(login), WANTED, [])
    assert found == [
        "list nessusscans in all namespaces",
        "patch nessusscans in all namespaces",
        "patch nessusscans/status in all namespaces",
        "get secrets in all namespaces",
        "create leases in namespace default",
    ]


async def test_every_namespace_is_asked_for(connect: Connect, login: Path, namespace: str) -> None:
    found = await missing(await connect(login), WANTED[2:3], [namespace, "default"])
    assert found == ["get secrets in namespace default"]
