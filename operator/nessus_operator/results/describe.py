"""What the fields are: for people and models who are about to filter."""

from collections.abc import Mapping
from typing import Any

from nessus_operator.results.fields import FIELDS
from nessus_operator.results.filters import kind_of
from nessus_operator.results.names import Names
from nessus_operator.results.profiles import FULL, PROFILES, choose
from nessus_operator.results.store import Results


def describe(filters: Mapping[str, Any], results: Results | None = None) -> dict[str, Any]:
    """The kind that `filters` choose, its fields, and the children that only this report has.

    A field has its name, type, source in the report ("": derived) and first profile to show it.
    """
    record = kind_of(filters)
    first: dict[str, str] = {}
    for profile in PROFILES:
        if profile != FULL:
            for shown in choose(Names(record, {}), profile, None).shown:
                first.setdefault(shown.name, profile)
    return {
        "kind": record,
        "fields": [
            {
                "name": field.name,
                "type": field.type,
                "source": field.source,
                "profile": first.get(field.name, FULL),
            }
            for field in FIELDS[record].values()
        ],
        "children": results.names(record).children() if results else [],
    }
