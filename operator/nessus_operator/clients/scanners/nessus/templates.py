"""What to send to Nessus to create a scan: its template's defaults with our fields laid over them.

Nessus does not fill in what is left out: a scan made of a name and targets alone has no port
scanner. So every setting of the template is sent, except its section `basic`, which is about who,
what and when, and is ours.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nessus_operator.clients.errors import Rejected
from nessus_operator.clients.scanners.nessus.scans import Json, objects, positive
from nessus_operator.clients.scanners.protocol import ScanRequest
from nessus_operator.clients.scanners.text import clean

# The id of the port range in the editor's documents and in what Nessus' own pages send. Reports
# spell it port_range.
PORT_RANGE = "portscan_range"
# Templates with a choice of scan types ("Port scan (common ports)", ...) heed the port range only
# in this one.
_CUSTOM = "Custom"
_LOCAL_SCANNER = 1
_UUID = re.compile(r"[0-9A-Za-z-]{1,80}")


def uuids(templates: object) -> dict[str, str]:
    """Name to uuid of the templates that a licence offers; agent templates are not ours to use."""
    return {
        name: uuid
        for template in objects(templates)
        if (name := clean(template.get("name"), 64))
        and isinstance(uuid := template.get("uuid"), str)
        and _UUID.fullmatch(uuid)
        and not template.get("is_agent")
    }


def unknown(name: str, available: Iterable[str]) -> Rejected:
    names = clean(", ".join(sorted(available)), 128) or "none"
    return Rejected(f"the scanner has no template {clean(name, 64)}; it has: {names}")


def creation(request: ScanRequest, template: str, document: Json, folder: int | None) -> Json:
    """The body of `POST /scans`.

    `template` is the uuid of the template and `document` its editor document
    (`GET /editor/scan/templates/<uuid>`). Never launched by Nessus itself: no schedule, not now.
    """
    settings: dict[str, Any] = {
        **_credential_defaults(document),
        **defaults(_sections(document)),
        **_ports(request, document),
        "name": request.name,
        "description": request.description,
        "text_targets": ",".join(request.targets),
        "scanner_id": _scanner(document),
        "enabled": False,
        "launch_now": False,
    }
    if folder is not None:
        settings["folder_id"] = folder
    body: dict[str, Any] = {"uuid": template, "settings": settings}
    if request.credentials is not None:
        body["credentials"] = {"add": request.credentials, "edit": {}, "delete": []}
    return body


def defaults(document: object) -> dict[str, Any]:
    """Setting id to default, of every input anywhere in a part of an editor document.

    Of `modes` only the choice itself is a setting; what hangs below it describes the choices.
    """
    found: dict[str, Any] = {}
    for part in _objects_within(document):
        setting, default = part.get("id"), part.get("default")
        if isinstance(setting, str) and default is not None:
            found[setting] = default
    return found


def _objects_within(document: object) -> Iterator[Json]:
    """Depth first, in the document's order; a stack, for the depth is the scanner's to choose."""
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(reversed(part))
        elif isinstance(part, dict):
            yield part
            inner = [_choice(value) if key == "modes" else value for key, value in part.items()]
            waiting.extend(reversed(inner))


def _choice(modes: object) -> list[Json]:
    return [{key: mode.get(key) for key in ("id", "default")} for mode in _modes(modes)]


def _modes(modes: object) -> list[Json]:
    return objects(modes if isinstance(modes, list) else [modes])


def _sections(document: Json) -> dict[str, Json]:
    settings = document.get("settings")
    sections = settings.items() if isinstance(settings, dict) else ()
    return {name: part for name, part in sections if name != "basic" and isinstance(part, dict)}


def _credential_defaults(document: Json) -> dict[str, Any]:
    """Settings that all credentials of a kind share, such as the port of SSH."""
    credentials = document.get("credentials")
    kinds = credentials.get("data") if isinstance(credentials, dict) else None
    types = [kind for group in objects(kinds) for kind in objects(group.get("types"))]
    return defaults([kind.get("settings") for kind in types])


def _ports(request: ScanRequest, document: Json) -> dict[str, Any]:
    if request.port_range is None:
        return {}
    for section in _sections(document).values():
        if PORT_RANGE in defaults(section):
            return {**_custom(section), PORT_RANGE: request.port_range}
    raise Rejected(f"the template {clean(request.template, 64)} has no port range to set")


def _custom(section: Json) -> dict[str, str]:
    return {
        mode["id"]: _CUSTOM
        for mode in _modes(section.get("modes"))
        if isinstance(mode.get("id"), str) and _CUSTOM in _names(mode.get("options"))
    }


def _names(options: object) -> list[object]:
    choices = options if isinstance(options, list) else []
    return [choice.get("name") if isinstance(choice, Mapping) else choice for choice in choices]


def _scanner(document: Json) -> int:
    """The scanner that the template names by default; alone, a Nessus is its own number 1."""
    settings = document.get("settings")
    basic = settings.get("basic") if isinstance(settings, dict) else None
    return positive(defaults(basic).get("scanner_id")) or _LOCAL_SCANNER
