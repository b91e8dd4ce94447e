"""The parameters of the tools: what a model is told of each, and its bounds."""

from typing import Annotated, Any, Literal

from pydantic import Field

from nessus_gateway import submission

TaskID = Annotated[
    str,
    Field(
        min_length=1,
        max_length=127,
        description="The task_id that a submission or list_tasks answered: namespace/name.",
    ),
]

ScannerPoolName = Annotated[
    str | None,
    Field(
        max_length=127,
        description="A pool as list_pools names it: its name, or namespace/name.",
    ),
]

ScannerInstance = Annotated[
    str | None,
    Field(
        max_length=191,
        description="One scanner of the pool, as instance_id or instance_key of list_scanners. "
        "Leave it out to take the one with the most room.",
    ),
]

Targets = Annotated[
    str,
    Field(
        min_length=1,
        max_length=16_384,
        description="What to scan: IP addresses, networks (192.0.2.0/24), ranges "
        "(192.0.2.1-192.0.2.9) and host names, separated by commas or spaces; up to 512, all "
        "within the scope of the pool.",
    ),
]

ScanName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=submission.NAME_LENGTH,
        description="A name for people; it need not be unique.",
    ),
]

Description = Annotated[
    str,
    Field(max_length=submission.DESCRIPTION_LENGTH, description="What the scan is for."),
]

IdempotencyKey = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=submission.KEY_LENGTH,
        description="Any text of yours. The same key with the same request answers the first "
        "scan instead of starting another, for as long as that scan exists; so give one "
        "whenever you may have to repeat the call.",
    ),
]

Profile = Literal["minimal", "summary", "brief", "full"]

LaterProfile = Annotated[
    Profile,
    Field(
        description="Checked, not stored: how much of each finding you want is chosen with every "
        "get_scan_results."
    ),
]

ShownProfile = Annotated[
    Profile,
    Field(
        description="minimal: host, plugin_id, severity, cve, cvss_score, exploit_available. "
        "summary: also plugin_name, cvss3_base_score, synopsis. brief: also description, "
        "solution. full: every field."
    ),
]

Page = Annotated[
    int,
    Field(
        ge=0,
        le=2**31 - 1,
        description="From 1; 0 is everything, as far as it fits into one answer.",
    ),
]

PageSize = Annotated[int, Field(description="Findings a page, brought into 10 to 100.")]

CustomFields = Annotated[
    list[Annotated[str, Field(max_length=256)]] | None,
    Field(
        max_length=128,
        description="Exactly these fields instead of a profile; leave schema_profile alone then. "
        'Part of a long value: "plugin_output[0:2000]".',
    ),
]

Filters = Annotated[
    dict[str, Any] | None,
    Field(
        max_length=33,
        description="Field to condition; all must hold. Text: contains it, in any case. "
        '">7.0", ">=", "<", "<=", "=" on numbers and severity (number or name, ">=high"). '
        "true or false. A list: any of these. Acts on every field, shown or not. "
        '{"kind": "compliance"} reads compliance checks; {"cursor": next_cursor} goes on '
        "after the last answer.",
    ),
]

Limit = Annotated[
    int, Field(ge=1, le=100, description="How many to show at most, the newest first.")
]

StatusFilter = Annotated[
    Literal["queued", "running", "completed", "failed", "timeout", "cancelled"] | None,
    Field(description="Only scans of this status."),
]

TargetFilter = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=253,
        description="Only scans whose targets overlap this IP address, network, range or host "
        "name: was this host scanned? Addresses meet addresses, names meet names.",
    ),
]
