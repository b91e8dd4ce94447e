"""The Nessus driver: what `Scanner` promises, in calls to the HTTP API of Nessus.

It looks up what other clients hard-wire: templates by name, folders by type. Nothing that changes
the scanner is asked for twice.
"""

from collections.abc import AsyncGenerator
from typing import Any

import httpx2

from nessus_operator.api.remote import RemoteDetails, RemoteScan, ServerInfo
from nessus_operator.clients.errors import Conflict, NotFound
from nessus_operator.clients.scanners.nessus import export, scans, server, templates
from nessus_operator.clients.scanners.nessus.api import Api
from nessus_operator.clients.scanners.nessus.export import Limits
from nessus_operator.clients.scanners.nessus.http import MIB, Request, Transport
from nessus_operator.clients.scanners.nessus.login import login_for
from nessus_operator.clients.scanners.protocol import Connection, Observe, ScanRequest

_LARGE = 16 * MIB  # answers that grow with scans, hosts or settings: tens of thousands of them


class Nessus:
    """One Nessus. Lives as long as its connection and secret do, for all scans at once."""

    def __init__(self, api: Api, limits: Limits) -> None:
        self._api = api
        self._limits = limits
        self._identity: tuple[str | None, str | None] = (None, None)
        self._templates: dict[str, str] = {}
        self._documents: dict[str, scans.Json] = {}
        self._folders: list[scans.Json] = []

    async def probe(self) -> ServerInfo:
        # 503 while it starts, with the same body.
        asked = Request("probe", "tell its status", "GET", "/server/status", accepts=(503,))
        status = await self._api.ask_openly(asked)
        if not server.is_ready(status):
            return ServerInfo(ready=False)
        session = await self._get("probe", "tell who we are", "/session")
        properties = await self._get("probe", "tell its properties", "/server/properties")
        found = server.server_info(properties, session)
        self._forget_unless((found.uuid, found.version))
        return found

    async def list_scans(self) -> list[RemoteScan]:
        answer = await self._get("status", "list the scans", "/scans", limit=_LARGE)
        self._folders = scans.objects(answer.get("folders")) or self._folders
        return scans.listed(answer, await self._folder("trash"))

    async def get_scan(self, scan_id: int) -> RemoteDetails:
        doing = f"show scan {scan_id}"
        answer = await self._get("status", doing, f"/scans/{scan_id}", limit=_LARGE)
        targets = scans.targets(scans.info(answer).get("targets"))
        if not targets:  # of a scan that never ran only the editor tells the targets
            path = f"/editor/scan/{scan_id}"
            document = await self._get("status", doing, path, limit=_LARGE)
            settings = templates.defaults(document.get("settings"))
            targets = scans.targets(settings.get("text_targets"))
        return scans.details(scan_id, answer, targets, await self._folder("trash"))

    async def create_scan(self, request: ScanRequest) -> int:
        template = await self._template(request.template)
        document = await self._document(template)
        folder = await self._folder("main")
        answer = await self._api.ask(
            Request(
                "create_scan",
                "create a scan",
                "POST",
                "/scans",
                body=templates.creation(request, template, document, folder),
                confidential=request.credentials is not None,
            )
        )
        created = answer.get("scan")
        return scans.new_id(created.get("id") if isinstance(created, dict) else None, "the scan")

    async def launch_scan(self, scan_id: int) -> str:
        answer = await self._act("launch", scan_id, "launch")
        return scans.run_uuid(answer)

    async def stop_scan(self, scan_id: int) -> None:
        try:
            await self._act("stop", scan_id, "stop")
        except (Conflict, NotFound):
            return  # it does not run: that is what was wanted

    async def pause_scan(self, scan_id: int) -> None:
        await self._act("configure", scan_id, "pause")

    async def resume_scan(self, scan_id: int) -> None:
        await self._act("configure", scan_id, "resume")

    async def delete_scan(self, scan_id: int) -> None:
        request = Request("delete", f"delete scan {scan_id}", "DELETE", f"/scans/{scan_id}")
        try:
            await self._api.ask(request)
        except NotFound:
            return

    def export_report(
        self, scan_id: int, history_id: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        return export.export(self._api, scan_id, history_id, self._limits)

    async def close(self) -> None:
        await self._api.close()

    def _forget_unless(self, identity: tuple[str | None, str | None]) -> None:
        """Another installation or version has other folders, templates and defaults."""
        if identity != self._identity:
            self._identity = identity
            self._templates, self._documents, self._folders = {}, {}, []

    async def _get(self, operation: str, doing: str, path: str, limit: int = MIB) -> dict[str, Any]:
        request = Request(operation, doing, "GET", path, limit=limit)
        answer: dict[str, Any] = await self._api.ask(request)
        return answer

    async def _act(self, operation: str, scan_id: int, verb: str) -> dict[str, Any]:
        path = f"/scans/{scan_id}/{verb}"
        request = Request(operation, f"{verb} scan {scan_id}", "POST", path, body={})
        answer: dict[str, Any] = await self._api.ask(request)
        return answer

    async def _template(self, name: str) -> str:
        if name not in self._templates:
            path = "/editor/scan/templates"
            answer = await self._get("configure", "list its templates", path, limit=_LARGE)
            self._templates = templates.uuids(answer.get("templates"))
        if name not in self._templates:
            raise templates.unknown(name, self._templates)
        return self._templates[name]

    async def _document(self, template: str) -> scans.Json:
        if template not in self._documents:
            self._documents[template] = await self._api.ask(
                Request(
                    "configure",
                    "show a template",
                    "GET",
                    f"/editor/scan/templates/{template}",
                    headers={"X-API-Version": "2"},  # as Nessus' own pages ask for it
                    limit=_LARGE,
                )
            )
        return self._documents[template]

    async def _folder(self, kind: str) -> int | None:
        if not self._folders:
            answer = await self._get("configure", "list its folders", "/folders")
            self._folders = scans.objects(answer.get("folders"))
        return scans.folder_id(self._folders, kind)


def connect(
    connection: Connection,
    observe: Observe,
    limits: Limits | None = None,
    network: httpx2.AsyncBaseTransport | None = None,
) -> Nessus:
    """A driver for the Nessus at `connection`; asks nothing of it yet.

    `Rejected` for a url or CA bundle that can never work, `Unauthorized` for a Secret without the
    keys that its kind of login needs. `network` replaces the real network, for unit tests.
    """
    transport = Transport(connection, observe, network)
    login = login_for(connection.auth.type, connection.secret, transport)
    limits = limits or Limits(ready_within=connection.export_seconds)
    return Nessus(Api(transport, login, connection.request_seconds), limits)
