"""Scans: listing, creating, editing, running and deleting them, and looking into their results."""

from collections.abc import Callable

from aiohttp import web

from nessus_simulator import payloads, plugin_view, refusals, runs, scans, views
from nessus_simulator.answers import json_answer
from nessus_simulator.nessus import Nessus
from nessus_simulator.pipeline import CALLER, NESSUS, Handler
from nessus_simulator.runs import HostProgress, Run
from nessus_simulator.scans import Scan


def _scan_id(request: web.Request) -> int:
    return int(request.match_info["scan"])


def _query_number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise refusals.invalid(f"{name} must be a whole number")
    return int(text)


async def show_all(request: web.Request) -> web.Response:
    nessus, now = request.app[NESSUS], request.app[NESSUS].clock.now()
    folder = _query_number(request, "folder_id")
    since = _query_number(request, "last_modification_date") or -1
    items = [
        view
        for view in (views.listed(scan, now) for scan in nessus.scans.values())
        if folder in (None, view["folder_id"]) and view["last_modification_date"] > since
    ]
    return json_answer(
        {"folders": nessus.folders.views(), "scans": items or None, "timestamp": int(now)}
    )


async def create(request: web.Request) -> web.Response:
    nessus = request.app[NESSUS]
    body = payloads.parse(payloads.ScanBody, await request.read())
    scan = nessus.create(body, request[CALLER].account)
    return json_answer({"scan": views.created(scan, nessus.clock.now())})


async def edit(request: web.Request) -> web.Response:
    nessus = request.app[NESSUS]
    body = payloads.parse(payloads.ScanBody, await request.read())
    return json_answer(views.created(nessus.edit(_scan_id(request), body), nessus.clock.now()))


async def move(request: web.Request) -> web.Response:
    body = payloads.parse(payloads.FolderMove, await request.read())
    request.app[NESSUS].move(_scan_id(request), body.folder_id)
    return web.Response()


async def launch(request: web.Request) -> web.Response:
    body = payloads.parse(payloads.Launch, await request.read())
    run = request.app[NESSUS].launch(_scan_id(request), body.alt_targets or ())
    return json_answer({"scan_uuid": run.uuid})


def _acting(act: Callable[[Nessus, int], None]) -> Handler:
    async def route(request: web.Request) -> web.Response:
        act(request.app[NESSUS], _scan_id(request))
        return web.Response()

    return route


async def delete_many(request: web.Request) -> web.Response:
    ids = payloads.parse(payloads.Ids, await request.read()).ids
    request.app[NESSUS].delete(ids)
    return json_answer({"deleted": ids})


async def show(request: web.Request) -> web.Response:
    nessus = request.app[NESSUS]
    scan = nessus.scan(_scan_id(request))
    run = scans.find_run(scan, _query_number(request, "history_id"))
    surveyed = await nessus.reports.hosts(run.uuid) if run else ()
    return json_answer(views.details(scan, run, surveyed, nessus.clock.now()))


async def show_host(request: web.Request) -> web.Response:
    nessus = request.app[NESSUS]
    run, host = _found_host(request, nessus.scan(_scan_id(request)))
    surveyed = await nessus.reports.hosts(run.uuid)
    return json_answer(views.host_details(host, surveyed[host.index]))


async def show_plugin(request: web.Request) -> web.Response:
    nessus = request.app[NESSUS]
    run, host = _found_host(request, nessus.scan(_scan_id(request)))
    plugin = int(request.match_info["plugin"])
    items = await nessus.reports.outputs(run.uuid, host.index, plugin)
    if not items or host.percent < 100:
        raise refusals.not_found()
    return json_answer(plugin_view.plugin_details(items))


def _found_host(request: web.Request, scan: Scan) -> tuple[Run, HostProgress]:
    run = scans.find_run(scan, _query_number(request, "history_id"))
    index = int(request.match_info["host"]) - 1
    if run is not None:
        now = request.app[NESSUS].clock.now()
        found = runs.progress(run, runs.standing(run, now).worked)
        if 0 <= index < len(found):
            return run, found[index]
    raise refusals.not_found()


ROUTES = [
    web.get("/scans", show_all),
    web.post("/scans", create),
    web.delete("/scans", delete_many),
    web.get(r"/scans/{scan:\d+}", show),
    web.put(r"/scans/{scan:\d+}", edit),
    web.delete(r"/scans/{scan:\d+}", _acting(lambda nessus, scan: nessus.delete([scan]))),
    web.put(r"/scans/{scan:\d+}/folder", move),
    web.post(r"/scans/{scan:\d+}/launch", launch),
    web.post(r"/scans/{scan:\d+}/stop", _acting(Nessus.stop)),
    web.post(r"/scans/{scan:\d+}/pause", _acting(Nessus.pause)),
    web.post(r"/scans/{scan:\d+}/resume", _acting(Nessus.resume)),
    web.get(r"/scans/{scan:\d+}/hosts/{host:\d+}", show_host),
    web.get(r"/scans/{scan:\d+}/hosts/{host:\d+}/plugins/{plugin:\d+}", show_plugin),
]
