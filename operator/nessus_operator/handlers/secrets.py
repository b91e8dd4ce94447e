"""How a scanner may be reached: its Secret and CA, read when needed and kept in memory only.

Whoever can name a Secret must not be able to send it anywhere, so a Secret says for itself that
it is a scanner's, and of which url.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nessus_operator.api.names import ANNOTATION_SCANNER_URL, SECRET_TYPE_SCANNER
from nessus_operator.api.pool import AuthType, CABundleRef, Scanner
from nessus_operator.api.reasons import Reason
from nessus_operator.clients.errors import NotFound
from nessus_operator.clients.kube import paths
from nessus_operator.clients.kube.requests import Kube
from nessus_operator.clients.scanners.protocol import Connection

KEYS = {
    AuthType.API_KEYS: ("accessKey", "secretKey"),
    AuthType.SESSION: ("username", "password"),
    AuthType.WEB_SESSION: ("username", "password"),
}


@dataclass
class Unusable(Exception):
    """The scanner cannot be reached as its pool describes it."""

    reason: Reason
    message: str


async def read_connection(
    kube: Kube,
    namespace: str,
    scanner: Scanner,
    *,
    seconds: float,
    export_seconds: float,
    allow_web_session: bool,
) -> Connection:
    """Raises Unusable, or a fault where the API server does not answer."""
    if scanner.auth.type is AuthType.WEB_SESSION and not allow_web_session:
        message = "WebSession needs an operator started with ALLOW_WEB_SESSION"
        raise Unusable(Reason.WEB_SESSION_NOT_ALLOWED, message)
    secret = await _get(kube, paths.secrets(namespace, scanner.auth.secret_ref.name))
    if secret is None:
        message = f"Secret {scanner.auth.secret_ref.name} does not exist"
        raise Unusable(Reason.SECRET_NOT_FOUND, message)
    ca_bundle = None
    if scanner.tls.ca_bundle_ref:
        ca_bundle = await _ca_bundle(kube, namespace, scanner.tls.ca_bundle_ref)
    return Connection(
        url=scanner.url,
        auth=scanner.auth,
        secret=credentials(secret, scanner),
        ca_bundle=ca_bundle,
        verify=not scanner.tls.insecure_skip_verify,
        request_seconds=seconds,
        export_seconds=export_seconds,
    )


def credentials(secret: Mapping[str, Any], scanner: Scanner) -> dict[str, str]:
    """The keys that this scanner's login needs; raises Unusable for a Secret not meant for it."""
    name = scanner.auth.secret_ref.name
    if secret.get("type") != SECRET_TYPE_SCANNER:
        raise Unusable(Reason.INVALID_SECRET, f"Secret {name} is not of type {SECRET_TYPE_SCANNER}")
    annotations = secret["metadata"].get("annotations") or {}
    if annotations.get(ANNOTATION_SCANNER_URL, "").rstrip("/") != scanner.url.rstrip("/"):
        message = f"annotation {ANNOTATION_SCANNER_URL} of Secret {name} is not the scanner's url"
        raise Unusable(Reason.INVALID_SECRET, message)
    values = secret.get("data") or {}
    missing = [key for key in KEYS[scanner.auth.type] if not values.get(key)]
    if missing:
        raise Unusable(Reason.INVALID_SECRET, f"Secret {name} has no key {missing[0]}")
    try:
        return {key: _decode(values[key]) for key in KEYS[scanner.auth.type]}
    except (binascii.Error, UnicodeDecodeError):
        message = f"a key of Secret {name} is not UTF-8 text"
        raise Unusable(Reason.INVALID_SECRET, message) from None


async def _ca_bundle(kube: Kube, namespace: str, reference: CABundleRef) -> str:
    secret = reference.kind == "Secret"
    path = paths.secrets if secret else paths.config_maps
    found = await _get(kube, path(namespace, reference.name))
    text = ((found or {}).get("data") or {}).get(reference.key)
    try:
        text = _decode(text) if secret and text else text
    except (binascii.Error, UnicodeDecodeError):
        text = None
    if not text:
        message = f"{reference.kind} {reference.name} with key {reference.key} cannot be read"
        raise Unusable(Reason.CA_NOT_FOUND, message)
    return str(text)


async def _get(kube: Kube, path: str) -> Mapping[str, Any] | None:
    try:
        return await kube.get(path)
    except NotFound:
        return None


def _decode(value: str) -> str:
    # `kubectl create secret --from-file` keeps a last line break that nobody means.
    return base64.b64decode(value, validate=True).decode().rstrip("\r\n")
