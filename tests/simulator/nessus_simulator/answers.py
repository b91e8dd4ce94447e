"""JSON answers as compact as Nessus writes them: the body of a 412 is 32 bytes long."""

import json
from functools import partial
from typing import Any

from aiohttp import web

compact = partial(json.dumps, separators=(",", ":"))


def json_answer(content: Any, status: int = 200) -> web.Response:
    return web.json_response(content, status=status, dumps=compact)


def error_answer(message: str, status: int) -> web.Response:
    return json_answer({"error": message}, status)
