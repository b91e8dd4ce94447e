"""`nessus-results` as a program: what it prints, and what it says when something is wrong."""

import csv
import io
import json
import os
from pathlib import Path

import pytest
import zstandard
from tests.reports import host, item, report
from tests.unit.results.cli.program import NOW, output, run

from nessus_operator import __version__
from nessus_operator.results.pages import Query, page_lines
from nessus_operator.results.schema import FILE, MANIFEST_FILE, REPORT_FILE
from nessus_operator.results.store import open_results

COMMANDS = ("ingest", "page", "summary", "compare", "export", "verify", "fields")


def test_help_lists_every_command(tmp_path: Path) -> None:
    told = output(tmp_path, "--help")
    assert all(f"│ {command} " in told for command in COMMANDS)
    assert "nessus-results ingest scan.nessus results/" in told
    assert told == output(tmp_path) == output(tmp_path, "-h")


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    assert output(tmp_path, "--version") == f"nessus-results {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_has_an_example(tmp_path: Path, command: str) -> None:
    for option in ("--help", "-h"):
        told = output(tmp_path, command, option)
        assert f"nessus-results {command} " in told.split("xample", 1)[1]


def test_ingest_tells_what_was_stored(tmp_path: Path) -> None:
    (tmp_path / "now.nessus").write_bytes(NOW)
    told = output(tmp_path, "ingest", "now.nessus", "results")
    assert "1 host, 3 findings: 1 critical" in told
    assert "1 compliance check: 0 passed, 1 failed" in told
    assert (tmp_path / "results" / FILE).is_file()


def test_page_prints_json_lines_as_the_library_does(home: Path) -> None:
    filters = ["--filter", "severity>=low", "--filter", "exploit_available=true"]
    told = output(home, "page", "now", *filters, "--profile", "full")
    query = Query(profile="full", filters={"severity": ">=low", "exploit_available": True})
    with open_results(home / "now") as results:
        assert told.splitlines() == list(page_lines(results, query))


PAGES = {
    "everything": (["--page", "0"], [1, 1, 3]),
    "a filter": (["--filter", "plugin_id=3"], [3]),
    "a filter twice is any of both": (
        ["--filter", "severity=critical", "--filter", "severity = info"],
        [1, 3],
    ),
    "two filters must both hold": (["--filter", "host=192", "--filter", "cve=CVE-2024"], [1]),
    "a value with an operator in it": (["--filter", "plugin_output=g l"], [3]),
    "filters as JSON": (["--filters", '{"port": [22], "severity": 4}'], [1]),
    "both forms": (["--filters", '{"severity": "<4"}', "--filter", "exploit_available=false"], [3]),
    "an order": (["--order", "plugin", "--page-size", "10"], [1, 1, 3]),
    "from the beginning by cursor": (["--cursor", ""], [1, 1, 3]),
}


@pytest.mark.parametrize(("options", "plugins"), PAGES.values(), ids=PAGES)
def test_page_finds(home: Path, options: list[str], plugins: list[int]) -> None:
    lines = [json.loads(line) for line in output(home, "page", "now", *options).splitlines()]
    assert [line["plugin_id"] for line in lines if line["type"] == "vulnerability"] == plugins


def test_page_shows_checks_and_fields_and_cuts(home: Path) -> None:
    row = json.loads(output(home, "page", "now", "--kind", "compliance").splitlines()[2])
    assert (row["type"], row["compliance-result"]) == ("compliance", "FAILED")
    told = output(home, "page", "now", "--field", "plugin_output", "--max-bytes", "8000")
    assert len(told.encode()) <= 8001
    assert json.loads(output(home, "page", "now", "--field", "odd").splitlines()[2]) == {
        "type": "vulnerability",
        "odd": "child",
    }


def test_a_table_is_for_people(home: Path) -> None:
    told = output(home, "page", "now", "--table", "--page-size", "10")
    assert "│ critical │ 192.0.2.1 │ 22   │ 1         │ [bold]x[/bold] │" in told
    assert "page 1 of 1, 3 rows" in told


def test_summary_tells_how_logins_went_and_what_is_doubtful(tmp_path: Path) -> None:
    dead = item(10180, port=0, plugin_output="The remote host is considered as dead")
    refused = item(104410, port=22, plugin_output="- Protocol : SSH")
    reports = {
        "none.nessus": report(),
        "dead.nessus": report(host("192.0.2.1", dead)),
        "refused.nessus": report(host("192.0.2.1", refused), host("192.0.2.2", item(1))),
    }
    for name, content in reports.items():
        (tmp_path / name).write_bytes(content)
        assert run(tmp_path, "ingest", name, name.removesuffix(".nessus")).returncode == 0
    assert "fail: NoHosts: the report has no hosts" in output(tmp_path, "summary", "none")
    assert "warn: NoLiveHosts: none of 1 hosts answered" in output(tmp_path, "summary", "dead")
    told = output(tmp_path, "summary", "refused")
    assert "warn: CredentialsFailed: the scanner could not log in to any host" in told
    assert "host authentication: Failed (1 failed, 1 unknown), by plugins 104410" in told
    assert "│ 192.0.2.1 │ Failed │ the credentials that were given did not work │ 104410  │" in told
    found = json.loads(output(tmp_path, "summary", "refused", "--json"))
    assert [one["reason"] for one in found["objections"]] == ["CredentialsFailed"]


def test_summary_is_a_table_or_json(home: Path) -> None:
    told = output(home, "summary", "now", "--since", "before")
    assert "3 findings: 1 critical" in told
    assert "compliance checks: 0 passed, 1 failed" in told
    assert "severity_changed" in told
    found = json.loads(output(home, "summary", "now", "--json", "--filter", "severity=critical"))
    assert (found["findings"], found["filters_applied"]) == (1, {"severity": "critical"})


def test_compare_is_a_table_or_json(home: Path) -> None:
    told = output(home, "compare", "before", "now")
    assert "│ new " in told
    head, *rows, _ = map(
        json.loads, output(home, "compare", "before", "now", "--json").splitlines()
    )
    new = [row for row in rows if row["change"] == "new"]
    assert head["changes"]["new"]["total"] == len(new) == 2
    fixed = output(home, "compare", "before", "now", "--json", "--change", "fixed")
    assert [json.loads(line)["plugin_id"] for line in fixed.splitlines()[1:-1]] == [2]


@pytest.mark.parametrize("name", ["jsonl", "csv", "sarif", "ocsf", "html"])
def test_export_goes_to_stdout_or_to_a_file(home: Path, name: str) -> None:
    told = output(home, "export", "now", "--format", name, "--filter", "severity>=low")
    assert output(home, "export", "now", "--format", name, "--filter", "severity>=low",
                  "--output", "out") == ""  # fmt: skip
    assert (home / "out").read_bytes().decode().replace("\r\n", "\n") == told.replace("\r\n", "\n")
    assert (home / "out").stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_export_of_the_native_report(home: Path) -> None:
    kept = zstandard.ZstdDecompressor().decompressobj()
    native = kept.decompress((home / "now" / REPORT_FILE).read_bytes()).decode()
    assert 'pluginID="3"' in native
    assert output(home, "export", "now", "--format", "native") == native
    assert run(home, "export", "now.nessus", "--format", "native").stdout == native


def test_a_failed_export_leaves_the_file_that_was_there(home: Path) -> None:
    (home / "out").write_text("before")
    done = run(home, "export", "now", "--format", "ocsf", "--kind", "compliance", "--output", "out")
    assert done.returncode == 2
    assert (home / "out").read_text() == "before"
    assert not list(home.glob(".out*"))


@pytest.mark.parametrize(
    "command",
    [["page", "now"], ["summary", "now"], ["summary", "now", "--json"], ["compare", "now", "now"],
     ["export", "now", "--format", "html"]],
    ids=lambda command: " ".join(command),
)  # fmt: skip
def test_a_full_disk_is_said_and_told_by_the_status(home: Path, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(home, *command, stdout=full)
    assert done.returncode == 4
    assert done.stderr == (
        "nessus-results: Cannot read or write the output: No space left on device\n"
    )


def test_export_csv_has_the_fields_asked_for(home: Path) -> None:
    told = output(home, "export", "now", "--format", "csv", "--field", "port", "--field", "cve")
    assert next(csv.reader(io.StringIO(told))) == ["port", "cve"]


@pytest.mark.parametrize("command", ["page", "summary"])
def test_a_report_is_stored_for_the_moment_and_said_so(home: Path, command: str) -> None:
    done = run(home, command, "now.nessus")
    assert done.returncode == 0
    assert done.stdout == output(home, command, "now")
    assert "`nessus-results ingest now.nessus FOLDER` keeps it" in done.stderr


def test_verify_tells_what_differs(home: Path) -> None:
    assert "findings.sqlite: ok" in output(home, "verify", "now")
    for name in (FILE, REPORT_FILE):
        path = home / "now" / name
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    done = run(home, "verify", "now", "--json")
    assert done.returncode == 3
    files = json.loads(done.stdout)["files"]
    assert files[FILE]["problem"].startswith("has the sha256")
    assert files[REPORT_FILE]["problem"].startswith("has the sha256")
    (home / "now" / REPORT_FILE).unlink()
    (home / "now" / FILE).write_bytes(b"short")
    done = run(home, "verify", "now")
    assert f"{REPORT_FILE}: is missing" in done.stdout
    assert f"{FILE}: has 5 bytes instead of" in done.stdout


def test_fields_lists_what_can_be_filtered(home: Path) -> None:
    assert "cvss3_base_score" in output(home, "fields")
    found = json.loads(output(home, "fields", "now", "--json"))
    assert found["children"] == ["odd"]
    by_name = {field["name"]: field for field in found["fields"]}
    assert by_name["cve"] == {"name": "cve", "type": "list", "source": "cve", "profile": "minimal"}
    assert "compliance-result" in output(home, "fields", "--kind", "compliance")


FAULTS: dict[str, tuple[list[str], int, str]] = {
    "a folder that is not there": (["page", "none"], 3, "`nessus-results ingest REPORT FOLDER`"),
    "a folder without results": (["summary", "."], 3, "There are no results in ."),
    "a report that is none": (["page", "empty"], 3, "Truncated: The file ends too early"),
    "an unknown field": (["page", "now", "--filter", "hots=a"], 2, "did you mean host?"),
    "a filter without operator": (["page", "now", "--filter", "host"], 2, "as in severity>=high"),
    "a comparison of texts": (
        ["page", "now", "--filter", "plugin_name>=5"],
        2,
        "plugin_name is a text, which >= cannot compare: ask for plugin_name=VALUE",
    ),
    "a comparison of lists": (["summary", "now", "--filter", "cve>CVE-2024"], 2, "is a list"),
    "bytes that are no text": (
        ["page", "now", "--filter", "host=\udcff"],
        2,
        "has a character that no report can hold",
    ),
    "a command that is none": (["pge"], 2, "Did you mean 'page'?; see nessus-results --help"),
    "no results": (["summary"], 2, "'RESULTS'; see nessus-results summary --help"),
    "an option of no command": (["compare", "before", "now", "--x"], 2, "No such option: --x"),
    "an option without its value": (["export", "now", "--format"], 2, "requires an argument"),
    "a number that is none": (["summary", "now", "--top", "x"], 2, "Invalid value for '--top'"),
    "filters that are no JSON": (["page", "now", "--filters", "{"], 2, "--filters is not JSON"),
    "filters that are no object": (["page", "now", "--filters", "[]"], 2, "takes a JSON object"),
    "an option that is none": (["page", "now", "--pge", "1"], 2, "see nessus-results page --help"),
    "a page that is no number": (["page", "now", "--page", "x"], 2, "invalid int value"),
    "a report to ingest that is not there": (["ingest", "x", "y"], 2, "There is no file x"),
    "an unknown change": (["compare", "before", "now", "--change", "x"], 2, "there are new, "),
    "an unknown format": (["export", "now", "--format", "pdf"], 2, "there are jsonl, csv, sarif"),
    "a folder that nothing was stored in": (["verify", "none"], 3, f"There is no {MANIFEST_FILE}"),
    "an output that cannot be": (
        ["export", "now", "--format", "csv", "--output", "none/out"],
        4,
        "Cannot read or write none/out: No such file or directory",
    ),
}


@pytest.mark.parametrize(("arguments", "status", "says"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_one_line_and_a_status(
    home: Path, arguments: list[str], status: int, says: str
) -> None:
    (home / "empty").touch()
    done = run(home, *arguments)
    assert done.returncode == status
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert last.startswith("nessus-results: ")
    assert says in last
    assert "Traceback" not in done.stderr
