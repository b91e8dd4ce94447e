"""Which fields an answer shows: a profile from one table, or the fields that the caller names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nessus_operator.results.budget import as_text
from nessus_operator.results.faults import InvalidQuery
from nessus_operator.results.fields import Record
from nessus_operator.results.names import ID, Named, Names

DEFAULT = "brief"
FULL = "full"
ALL = "all"  # what the schema line says of the fields of `full`
CUSTOM = "custom"  # what the schema line calls the caller's own choice of fields
MOST_FIELDS = 128

# In every row of a host the same large object: shown only where it is asked for by name.
LEFT_OUT = ("host_properties",)

_STEPS: Mapping[Record, Mapping[str, str]] = {
    Record.VULNERABILITY: {
        "minimal": "host plugin_id severity cve cvss_score exploit_available",
        "summary": "plugin_name cvss3_base_score synopsis",
        "brief": "description solution",
    },
    Record.COMPLIANCE: {
        "minimal": "host plugin_id compliance-result compliance-check-name",
        "summary": "plugin_name compliance-audit-file compliance-reference",
        "brief": "compliance-info compliance-solution compliance-policy-value "
        "compliance-actual-value",
    },
}

PROFILES = (*_STEPS[Record.VULNERABILITY], FULL)  # each shows what the one before it does, and more

_SLICE = re.compile(r"(.+)\[(\d{0,9}):(\d{0,9})\]", re.DOTALL | re.ASCII)


@dataclass(frozen=True, slots=True)
class Shown:
    """A field as it was asked for: all of its value, or a part of it."""

    name: str
    named: Named
    part: tuple[int | None, int | None] | None = None

    def of(self, value: Any) -> Any:
        """The part of the value: elements of a list, else characters of its text."""
        if self.part is None:
            return value
        part = slice(*self.part)
        return value[part] if isinstance(value, list) else as_text(value)[part]


@dataclass(frozen=True, slots=True)
class Profile:
    """`label` and `listed` are what the schema line says: ALL, or the names of the fields."""

    label: str
    listed: str | list[str]
    shown: tuple[Shown, ...]


def choose(names: Names, profile: str, custom_fields: Sequence[str] | None) -> Profile:
    """The fields to show; raises InvalidQuery with the valid profiles or names."""
    if profile not in PROFILES:
        raise InvalidQuery(f"There is no profile {profile!r}; there are {', '.join(PROFILES)}")
    if custom_fields:
        return _custom(names, profile, custom_fields)
    if profile == FULL:
        wanted = [name for name in names.valid() if name not in (*LEFT_OUT, ID.name)]
        return Profile(profile, ALL, _shown(names, wanted))
    steps = _STEPS[names.record]
    wanted = []
    for step, added in steps.items():
        wanted += added.split()
        if step == profile:
            break
    return Profile(profile, wanted, _shown(names, wanted))


def _custom(names: Names, profile: str, custom_fields: Sequence[str]) -> Profile:
    if profile != DEFAULT:
        raise InvalidQuery(
            f"custom_fields replaces the profile {profile}: give one of them, not both"
        )
    if isinstance(custom_fields, str) or len(custom_fields) > MOST_FIELDS:
        raise InvalidQuery(f"custom_fields takes a list of at most {MOST_FIELDS} names of fields")
    shown = _shown(names, custom_fields)
    return Profile(CUSTOM, [one.name for one in shown], shown)


def _shown(names: Names, wanted: Sequence[str]) -> tuple[Shown, ...]:
    found = (_one(names, name) for name in wanted)
    return tuple({one.name: one for one in found}.values())


def _one(names: Names, name: str) -> Shown:
    if isinstance(name, str) and (cut := _SLICE.fullmatch(name)):
        named = names.resolve(cut[1])
        start, stop = (int(digits) if digits else None for digits in cut.group(2, 3))
        return Shown(f"{named.name}[{cut[2]}:{cut[3]}]", named, (start, stop))
    named = names.resolve(name)
    return Shown(named.name, named)
