"""The HTML export in a real browser: it draws, sorts and filters, and asks nobody for anything."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.integration.html.browser import Page, opened
from tests.reports import check, host, item, stored

from nessus_operator.results.export.formats import export
from nessus_operator.results.export.request import Request

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ATTACK = "</td></script><script>document.title='owned'</script><img src=x onerror=owned()>"

HOSTS = [
    host(
        "192.0.2.10",
        item(1, severity=4, name="b plugin", cvss3_base_score="9.8", port=443),
        item(2, ("cve", ATTACK), severity=0, name=ATTACK, port=0, plugin_output=ATTACK),
        item(3, severity=2, name="a plugin", cvss3_base_score="10.0", port=8080),
        check("FAILED", ("cm:compliance-check-name", ATTACK)),
        check("PASSED", ("cm:compliance-check-name", "1.2 no rsh")),
    ),
    host("192.0.2.9", item(4, ("see_also", f"javascript:{ATTACK}"), severity=3, port=22)),
]
COLUMN = "[...document.querySelectorAll('tbody tr')].map(row => row.cells[{0}].innerText)"
BARS = (
    "[...document.querySelectorAll('svg rect')]"
    ".map(bar => [bar.getAttribute('class'), bar.textContent])"
)
SHOWN = "[...document.querySelectorAll('tbody tr')].filter(row => !row.hidden).length"


def exported(folder: Path, **request: Any) -> Path:
    with stored(folder, HOSTS) as results:
        parts = export(folder, results, "html", Request(NOW, **request))
        path = folder / "report.html"
        path.write_bytes(b"".join(parts))
    return path


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with opened(exported(tmp_path)) as loaded:
        yield loaded


async def click(page: Page, head: str) -> None:
    await page.evaluate(
        f"[...document.querySelectorAll('th button')].find(b => b.innerText === '{head}').click()"
    )


async def test_the_page_draws_and_says_nothing_on_the_console(page: Page) -> None:
    assert await page.evaluate("document.title") == "weekly"
    assert await page.evaluate("document.querySelectorAll('svg rect').length") > 3
    assert await page.evaluate(
        "[...document.querySelectorAll('svg')].every(svg => svg.clientHeight > 20)"
    )
    assert await page.evaluate(COLUMN.format(0)) == ["critical", "high", "medium", "info"]
    assert "2 compliance checks" in await page.evaluate("document.body.innerText")
    assert ["s4", "1 critical"] in await page.evaluate(BARS)
    assert page.complaints == []


async def test_a_click_on_a_head_sorts_and_another_turns_it(page: Page) -> None:
    await click(page, "host")
    assert (await page.evaluate(COLUMN.format(1)))[0] == "192.0.2.9"
    await click(page, "host")
    assert (await page.evaluate(COLUMN.format(1)))[-1] == "192.0.2.9"
    await click(page, "score")
    assert await page.evaluate(COLUMN.format(4)) == ["", "", "9.8", "10.0"]
    await click(page, "severity")
    assert await page.evaluate(COLUMN.format(0)) == ["info", "medium", "high", "critical"]
    await click(page, "port")
    assert await page.evaluate(COLUMN.format(2)) == ["0/tcp", "22/tcp", "443/tcp", "8080/tcp"]
    heads = "[...document.querySelectorAll('th')].map(head => head.getAttribute('aria-sort'))"
    assert (await page.evaluate(heads)).count("ascending") == 1
    assert page.complaints == []


async def test_rows_can_be_found_by_a_text(page: Page) -> None:
    await page.evaluate(
        "{ const find = document.getElementById('find'); find.value = 'A PLUGIN';"
        " find.dispatchEvent(new Event('input')) }"
    )
    assert await page.evaluate(SHOWN) == 1
    assert page.complaints == []


async def test_a_link_opens_what_the_plugin_says(page: Page) -> None:
    await page.evaluate("document.querySelector('a[href=\"#p4\"]').click()")
    await page.evaluate("new Promise(done => setTimeout(done))")
    assert await page.evaluate("document.getElementById('p4').open") is True
    assert await page.evaluate("document.querySelectorAll('#p4 li a').length") == 0


async def test_texts_of_the_report_stay_texts(page: Page) -> None:
    assert ATTACK in await page.evaluate("document.body.textContent")
    assert await page.evaluate("document.title") == "weekly"
    assert await page.evaluate("document.scripts.length") == 1
    assert await page.evaluate("document.images.length") == 0


async def test_checks_are_shown_as_well(tmp_path: Path) -> None:
    async with opened(exported(tmp_path, filters={"kind": "compliance"})) as page:
        assert await page.evaluate(COLUMN.format(0)) == ["FAILED", "PASSED"]
        [bar] = await page.evaluate(BARS)
        assert bar == ["s3", "1 failed"]
        await click(page, "check")
        await click(page, "check")
        assert "no rsh" in (await page.evaluate(COLUMN.format(2)))[0]
        assert page.complaints == []


async def test_the_policy_of_the_page_lets_nothing_else_run_or_load(page: Page) -> None:
    await page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.owned=1\">')"
    )
    await page.evaluate(
        "{ const s = document.createElement('script'); s.text = 'owned=1';"
        " document.body.append(s) }"
    )
    assert await page.evaluate("fetch('/other').then(() => 'loaded', () => 'refused')") == "refused"
    assert await page.evaluate("typeof window.owned") == "undefined"
    assert len(page.complaints) >= 3


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The folder over HTTP, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


async def test_nothing_but_the_page_itself_is_ever_requested(tmp_path: Path) -> None:
    path = exported(tmp_path)
    with served(tmp_path) as (address, asked):
        url = f"{address}/{path.name}"
        async with opened(url) as page:
            await click(page, "host")
            await asyncio.sleep(0.5)  # for the icon that browsers ask for by themselves
            assert page.requests == [url]
            assert page.complaints == []
    assert asked == [f"/{path.name}"]
