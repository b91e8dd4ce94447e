"""Exports, by number and by token."""

from urllib.parse import quote

from aiohttp import web

from nessus_simulator import payloads, refusals
from nessus_simulator.answers import json_answer
from nessus_simulator.exports import Export
from nessus_simulator.pipeline import NESSUS, Download


async def start(request: web.Request) -> web.Response:
    """In the format `nessus` alone; a real scanner also writes csv, html, pdf and db."""
    wanted = payloads.parse(payloads.ExportBody, await request.read()).format
    if wanted != "nessus":
        raise refusals.invalid('format: the simulator exports "nessus" only')
    history = request.query.get("history_id")
    if history is not None and not history.isdecimal():
        raise refusals.invalid("history_id must be a whole number")
    export = await request.app[NESSUS].export(
        int(request.match_info["scan"]), int(history) if history else None
    )
    return json_answer({"file": export.file, "token": export.token, "temp_token": export.token})


async def status(request: web.Request) -> web.Response:
    now = request.app[NESSUS].clock.now()
    return json_answer({"status": _export(request).status(now)})


async def download(request: web.Request) -> web.StreamResponse:
    export = _export(request)
    if export.status(request.app[NESSUS].clock.now()) != "ready":
        raise refusals.conflict("The export is not ready")
    name = quote(f"{export.name}.nessus")
    return Download(
        export.path,
        {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        },
    )


def _export(request: web.Request) -> Export:
    exports = request.app[NESSUS].exports
    if "token" in request.match_info:
        return exports.by_token(request.match_info["token"])
    return exports.find(int(request.match_info["scan"]), int(request.match_info["file"]))


ROUTES = [
    web.post(r"/scans/{scan:\d+}/export", start),
    web.get(r"/scans/{scan:\d+}/export/{file:\d+}/status", status),
    web.get(r"/scans/{scan:\d+}/export/{file:\d+}/download", download),
    web.get("/tokens/{token}/status", status),
    web.get("/tokens/{token}/download", download),
]
