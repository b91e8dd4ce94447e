"""Templates, the settings of scans, and files that settings name."""

import email

from aiohttp import web

from nessus_simulator import editor, refusals, templates
from nessus_simulator.answers import json_answer
from nessus_simulator.pipeline import NESSUS


async def list_templates(request: web.Request) -> web.Response:
    return json_answer(
        {"templates": [templates.summary(template) for template in templates.TEMPLATES]}
    )


async def show_template(request: web.Request) -> web.Response:
    template = templates.find(request.match_info["uuid"])
    if template is None:
        raise refusals.not_found()
    document = editor.document(template, {}, with_families=_asks_for_version_2(request))
    return json_answer(document)


async def show_scan(request: web.Request) -> web.Response:
    scan = request.app[NESSUS].scan(int(request.match_info["scan"]))
    document = editor.document(
        scan.template,
        scan.settings,
        scan.credentials,
        with_families=_asks_for_version_2(request),
    )
    # Here `name` and `uuid` are the scan's name and its template.
    return json_answer(document | {"name": scan.name, "owner": scan.owner})


async def upload(request: web.Request) -> web.Response:
    """A multipart form with the field Filedata, as browsers send it."""
    head = f"Content-Type: {request.headers.get('Content-Type', '')}\r\n\r\n".encode()
    form = email.message_from_bytes(head + await request.read())
    for part in form.walk():
        if part.get_param("name", header="content-disposition") == "Filedata":
            name = request.app[NESSUS].upload(part.get_filename() or "upload")
            return json_answer({"fileuploaded": name})
    raise refusals.invalid("A multipart form with the field Filedata is needed")


def _asks_for_version_2(request: web.Request) -> bool:
    return request.headers.get("X-API-Version") == "2"


ROUTES = [
    web.get("/editor/scan/templates", list_templates),
    web.get("/editor/scan/templates/{uuid}", show_template),
    web.get(r"/editor/scan/{scan:\d+}", show_scan),
    web.post("/file/upload", upload),
]
