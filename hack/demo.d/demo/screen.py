"""All that the demonstration shows. Text of scanned hosts is cleaned and never taken for markup."""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from demo.controlplane import COMMAND, REPOSITORY
from demo.failures import Interrupted
from demo.manifests import NAMESPACE
from demo.parts import Gateway
from demo.report import SEVERITIES, Counts
from nessus_operator.results.clean import clean, one_line

STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "blue"}

_STEP_WIDTH = 14
_MOST = 120  # characters of a cell


class Output(Console):
    """Ends the demonstration as any filter ends when nobody reads on; rich would exit at once."""

    def on_broken_pipe(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Interrupted(signal.SIGPIPE)


class Screen:
    """Progress and results on stdout, faults on stderr."""

    def __init__(self) -> None:
        self._out = Output(highlight=False)
        self._err = Console(stderr=True, highlight=False)

    def step(self, name: str, text: str) -> None:
        """One more thing is there."""
        self._line(Text.assemble((f"{name:<{_STEP_WIDTH}}", "bold"), clean(text)))

    def failure(self, text: str, details: Iterable[str] = ()) -> None:
        """One line that says what is wrong, and whatever others said of it."""
        self._err.print(Text(f"hack/demo: {clean(text)}", style="red"), soft_wrap=True)
        for line in details:
            self._err.print(Text(f"  {clean(line)}"), soft_wrap=True)

    def say(self, text: str) -> None:
        self._line(Text(clean(text)))

    def ending(self) -> None:
        self.say("\nEnding all of it, which takes some seconds.")

    async def follow(self, statuses: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
        """Answers the last; a bar on a terminal, else a line for each change."""
        show = self._bar if self._out.is_terminal else self._lines
        return await show(statuses)

    def findings(self, rows: list[dict[str, Any]], total: int) -> None:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("severity", "score", "host", "port", "finding"):
            table.add_column(title, no_wrap=title != "finding")
        for row in rows:
            severity = SEVERITIES[row["severity"]]
            cells = (row.get(key) for key in ("cvss_score", "host", "port", "plugin_name"))
            table.add_row(Text(severity, style=STYLES.get(severity, "")), *map(_cell, cells))
        self._out.print()
        self._out.print(table)
        self.say(f"… the gravest {len(rows)} of {total}\n")

    def severities(self, counts: Counts) -> None:
        found = (f"{number} {name}" for name, number in counts.severities.items())
        self.step("findings", ", ".join(found))

    def kubectl(self, asked: str, answer: str) -> None:
        """A command as one would type it, and what it printed."""
        self._line(Text(f"$ {asked}", style="bold"))
        self.say(clean(answer))

    def connect(self, gateway: Gateway, home: Path, allow: Iterable[str]) -> None:
        """How an agent and a person get at what runs now."""
        headers = {"Authorization": f"Bearer {gateway.token}"}
        server = {"type": "http", "url": gateway.url, "headers": headers}
        config = json.dumps({"mcpServers": {"nessus": server}}, indent=2)
        fastmcp = os.path.relpath(REPOSITORY / ".venv/bin/fastmcp")
        controlplane = os.path.relpath(COMMAND)
        scope = one_line(", ".join(allow), _MOST)
        for text in (
            f"Connect an agent. It may scan {scope} and read what was found:",
            config,
            "Or call a tool by hand:",
            f"{fastmcp} call {gateway.url} list_tasks --auth {gateway.token}",
            "Look at it with kubectl:",
            f'eval "$({controlplane} env {home})"\nkubectl get nessus --namespace {NAMESPACE}',
        ):
            self.say(text + "\n")
        self.say(f"Logs are in {home / 'demo'}. Ctrl-C ends all of it and leaves nothing behind.")

    def _line(self, text: Text) -> None:
        self._out.print(text, soft_wrap=True)

    async def _bar(self, statuses: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
        last: dict[str, Any] = {}
        columns = (TextColumn(f"{'scan':<{_STEP_WIDTH}}", style="bold"), BarColumn())
        text = TextColumn("{task.percentage:>3.0f} % {task.fields[state]}", markup=False)
        with Progress(*columns, text, console=self._out) as progress:
            task = progress.add_task("scan", total=100, state="")
            async for last in statuses:
                done = 100 if last["status"] == "completed" else last["progress"] or 0
                progress.update(task, completed=done, state=_state(last))
        return last

    async def _lines(self, statuses: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
        last: dict[str, Any] = {}
        said = ""
        async for last in statuses:
            percent = f" {last['progress'] or 0} %" if last["status"] == "running" else ""
            if (text := _state(last) + percent) != said:
                self.step("scan", text)
                said = text
        return last


def _state(status: dict[str, Any]) -> str:
    waits = f": {status['validation_warnings'][0]}" if _waits(status) else ""
    where = f" on {status['scanner_instance']}" if status["scanner_instance"] else ""
    return one_line(f"{status['status']}{where}{waits}", _MOST)


def _waits(status: dict[str, Any]) -> bool:
    return bool(status["status"] == "queued" and status["validation_warnings"])


def _cell(value: object) -> Text:
    return Text("" if value is None else one_line(str(value), _MOST))
