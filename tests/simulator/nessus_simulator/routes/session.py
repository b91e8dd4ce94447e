"""Logging in and out, API keys, and the token that the web page brings along."""

from aiohttp import web

from nessus_simulator import payloads
from nessus_simulator.answers import json_answer
from nessus_simulator.pipeline import CALLER, NESSUS

# Built like the page's real script: much minified text, and the token in a method of its own.
SCRIPT = (
    '!function(){{"use strict";var e={{}};{filler}'
    'n=[{{key:"getApiToken",value:function(){{return"{token}"}}}},'
    '{{key:"getVersion",value:function(){{return"{version}"}}}}];e.api=n}}();\n'
)
FILLER = "".join(f'e.s{number}=function(t){{return t+"{number:08x}"}};' for number in range(2000))


async def script(request: web.Request) -> web.Response:
    nessus = request.app[NESSUS]
    text = SCRIPT.format(filler=FILLER, token=nessus.api_token, version="8.15.0")
    return web.Response(text=text, content_type="application/javascript")


async def log_in(request: web.Request) -> web.Response:
    """Any X-API-Token is accepted here; it counts on scan writes only."""
    nessus = request.app[NESSUS]
    login = payloads.parse(payloads.Login, await request.read())
    token = nessus.accounts.log_in(login.username, login.password, nessus.clock.now())
    return json_answer({"md5sum_wizard_templates": "0" * 32, "token": token})


async def log_out(request: web.Request) -> web.Response:
    request.app[NESSUS].accounts.log_out(request.headers)
    return web.Response()


async def show(request: web.Request) -> web.Response:
    account = request[CALLER].account
    numbers = {name: n for n, name in enumerate(request.app[NESSUS].accounts.names(), start=2)}
    return json_answer(
        {
            "id": numbers[account],
            "username": account,
            "name": account,
            "email": None,
            "type": "local",
            "permissions": 128,
            "groups": None,
        }
    )


async def new_keys(request: web.Request) -> web.Response:
    access, secret = request.app[NESSUS].accounts.new_keys(request[CALLER].account)
    return json_answer({"accessKey": access, "secretKey": secret})


ROUTES = [
    web.get("/nessus6.js", script),
    web.post("/session", log_in),
    web.delete("/session", log_out),
    web.get("/session", show),
    web.put("/session/keys", new_keys),
]
