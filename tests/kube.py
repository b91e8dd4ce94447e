"""The API server as tests see it: raw JSON, status codes as they are, and logins of any kind.

Separate from the product's own client, so that a test does not trust what it examines.
"""

import base64
import json
import ssl
from pathlib import Path
from typing import Any, Self

import httpx2

Object = dict[str, Any]

CORE = "/api/v1"
NESSUS = "/apis/nessus-operator.dev/v1alpha1"
ROOTS = {
    "nessusscans": NESSUS,
    "scannerpools": NESSUS,
    "events": "/apis/events.k8s.io/v1",
    "leases": "/apis/coordination.k8s.io/v1",
    "roles": "/apis/rbac.authorization.k8s.io/v1",
    "rolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "clusterroles": "/apis/rbac.authorization.k8s.io/v1",
    "clusterrolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "customresourcedefinitions": "/apis/apiextensions.k8s.io/v1",
    "validatingadmissionpolicies": "/apis/admissionregistration.k8s.io/v1",
    "validatingadmissionpolicybindings": "/apis/admissionregistration.k8s.io/v1",
}
PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}


class Refused(Exception):
    """The API server answered 4xx or 5xx; `body` is its Status object."""

    def __init__(self, code: int, body: Object) -> None:
        super().__init__(f"{code} {body.get('reason', '')}: {body.get('message', '')}")
        self.code = code
        self.body = body
        self.reason = str(body.get("reason", ""))
        self.message = str(body.get("message", ""))


def path_of(resource: str, namespace: str = "", name: str = "", part: str = "") -> str:
    """The path of `nessusscans`, one of them, or its part `status`; unknown roots are core/v1."""
    where = f"namespaces/{namespace}" if namespace else ""
    return "/".join(filter(None, [ROOTS.get(resource, CORE), where, resource, name, part]))


class Kube:
    """A client for one kubeconfig as `kubeconfig()` writes them. Every refusal raises Refused."""

    def __init__(self, login: Path) -> None:
        config = json.loads(login.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        authority = cluster.get("certificate-authority-data")
        self.client = httpx2.AsyncClient(
            base_url=cluster["server"],
            headers={"Authorization": f"Bearer {user['token']}"},
            verify=trusting(authority) if authority else True,
            timeout=30,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def ask(self, method: str, path: str, **options: Any) -> Object:
        """Any request; `options` are httpx2's (params, json, content, headers)."""
        answer = await self.client.request(method, path, **options)
        try:
            body: Object = answer.json()
        except ValueError:
            body = {"message": answer.text}
        if answer.is_error:
            raise Refused(answer.status_code, body)
        return body

    async def get(self, path: str, **params: str) -> Object:
        return await self.ask("GET", path, params=params)

    async def items(self, path: str, **params: str) -> list[Object]:
        return list((await self.get(path, **params))["items"])

    async def create(self, path: str, body: Object, **params: str) -> Object:
        return await self.ask(
            "POST", path, json=body, params={"fieldValidation": "Strict"} | params
        )

    async def replace(self, path: str, body: Object, **params: str) -> Object:
        return await self.ask("PUT", path, json=body, params={"fieldValidation": "Strict"} | params)

    async def patch(self, path: str, body: Any, kind: str = "merge", **params: str) -> Object:
        """Patches by merge, json (a list of operations) or apply (server-side, manager `tests`)."""
        defaults = {"fieldManager": "tests", "fieldValidation": "Strict"}
        return await self.ask(
            "PATCH",
            path,
            content=json.dumps(body),
            headers={"Content-Type": PATCHES[kind]},
            params=defaults | params,
        )

    async def delete(self, path: str, **params: str) -> Object:
        return await self.ask("DELETE", path, params=params)


def kubeconfig(
    admin: Path, *, token: str = "", server: str = "", namespace: str = "default"
) -> Object:
    """The admin's kubeconfig with another token, server (http://… drops the CA) or namespace."""
    config: Object = json.loads(admin.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    user["token"] = token or user["token"]
    cluster["server"] = server or cluster["server"]
    if cluster["server"].startswith("http://"):
        cluster.pop("certificate-authority-data")
    config["contexts"][0]["context"]["namespace"] = namespace
    return config


def trusting(authority: str) -> ssl.SSLContext:
    """TLS that trusts one base64-encoded CA alone."""
    return ssl.create_default_context(cadata=base64.b64decode(authority).decode())
