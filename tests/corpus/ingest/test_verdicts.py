"""How the login went on each host of a public report, and by which sign that is known."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from tests.storing import stored

AGENT = "an agent on the host scanned it, which needs no login"
PLUGINS = "plugins that need a login reported"
NONE = "no credentials were given for this host"
NOTHING = "nothing in the report tells of a login"

Verdict = tuple[str, str, tuple[int, ...]]

# The verdict on the scan, and how many hosts have which, why, and by which plugins.
VERDICTS: dict[str, tuple[str, dict[Verdict, int]]] = {
    # a tag says that it was scanned without credentials
    "DefectDojo_django-DefectDojo__issue_6992": (
        "NotApplicable", {("NotApplicable", NONE, ()): 1},
    ),
    "DefectDojo_django-DefectDojo__nessus_with_cwe-": (
        "NotApplicable", {("NotApplicable", NONE, ()): 1},
    ),
    # 19506 says no, and nothing tells of credentials
    "DefectDojo_django-DefectDojo__nessus_many_vuln": (
        "NotApplicable", {("NotApplicable", NONE, (19506,)): 1},
    ),
    "DefectDojo_django-DefectDojo__nessus_v_unknown": (
        "NotApplicable", {("NotApplicable", NONE, (19506,)): 7},
    ),
    "DefectDojo_django-DefectDojo__nessus_with_cvssv3": (
        "NotApplicable", {("NotApplicable", NONE, (19506,)): 1},
    ),
    "djcas9_ruby-nessus__example_v3": (
        "NotApplicable", {("NotApplicable", NONE, (19506,)): 1},
    ),
    # scans of the scanner's own host list what is installed there
    "savon-noir_python-libnessus__nessus_report_local2": (
        "Success", {("Success", PLUGINS, (12634, 22869)): 1},
    ),
    "savon-noir_python-libnessus__nessus_report_localpci": (
        "Success", {("Success", PLUGINS, (12634, 22869)): 1},
    ),
    "savon-noir_python-libnessus__nessus_report_test_local": (
        "Partial",
        {("Success", PLUGINS, (12634, 22869)): 1, ("NotApplicable", NONE, (19506,)): 1},
    ),
    # an old compliance export has no 19506, but its plugins ran commands
    "seccubus_seccubus__compliance": ("Success", {("Success", PLUGINS, (12634,)): 1}),
    "mitre_saf__nessus_sample@665d23e6": ("Success", {("Success", AGENT, (19506,)): 3}),
    "tenable_pyTenable__example": ("Success", {("Success", AGENT, (19506,)): 1}),
    # 19506 without a line on credentials, or no sign at all
    "wpivis_nv__testNetworkOpen@182e7f85": ("Unknown", {("Unknown", NOTHING, ()): 32}),
    "wpivis_nv__testNetworkPatched@b57f612e": ("Unknown", {("Unknown", NOTHING, ()): 32}),
    "Syslifters_reptor__nessus_multi_host": ("Unknown", {("Unknown", NOTHING, ()): 4}),
    "DefectDojo_django-DefectDojo__nessus_was_many_vuln": (
        "Unknown", {("Unknown", NOTHING, ()): 1},
    ),
    # no hosts
    "tenable_pyTenable__policies_test@e6248eae": ("Unknown", {}),
}  # fmt: skip

KNOWN = [
    path
    for path in sorted(Path(os.environ["NESSUS_CORPUS"]).glob("*.nessus"))
    if path.stem in VERDICTS
]


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.stem)
def test_the_login_to_each_host_is_judged(path: Path, tmp_path: Path) -> None:
    found = stored(tmp_path, path.read_bytes())
    verdicts = Counter(
        (
            host["host_authentication"],
            host["authentication_reason"],
            tuple(json.loads(host["authentication_plugins"])),
        )
        for host in found["hosts"]
    )
    assert (found["meta"]["authentication"]["status"], dict(verdicts)) == VERDICTS[path.stem]
