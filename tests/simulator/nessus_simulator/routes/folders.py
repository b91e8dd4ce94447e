"""Folders of scans."""

from aiohttp import web

from nessus_simulator import payloads
from nessus_simulator.answers import json_answer
from nessus_simulator.pipeline import NESSUS


async def show(request: web.Request) -> web.Response:
    return json_answer({"folders": request.app[NESSUS].folders.views()})


async def create(request: web.Request) -> web.Response:
    body = payloads.parse(payloads.FolderName, await request.read())
    return json_answer({"id": request.app[NESSUS].folders.create(body.name)})


async def rename(request: web.Request) -> web.Response:
    body = payloads.parse(payloads.FolderName, await request.read())
    request.app[NESSUS].folders.rename(int(request.match_info["folder"]), body.name)
    return web.Response()


async def delete(request: web.Request) -> web.Response:
    request.app[NESSUS].delete_folder(int(request.match_info["folder"]))
    return web.Response()


ROUTES = [
    web.get("/folders", show),
    web.post("/folders", create),
    web.put(r"/folders/{folder:\d+}", rename),
    web.delete(r"/folders/{folder:\d+}", delete),
]
