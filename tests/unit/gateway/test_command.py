"""The command nessus-gateway: help, tokens, and a start that is refused in one line."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from nessus_gateway import tokens
from nessus_gateway.__main__ import app
from nessus_gateway.access import Scope

CREATE = ["token", "create", "--name", "agent-7", "--namespace", "security"]

runner = CliRunner()


def test_a_token_is_printed_once_with_the_entry_for_it() -> None:
    done = runner.invoke(app, [*CREATE, "--scope", "scan:read", "--scope", "scan:run"])
    assert done.exit_code == 0
    [token] = [line for line in done.output.splitlines() if line.startswith("nsg_")]
    entry = done.output[done.output.index("- name:") : done.output.index("A running gateway")]
    assert yaml.safe_load(entry) == [
        {
            "name": "agent-7",
            "sha256": tokens.digest(token),
            "namespaces": ["security"],
            "scopes": ["scan:read", "scan:run"],
        }
    ]
    assert done.output.count(token) == 1


def test_scripts_get_json() -> None:
    done = runner.invoke(app, [*CREATE, "--scope", "admin", "--json"])
    answer = json.loads(done.stdout)
    assert answer["entry"]["sha256"] == tokens.digest(answer["token"])


BAD = {
    "an unknown scope is answered with those there are": (
        ["--scope", "scan:all"],
        ["scan:all", *Scope],
    ),
    "a namespace that is none": (["--scope", "admin", "--namespace", "A b"], ["--namespace"]),
    "a name that fits no log": (["--scope", "admin", "--name", "a b"], ["--name"]),
    "no scope": ([], ["--scope"]),
}


@pytest.mark.parametrize(("arguments", "texts"), BAD.values(), ids=BAD)
def test_bad_tokens_are_refused(arguments: list[str], texts: list[str]) -> None:
    done = runner.invoke(app, [*CREATE, *arguments])
    assert done.exit_code == 2
    assert "nsg_" not in done.output
    assert all(text in done.output for text in texts)


@pytest.mark.parametrize("command", [[], ["serve"], ["token"], ["token", "create"]])
def test_every_command_has_help(command: list[str]) -> None:
    done = runner.invoke(app, [*command, "--help"])
    assert done.exit_code == 0
    assert "Usage: " in done.output


def test_serving_is_what_it_does_without_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NESSUS_GATEWAY_RESULTS_DIR", str(tmp_path / "none"))
    done = runner.invoke(app, [])
    assert done.exit_code == 1
    assert done.stderr == (
        f"nessus-gateway: NESSUS_GATEWAY_RESULTS_DIR names {tmp_path}/none, which is not a folder\n"
    )


WRONG = {
    "a port that is none": ("PORT", "high", "NESSUS_GATEWAY_PORT is wrong: "),
    "a level that is none": ("LOG_LEVEL", "loud", "NESSUS_GATEWAY_LOG_LEVEL is wrong: "),
    "an answer that clients refuse": (
        "ANSWER_BYTES",
        "1000000",
        "NESSUS_GATEWAY_ANSWER_BYTES is wrong: Input should be less than or equal to 491520",
    ),
}


@pytest.mark.parametrize(("name", "value", "line"), WRONG.values(), ids=WRONG)
def test_wrong_settings_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(f"NESSUS_GATEWAY_{name}", value)
    done = runner.invoke(app, ["serve"])
    assert done.exit_code == 1
    assert done.stderr.startswith(f"nessus-gateway: {line}")
    assert done.stderr.count("\n") == 1
