"""The web application: routes, what they share, and an end that lets go of held requests."""

from collections.abc import AsyncIterator

from aiohttp import web

from nessus_simulator.calls import Calls
from nessus_simulator.clock import Clock
from nessus_simulator.config import Config
from nessus_simulator.faults import Faults
from nessus_simulator.nessus import Nessus
from nessus_simulator.pipeline import CALLS, CONTROL, FAULTS, NESSUS, pipeline
from nessus_simulator.routes import control, editor, exports, folders, scans, server, session

MAX_BODY = 128 * 1024 * 1024

NESSUS_ROUTES = [
    *session.ROUTES,
    *server.ROUTES,
    *folders.ROUTES,
    *editor.ROUTES,
    *scans.ROUTES,
    *exports.ROUTES,
]


def make_app(config: Config, clock: Clock) -> web.Application:
    app = web.Application(middlewares=[pipeline], client_max_size=MAX_BODY)
    controls = web.Application(middlewares=[control.local_only], client_max_size=MAX_BODY)
    nessus, calls, faults = Nessus(config, clock), Calls(), Faults()
    for each in (app, controls):
        each[NESSUS], each[CALLS], each[FAULTS] = nessus, calls, faults
    app.add_routes(NESSUS_ROUTES)
    controls.add_routes(control.ROUTES)
    app.add_subapp(CONTROL, controls)
    app.on_response_prepare.append(_sign)
    app.on_shutdown.append(_let_go)
    app.cleanup_ctx.append(_reports)
    return app


async def _sign(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "NessusWWW"


async def _let_go(app: web.Application) -> None:
    await app[FAULTS].remove_all(drop=True)


async def _reports(app: web.Application) -> AsyncIterator[None]:
    yield
    app[NESSUS].reports.close()
