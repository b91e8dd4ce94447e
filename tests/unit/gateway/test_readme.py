"""What mcp_gateway/README.md shows is what the tools answer."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.unit.gateway.test_run_untrusted_scan import ANSWER_KEYS
from tests.unit.gateway.test_scan_tools import ROW_KEYS, STATUS_KEYS

from nessus_gateway.views import STATUSES

README = (Path(__file__).parents[3] / "mcp_gateway/README.md").read_text()


def section(title: str) -> str:
    return README.split(f"\n### {title}\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]


def example(title: str) -> dict[str, Any]:
    """The JSON that a section shows."""
    block = re.search(r"```json\n(.*?)```", section(title), re.DOTALL)
    assert block
    return dict(json.loads(block[1]))


SHOWN = {
    "run_untrusted_scan": ANSWER_KEYS,
    "get_scan_status": STATUS_KEYS | {"results_summary"},
}


@pytest.mark.parametrize(("tool", "keys"), SHOWN.items(), ids=SHOWN)
def test_examples_have_the_keys_of_answers(tool: str, keys: set[str]) -> None:
    assert example(tool).keys() == keys


def test_a_listed_task_has_the_keys_of_a_status_down_to_its_end() -> None:
    keys = list(example("get_scan_status"))
    assert set(keys[: keys.index("completed_at") + 1]) == ROW_KEYS


def test_every_status_is_told() -> None:
    assert all(f"`{status}`" in section("get_scan_status") for status in STATUSES)


def test_no_token_that_works_is_shown() -> None:
    """Examples get copied."""
    assert not re.findall(r"nsg_[-\w]{43}|[0-9a-f]{64}", README)
