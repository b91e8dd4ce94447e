"""Which right a request to the API server uses, and which rights a file of config/rbac grants."""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml
from tests.proxy import Call

ROOT = Path(__file__).parents[1]

# API group, resource with its part, verb: ("", "secrets", "get")
Use = tuple[str, str, str]

# Asking what one may do is everyone's right, as is asking which kinds there are.
_REVIEW: Use = ("authorization.k8s.io", "selfsubjectaccessreviews", "create")
_DISCOVERY = re.compile(r"/api(/v1)?|/apis(/[^/]+){0,2}")

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def used(calls: Iterable[Call]) -> set[Use]:
    """What these requests needed to be granted."""
    return {_use(call) for call in calls if not _DISCOVERY.fullmatch(call.path)} - {_REVIEW}


def _use(call: Call) -> Use:
    """As kube-apiserver's authorizer reads a request."""
    parts = call.path.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    if rest[0] == "namespaces" and len(rest) > 2:
        rest = rest[2:]
    resource, named, part = rest[0], len(rest) > 1, rest[2:]
    verb = _VERBS.get(call.method) or ("get" if named else "list")
    if "watch=true" in call.query or "watch=1" in call.query:
        verb = "watch"
    return group, "/".join([resource, *part]), verb


def granted(file: str) -> set[Use]:
    """Everything that the roles of a file grant."""
    documents = yaml.safe_load_all((ROOT / "config/rbac" / file).read_text())
    return {
        (group, resource, verb)
        for document in documents
        for rule in document.get("rules", [])
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
