"""What a Nessus says of itself and of our account, in our words. Pure."""

from collections.abc import Mapping
from typing import Any

from nessus_operator.api.remote import ServerInfo
from nessus_operator.clients.scanners.nessus.scans import Json, positive
from nessus_operator.clients.scanners.text import clean


def is_ready(status: Json) -> bool:
    """Of `GET /server/status`: not while it loads plugins or waits to be registered."""
    return status.get("status") == "ready"


def server_info(properties: Json, session: Json) -> ServerInfo:
    """Of `GET /server/properties` and `GET /session`, from a scanner that is ready."""
    license_ = _object(properties, "license")
    scan_api = _object(license_, "features").get("scan_api")
    return ServerInfo(
        ready=True,
        uuid=_first(properties, "uuid", "server_uuid"),
        version=_first(properties, "server_version"),
        plugin_set=_first(properties, "loaded_plugin_set", "plugin_set"),
        license_type=_first(license_, "type", "name"),
        scan_api=scan_api if isinstance(scan_api, bool) else None,
        license_expiry=positive(license_.get("expiration_date")),
        account=_first(session, "username", "name"),
    )


def _object(parent: Json, key: str) -> Json:
    value: Any = parent.get(key)
    return value if isinstance(value, Mapping) else {}


def _first(document: Json, *keys: str) -> str | None:
    return next((text for key in keys if (text := clean(document.get(key), 64))), None)
