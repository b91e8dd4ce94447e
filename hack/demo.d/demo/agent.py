"""What an AI agent would do: ask for a scan through MCP, follow it, read what was found."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from fastmcp import Client
from fastmcp.exceptions import FastMCPError
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent

from demo.failures import Failure
from demo.parts import HOST, Gateway
from demo.report import Counts

FINAL = ("completed", "failed", "timeout", "cancelled")
FIELDS = ("severity", "host", "port", "plugin_name", "cvss_score", "cve")

_ASK_EVERY = 0.5

Answer = dict[str, Any]


class Agent:
    """A client of the gateway's tools."""

    def __init__(self, client: Client[Any]) -> None:
        self._client = client

    async def submit(self, targets: Sequence[str], name: str) -> str:
        """Answers the task_id."""
        asked = {"targets": ", ".join(targets), "name": name, "idempotency_key": name}
        return str((await self._call("run_untrusted_scan", asked))["task_id"])

    async def follow(self, task_id: str) -> AsyncIterator[Answer]:
        """Its status again and again, the last time when it has ended."""
        while True:
            status = await self._call("get_scan_status", {"task_id": task_id})
            yield status
            if status["status"] in FINAL:
                return
            await asyncio.sleep(_ASK_EVERY)

    async def findings(self, task_id: str, most: int) -> list[Answer]:
        """The gravest."""
        lines = await self._results(task_id, page_size=most, custom_fields=list(FIELDS))
        return [line for line in lines if line["type"] == "vulnerability"]

    async def counts(self, task_id: str) -> Counts:
        """What the gateway says is stored."""
        status = await self._call("get_scan_status", {"task_id": task_id})
        summary = status["results_summary"]
        schema, *_ = await self._results(task_id)
        checks, *_ = await self._results(task_id, filters={"kind": "compliance"})
        return Counts(
            hosts=summary["hosts_scanned"],
            findings=schema["total_vulnerabilities"],
            compliance=checks["total_vulnerabilities"],
            severities=summary["severity_breakdown"],
        )

    async def _results(self, task_id: str, **asked: Any) -> list[Answer]:
        """Schema, metadata, findings, pagination: one object each."""
        answer = await self._client.call_tool("get_scan_results", {"task_id": task_id, **asked})
        texts = (part.text for part in answer.content if isinstance(part, TextContent))
        return [json.loads(line) for text in texts for line in text.split("\n")]

    async def _call(self, tool: str, asked: Answer) -> Answer:
        answer = await self._client.call_tool(tool, asked)
        return dict(answer.structured_content or {})


@asynccontextmanager
async def connected(gateway: Gateway) -> AsyncIterator[Agent]:
    """Raises Failure for whatever goes wrong between the two. No proxy of the shell is asked."""
    os.environ["NO_PROXY"] = ",".join(filter(None, (os.environ.get("NO_PROXY"), HOST)))
    try:
        async with Client(gateway.url, auth=gateway.token) as client:
            yield Agent(client)
    except (FastMCPError, MCPError, httpx2.HTTPError, RuntimeError) as error:
        raise Failure(f"the gateway did not do it: {error}") from error
