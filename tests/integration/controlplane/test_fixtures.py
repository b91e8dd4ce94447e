"""The fixtures that other integration tests stand on."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.kube import Kube, Refused, path_of


async def test_our_kinds_are_served_in_a_fresh_namespace(kube: Kube, namespace: str) -> None:
    assert await kube.items(path_of("nessusscans", namespace)) == []
    assert await kube.items(path_of("scannerpools", namespace)) == []


async def test_a_service_account_logs_in_and_has_no_rights_of_its_own(
    service_account_kubeconfig: Callable[..., Awaitable[Path]], namespace: str
) -> None:
    async with Kube(await service_account_kubeconfig("nobody")) as nobody:
        who = await nobody.create(
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
        )
        account = f"system:serviceaccount:{namespace}:nobody"
        assert who["status"]["userInfo"]["username"] == account
        with pytest.raises(Refused) as refusal:
            await nobody.items(path_of("nessusscans", namespace))
    assert (refusal.value.code, refusal.value.reason) == (403, "Forbidden")


async def test_a_role_gives_a_service_account_what_it_names(
    kube: Kube, service_account_kubeconfig: Callable[..., Awaitable[Path]], namespace: str
) -> None:
    rule = {"apiGroups": ["nessus-operator.dev"], "resources": ["nessusscans"], "verbs": ["list"]}
    await kube.create(
        path_of("roles", namespace), {"metadata": {"name": "reader"}, "rules": [rule]}
    )
    binding = {
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
    }
    await kube.create(path_of("rolebindings", namespace), binding)
    async with Kube(await service_account_kubeconfig("reader")) as reader:
        assert await reader.items(path_of("nessusscans", namespace)) == []
        with pytest.raises(Refused):
            await reader.items(path_of("scannerpools", namespace))
