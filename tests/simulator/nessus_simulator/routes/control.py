"""Controls for tests, under /_simulator: no login, but from this machine only."""

import re
import uuid
from dataclasses import asdict
from ipaddress import ip_address
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from nessus_simulator import payloads, refusals, runs, scans
from nessus_simulator.answers import json_answer
from nessus_simulator.faults import FaultSpec
from nessus_simulator.licenses import License
from nessus_simulator.pipeline import CALLS, CONTROL, FAULTS, NESSUS, Handler
from nessus_simulator.report.hosts import HostLogin
from nessus_simulator.scans import Scan

MAX_WAIT_SECONDS = 60.0


class Advance(BaseModel):
    model_config = ConfigDict(extra="forbid")
    advance: float = Field(ge=0)


class LicenseChoice(BaseModel):
    model_config = ConfigDict(extra="forbid")
    license: License
    drop_refusals: bool | None = None


class LoginChoice(BaseModel):
    model_config = ConfigDict(extra="forbid")
    host_login: HostLogin


@web.middleware
async def local_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.remote is None or not ip_address(request.remote).is_loopback:
        raise refusals.forbidden("Controls are open to this machine only")
    return await handler(request)


async def show_controls(request: web.Request) -> web.Response:
    """This list."""
    lines = (
        f"{route.method:6} {CONTROL}{route.path}  {(route.handler.__doc__ or '').splitlines()[0]}"
        for route in ROUTES
    )
    return web.Response(text="\n".join(lines) + "\n")


async def show_state(request: web.Request) -> web.Response:
    """Everything the simulator holds, without secrets."""
    nessus = request.app[NESSUS]
    now = nessus.clock.now()
    return json_answer(
        {
            "license": nessus.license,
            "drop_refusals": nessus.drop_refusals,
            "host_login": nessus.host_login,
            "clock": {"now": now, "speed": nessus.clock.speed},
            "accounts": nessus.accounts.names(),
            "locked_accounts": nessus.accounts.locked(),
            "sessions": nessus.accounts.session_count(),
            "exports": len(nessus.exports),
            "uploads": sorted(nessus.uploads),
            "scans": [_scan_state(scan, now) for scan in nessus.scans.values()],
        }
    )


def _scan_state(scan: Scan, now: float) -> dict[str, Any]:
    return {
        "id": scan.id,
        "name": scan.name,
        "owner": scan.owner,
        "status": scans.status(scan, now),
        "folder_id": scan.folder_id,
        "template": scan.template.name,
        "targets": scan.targets,
        "credentials": [asdict(credential) for credential in scan.credentials],
        "runs": [
            {
                "history_id": run.history_id,
                "uuid": run.uuid,
                "status": runs.standing(run, now).status,
                "hosts": len(run.hosts),
            }
            for run in scan.runs
        ],
    }


async def show_calls(request: web.Request) -> web.Response:
    """Requests so far, oldest first; ?method=POST and ?path=REGEX choose among them."""
    try:
        path = re.compile(request.query.get("path", ""))
    except re.error as error:
        raise refusals.invalid(f"path: not a regular expression: {error}") from None
    found = request.app[CALLS].matching(request.query.get("method"), path)
    return json_answer({"calls": [asdict(call) for call in found]})


async def clear_calls(request: web.Request) -> web.Response:
    """Forget the calls so far."""
    return json_answer({"cleared": request.app[CALLS].clear()})


async def advance_clock(request: web.Request) -> web.Response:
    """{"advance": SECONDS}: let simulated time pass at once."""
    clock = request.app[NESSUS].clock
    clock.advance(payloads.parse(Advance, await request.read()).advance)
    return json_answer({"now": clock.now()})


async def choose_license(request: web.Request) -> web.Response:
    """{"license": "manager|professional|essentials", "drop_refusals": false}."""
    choice = payloads.parse(LicenseChoice, await request.read())
    nessus = request.app[NESSUS]
    nessus.license = choice.license
    if choice.drop_refusals is not None:
        nessus.drop_refusals = choice.drop_refusals
    return json_answer({"license": nessus.license, "drop_refusals": nessus.drop_refusals})


async def choose_login(request: web.Request) -> web.Response:
    """{"host_login": "success|partial|failed"}: how targets take credentials, in later runs."""
    nessus = request.app[NESSUS]
    nessus.host_login = payloads.parse(LoginChoice, await request.read()).host_login
    return json_answer({"host_login": nessus.host_login})


async def renew_api_token(request: web.Request) -> web.Response:
    """A new X-API-Token, as after a reinstallation: in lower case, where the first has capitals."""
    request.app[NESSUS].api_token = str(uuid.uuid4())
    return json_answer({})


async def expire_sessions(request: web.Request) -> web.Response:
    """End all sessions."""
    return json_answer({"expired": request.app[NESSUS].accounts.expire_sessions()})


async def order_fault(request: web.Request) -> web.Response:
    """Order a fault, see the README for its fields."""
    spec = payloads.parse(FaultSpec, await request.read())
    return json_answer(request.app[FAULTS].add(spec).view(), status=201)


async def show_faults(request: web.Request) -> web.Response:
    """The faults in force and how often each one struck."""
    return json_answer({"faults": request.app[FAULTS].views()})


async def clear_faults(request: web.Request) -> web.Response:
    """Release all faults."""
    removed = await request.app[FAULTS].remove_all(drop=_wants_drop(request))
    return json_answer({"removed": removed})


async def show_fault(request: web.Request) -> web.Response:
    """One fault; ?wait=SECONDS waits until it holds, or is done with, ?requests=N of them."""
    faults = request.app[FAULTS]
    fault = faults.find(int(request.match_info["fault"]))
    wait = _query_float(request, "wait", 0.0)
    requests = int(_query_float(request, "requests", 1.0))
    await faults.wait_struck(fault, requests, min(wait, MAX_WAIT_SECONDS))
    return json_answer(fault.view())


async def release_fault(request: web.Request) -> web.Response:
    """Let what it holds go on, or with ?drop=1 drop it, and answer once that is done."""
    faults = request.app[FAULTS]
    fault = faults.find(int(request.match_info["fault"]))
    await faults.remove(fault, drop=_wants_drop(request))
    return json_answer(fault.view())


async def lose_scan(request: web.Request) -> web.Response:
    """The scan is gone without a trace, even while it runs."""
    request.app[NESSUS].lose(_scan_id(request))
    return json_answer({})


async def abort_scan(request: web.Request) -> web.Response:
    """The run ends as `aborted`, as when the scanner crashes."""
    request.app[NESSUS].abort(_scan_id(request))
    return json_answer({})


def _scan_id(request: web.Request) -> int:
    return int(request.match_info["scan"])


def _wants_drop(request: web.Request) -> bool:
    return request.query.get("drop") == "1"


def _query_float(request: web.Request, name: str, default: float) -> float:
    try:
        return float(request.query.get(name, default))
    except ValueError:
        raise refusals.invalid(f"{name} must be a number") from None


ROUTES = [
    web.get("/", show_controls),
    web.get("/state", show_state),
    web.get("/calls", show_calls),
    web.delete("/calls", clear_calls),
    web.post("/clock", advance_clock),
    web.put("/license", choose_license),
    web.put("/host-login", choose_login),
    web.post("/api-token", renew_api_token),
    web.delete("/sessions", expire_sessions),
    web.post("/faults", order_fault),
    web.get("/faults", show_faults),
    web.delete("/faults", clear_faults),
    web.get(r"/faults/{fault:\d+}", show_fault),
    web.delete(r"/faults/{fault:\d+}", release_fault),
    web.post(r"/scans/{scan:\d+}/lose", lose_scan),
    web.post(r"/scans/{scan:\d+}/abort", abort_scan),
]
