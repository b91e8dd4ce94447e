"""Findings through the MCP client in memory, from a store that ingest made."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from tests.builders import make_pool, make_scan
from tests.unit.gateway.fakes import running_gateway
from tests.unit.gateway.stored import completed_scan, report, store_of

from nessus_gateway.server import build
from nessus_operator.api.scan import NessusScan, Progress, ScanStatus
from nessus_operator.api.transitions import Phase


async def ask(
    folder: Path, scan: NessusScan, *, mode: str = "auto", settings: Any = None, **arguments: Any
) -> Any:
    """The answer of the tool, an error or not."""
    async with (
        running_gateway([make_pool(), scan], folder, **settings or {}) as (gateway, _),
        Client(build(gateway, None), mode=mode) as client,
    ):
        return await client.call_tool(
            "get_scan_results", {"task_id": scan.task_id} | arguments, raise_on_error=False
        )


async def read(folder: Path, scan: NessusScan, **arguments: Any) -> list[dict[str, Any]]:
    answer = await ask(folder, scan, **arguments)
    assert not answer.is_error, answer.content[0].text
    return [json.loads(line) for line in answer.content[0].text.split("\n")]


async def refusal(folder: Path, scan: NessusScan, **arguments: Any) -> str:
    answer = await ask(folder, scan, **arguments)
    assert answer.is_error
    return str(answer.content[0].text)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_page_is_json_lines_in_text_alone(tmp_path: Path, mode: str) -> None:
    scan = completed_scan(tmp_path)
    answer = await ask(tmp_path, scan, mode=mode, page_size=10)
    assert answer.structured_content is None
    [content] = answer.content
    lines = [json.loads(line) for line in content.text.split("\n")]
    schema, metadata, *findings, pagination = lines
    assert schema == {
        "type": "schema",
        "profile": "brief",
        "fields": schema["fields"],
        "filters_applied": {},
        "total_vulnerabilities": 15,
        "total_pages": 2,
        "untrusted": True,
    }
    assert metadata["type"] == "scan_metadata"
    assert metadata["task_id"] == scan.task_id
    assert metadata["scan_name"] == "DMZ weekly"
    assert [one["plugin_id"] for one in findings] == [20004] * 3 + [20003] * 3 + [20002] * 3 + [
        20001
    ]
    assert {one["type"] for one in findings} == {"vulnerability"}
    assert pagination["type"] == "pagination"
    assert {key: pagination[key] for key in ("page", "page_size", "total_pages")} == {
        "page": 1,
        "page_size": 10,
        "total_pages": 2,
    }
    assert (pagination["has_next"], pagination["next_page"]) == (True, 2)


PAGES: dict[str, tuple[dict[str, Any], int, dict[str, Any]]] = {
    "the last page": ({"page": 2, "page_size": 10}, 5, {"has_next": False, "next_page": None}),
    "a page past the end": ({"page": 9}, 0, {"has_next": False, "next_page": None}),
    "a page size that is too small": ({"page_size": 1}, 10, {"page_size": 10}),
    "a page size that is too large": ({"page_size": 5000}, 15, {"page_size": 100}),
}


@pytest.mark.parametrize(("arguments", "count", "end"), PAGES.values(), ids=PAGES)
async def test_pages(
    tmp_path: Path, arguments: dict[str, Any], count: int, end: dict[str, Any]
) -> None:
    lines = await read(tmp_path, completed_scan(tmp_path), **arguments)
    assert len([line for line in lines if line["type"] == "vulnerability"]) == count
    assert {key: lines[-1][key] for key in end} == end


async def test_page_0_is_everything_without_a_last_line(tmp_path: Path) -> None:
    lines = await read(tmp_path, completed_scan(tmp_path), page=0)
    assert [line["type"] for line in lines] == ["schema", "scan_metadata"] + ["vulnerability"] * 15


FILTERS: dict[str, tuple[dict[str, Any], int]] = {
    "severity by number and above": ({"severity": ">=3"}, 6),
    "severity by name": ({"severity": "critical"}, 3),
    "a field outside the profile": ({"plugin_output": "EXAMPLE"}, 15),
    "any of a list": ({"plugin_id": [20001, 20004]}, 6),
    "all must hold": ({"severity": ">=3", "host": "192.0.2.2"}, 2),
    "none fits": ({"plugin_name": "nothing"}, 0),
}


@pytest.mark.parametrize(("filters", "count"), FILTERS.values(), ids=FILTERS)
async def test_filters(tmp_path: Path, filters: dict[str, Any], count: int) -> None:
    lines = await read(tmp_path, completed_scan(tmp_path), filters=filters)
    assert lines[0]["filters_applied"] == filters
    assert lines[0]["total_vulnerabilities"] == count
    assert len([line for line in lines if line["type"] == "vulnerability"]) == count


async def test_custom_fields_replace_the_profile(tmp_path: Path) -> None:
    lines = await read(tmp_path, completed_scan(tmp_path), custom_fields=["port", "svc_name"])
    assert lines[0]["profile"] == "custom"
    assert lines[2].keys() == {"type", "port", "svc_name"}


async def test_page_0_ends_at_the_limit_and_goes_on_by_cursor(tmp_path: Path) -> None:
    scan = completed_scan(tmp_path, text=report(hosts=200))
    limit = {"answer_bytes": 16_384}
    answer = await ask(tmp_path, scan, page=0, schema_profile="full", settings=limit)
    text = answer.content[0].text
    assert len(text.encode()) <= 16_384
    end = json.loads(text.split("\n")[-1])
    assert end["type"] == "truncated"
    lines = await read(
        tmp_path, scan, filters={"cursor": end["next_cursor"]}, page_size=10, custom_fields=["id"]
    )
    assert lines[0]["filters_applied"] == {}
    assert lines[2]["id"] == end["returned"] + 1


async def test_no_page_exceeds_the_limit(tmp_path: Path) -> None:
    scan = completed_scan(tmp_path, text=report(hosts=40, output='"\\' * 4000))
    limit = {"answer_bytes": 65_536}
    answer = await ask(tmp_path, scan, page_size=100, schema_profile="full", settings=limit)
    text = answer.content[0].text
    assert len(text.encode()) <= 65_536
    assert len(text.split("\n")) == 103
    assert json.loads(text.split("\n")[-1])["cut_rows"] == 100


async def test_hidden_characters_of_scanned_hosts_do_not_arrive(tmp_path: Path) -> None:
    output = "safe\u202etxet\u200b \u009b31mred \U000e0041"
    scan = completed_scan(tmp_path, text=report(hosts=1, output=output))
    lines = await read(tmp_path, scan, custom_fields=["plugin_output"])
    assert lines[2]["plugin_output"] == "safetxet red "


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "a negative page": ({"page": -1}, "page: input should be greater than or equal to 0"),
    "an unknown profile": (
        {"schema_profile": "huge"},
        "schema_profile: input should be 'minimal', 'summary', 'brief' or 'full'",
    ),
    "an unknown field": ({"custom_fields": ["nothing"]}, "nothing"),
    "a profile with custom fields": (
        {"schema_profile": "full", "custom_fields": ["host"]},
        "not both",
    ),
    "a filter on an unknown field": ({"filters": {"sevrity": "4"}}, "severity"),
    "an operator with junk": ({"filters": {"severity": ">=abc"}}, "severity"),
    "a cursor that is none": ({"filters": {"cursor": 7}}, "the filter cursor takes the text"),
    "a cursor of other results": ({"filters": {"cursor": "3-00000000"}}, "start with page 1"),
    "filters that are no object": ({"filters": "severity"}, "filters: input should be a valid"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSALS.values(), ids=REFUSALS)
async def test_bad_arguments_are_explained(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    text = await refusal(tmp_path, completed_scan(tmp_path), **arguments)
    assert message in text
    assert str(tmp_path) not in text


NO_RESULTS = {
    "a queued scan": (ScanStatus(phase=Phase.QUEUED), "is queued and has no results yet"),
    "a running scan": (
        ScanStatus(phase=Phase.RUNNING, progress=Progress(percent=40)),
        "is running (40 %) and has no results yet",
    ),
    "a failed scan": (
        ScanStatus(phase=Phase.FAILED, message="the report is not XML"),
        "it ended as failed (the report is not XML)",
    ),
}


@pytest.mark.parametrize(("status", "message"), NO_RESULTS.values(), ids=NO_RESULTS)
async def test_without_results(tmp_path: Path, status: ScanStatus, message: str) -> None:
    assert message in await refusal(tmp_path, make_scan(status=status))


async def test_results_that_were_removed(tmp_path: Path) -> None:
    scan = completed_scan(tmp_path)
    store_of(tmp_path, scan).unlink()
    assert "not there any more" in await refusal(tmp_path, scan)


async def test_results_removed_between_two_pages(tmp_path: Path) -> None:
    scan = completed_scan(tmp_path)
    async with (
        running_gateway([scan], tmp_path) as (gateway, _),
        Client(build(gateway, None)) as client,
    ):
        arguments = {"task_id": scan.task_id}
        await client.call_tool("get_scan_results", arguments)
        store_of(tmp_path, scan).unlink()
        answer = await client.call_tool("get_scan_results", arguments, raise_on_error=False)
        assert "not there any more" in answer.content[0].text


async def test_damaged_results_are_our_fault_and_tell_no_path(tmp_path: Path) -> None:
    scan = completed_scan(tmp_path)
    os.truncate(store_of(tmp_path, scan), 4096)
    text = await refusal(tmp_path, scan)
    assert "cannot be read; the gateway's log says why" in text
    assert str(tmp_path) not in text


async def test_the_folder_follows_from_metadata_alone(tmp_path: Path) -> None:
    """A digest or a size that somebody put into another scan's status opens nothing."""
    real = completed_scan(tmp_path)
    forged = make_scan("forged", status=real.status)
    assert "not there any more" in await refusal(tmp_path, forged)
