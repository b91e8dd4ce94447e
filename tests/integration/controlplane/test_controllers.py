"""What kube-controller-manager does for objects without pods."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.integration.conftest import ControlPlane
from tests.kube import Kube, Refused, path_of

PATIENCE = 60  # seconds; a namespace alone rests for 5 of them


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for a controller to have done its work."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - another process tells us nothing
            await asyncio.sleep(0.1)


async def is_gone(kube: Kube, path: str) -> bool:
    try:
        await kube.get(path)
    except Refused as refusal:
        return refusal.code == 404
    return False


async def is_counted(kube: Kube, quota: str) -> bool:
    return "used" in (await kube.get(quota)).get("status", {})


async def test_a_deleted_namespace_takes_its_objects_along(control_plane: ControlPlane) -> None:
    async with Kube(control_plane.kubeconfig) as kube:
        name = {"metadata": {"generateName": "doomed-"}}
        space = (await kube.create(path_of("namespaces"), name))["metadata"]["name"]
        config_map = path_of("configmaps", space)
        await kube.create(config_map, {"metadata": {"name": "settings"}})
        await kube.delete(path_of("namespaces", name=space))
        await until(lambda: is_gone(kube, path_of("namespaces", name=space)))
        with pytest.raises(Refused, match="404"):
            await kube.get(f"{config_map}/settings")


async def test_an_object_goes_when_its_owner_has_gone(control_plane: ControlPlane) -> None:
    async with Kube(control_plane.kubeconfig) as kube:
        maps = path_of("configmaps", "default")
        owner = await kube.create(maps, {"metadata": {"generateName": "owner-"}})
        reference = {"apiVersion": "v1", "kind": "ConfigMap"} | {
            key: owner["metadata"][key] for key in ("name", "uid")
        }
        owned = {"metadata": {"generateName": "owned-", "ownerReferences": [reference]}}
        name = (await kube.create(maps, owned))["metadata"]["name"]
        await kube.delete(f"{maps}/{owner['metadata']['name']}")
        await until(lambda: is_gone(kube, f"{maps}/{name}"))


async def test_a_quota_is_counted_and_kept(control_plane: ControlPlane) -> None:
    async with Kube(control_plane.kubeconfig) as kube:
        name = {"metadata": {"generateName": "narrow-"}}
        space = (await kube.create(path_of("namespaces"), name))["metadata"]["name"]
        quota = {"metadata": {"name": "one"}, "spec": {"hard": {"count/secrets": "1"}}}
        await kube.create(path_of("resourcequotas", space), quota)
        await until(lambda: is_counted(kube, path_of("resourcequotas", space, "one")))
        secrets = path_of("secrets", space)
        await kube.create(secrets, {"metadata": {"name": "first"}})
        with pytest.raises(Refused, match="exceeded quota: one") as refusal:
            await kube.create(secrets, {"metadata": {"name": "second"}})
        assert refusal.value.code == 403
        await kube.delete(path_of("namespaces", name=space))
