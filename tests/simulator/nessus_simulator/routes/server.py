"""What the server says of itself and of its scanner."""

from typing import Any

from aiohttp import web

from nessus_simulator import licenses, refusals
from nessus_simulator.answers import json_answer
from nessus_simulator.nessus import Nessus
from nessus_simulator.pipeline import NESSUS
from nessus_simulator.report.hosts import PLUGIN_SET, VERSION
from nessus_simulator.views import SCANNER_NAME

LICENSE_SECONDS = 365 * 86400
PRIVATE = ("activation_code", "expiration_date", "ips")  # shown after login only


async def status(request: web.Request) -> web.Response:
    percent = request.app[NESSUS].loading_percent()
    word = "ready" if percent is None else "loading"
    part = {"status": word, "progress": percent}
    return json_answer(
        {
            "status": word,
            "progress": percent,
            "must_destroy_session": False,
            "pluginSet": percent is None,
            "detailed_status": {
                "feed_status": part,
                "engine_status": part,
                "login_status": "allow" if percent is None else "deny",
            },
        }
    )


async def properties(request: web.Request) -> web.Response:
    nessus = request.app[NESSUS]
    terms = licenses.describe(nessus.license, nessus.started + LICENSE_SECONDS)
    if not _logged_in(nessus, request):
        terms = {name: value for name, value in terms.items() if name not in PRIVATE}
    loaded = nessus.loading_percent() is None
    return json_answer(
        {
            "license": terms,
            "nessus_type": licenses.TERMS[nessus.license].name,
            "server_version": VERSION,
            "nessus_ui_version": VERSION,
            "plugin_set": PLUGIN_SET,
            "loaded_plugin_set": PLUGIN_SET if loaded else None,
            "uuid": nessus.uuid,
            "scanner_boottime": int(nessus.started),
            "idle_timeout": str(int(nessus.config.session_seconds // 60)),
            "notifications": None,
        }
    )


async def scanners(request: web.Request) -> web.Response:
    nessus = request.app[NESSUS]
    local: dict[str, Any] = {
        "id": 1,
        "uuid": nessus.uuid,
        "name": SCANNER_NAME,
        "type": "local",
        "status": "on",
        "platform": "LINUX",
        "engine_version": VERSION,
        "ui_version": VERSION,
        "loaded_plugin_set": PLUGIN_SET,
        "owner": "system",
        "scan_count": len(nessus.scans),
    }
    return json_answer({"scanners": [local]})


def _logged_in(nessus: Nessus, request: web.Request) -> bool:
    try:
        nessus.accounts.identify(request.headers, nessus.clock.now())
    except refusals.Refusal:
        return False
    return True


ROUTES = [
    web.get("/server/status", status),
    web.get("/server/properties", properties),
    web.get("/scanners", scanners),
]
