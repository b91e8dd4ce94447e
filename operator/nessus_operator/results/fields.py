"""The one table of fields: what a row of results is called, where it is stored, where it is from.

Ingest stores by it, profiles, filters and exports read by it. A field that is not here is an
unknown child of an item: it is kept under its own name in the JSON column `extra` of its row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

CM = "http://www.nessus.org/cm"  # the namespace of compliance elements


class Record(StrEnum):
    """The two kinds of rows, as `type` of a JSON line names them."""

    VULNERABILITY = "vulnerability"
    COMPLIANCE = "compliance"


TABLE: Mapping[Record, str] = {
    Record.VULNERABILITY: "findings",
    Record.COMPLIANCE: "compliance",
}


class Type(StrEnum):
    """What a value is, and so which filters fit it."""

    TEXT = "text"
    NUMBER = "number"  # a text that is no number is stored as that text
    BOOLEAN = "boolean"  # 1 or 0; any other text is stored as it is and counts as true
    DATE = "date"  # text that sorts by time: yyyy/mm/dd or ISO 8601
    LIST = "list"
    SEVERITY = "severity"  # 0 info, 1 low, 2 medium, 3 high, 4 critical
    OBJECT = "object"


class Place(StrEnum):
    """Where a field is stored. A list in a column of hosts is text, one element a line."""

    ROW = "row"  # a column of findings or compliance
    CODED = "coded"  # such a column holding line-coded text (results.texts); of a list: elements
    EXTRA = "extra"  # a key of the JSON object in the row's `extra`
    PLUGIN = "plugin"  # a column of plugins
    REFS = "refs"  # rows of plugin_refs, in order of position
    HOST = "host"  # a column of hosts


@dataclass(frozen=True)
class Field:
    """One field. `source` is the attribute (@), element, cm: element or host tag it is read from;
    empty: we derive it."""

    name: str
    type: Type
    place: Place
    source: str = ""

    @cached_property
    def column(self) -> str:
        """Name of the column, of the `field` in plugin_refs, or of the key in `extra`."""
        return self.name if self.place in (Place.EXTRA, Place.REFS) else _column(self.name)


SEVERITIES = ("info", "low", "medium", "high", "critical")  # index = Nessus' number
RESULTS = ("PASSED", "FAILED", "WARNING", "ERROR")  # of a compliance check

_ITEM = (
    Field("port", Type.NUMBER, Place.ROW, "@port"),
    Field("protocol", Type.TEXT, Place.ROW, "@protocol"),
    Field("svc_name", Type.TEXT, Place.ROW, "@svc_name"),
    Field("severity", Type.SEVERITY, Place.ROW, "@severity"),
    Field("plugin_output", Type.TEXT, Place.CODED, "plugin_output"),
    Field("output", Type.TEXT, Place.EXTRA, "output"),
    Field("attachment", Type.LIST, Place.EXTRA, "attachment"),
    Field("compliance", Type.BOOLEAN, Place.EXTRA, "compliance"),
    Field("first_found", Type.DATE, Place.EXTRA, "first_found"),
    Field("last_found", Type.DATE, Place.EXTRA, "last_found"),
    Field("vulnerability_state", Type.TEXT, Place.EXTRA, "vulnerability_state"),
)

_HOST = (
    Field("host", Type.TEXT, Place.HOST, "ReportHost/@name"),
    Field("host-ip", Type.TEXT, Place.HOST, "tag host-ip"),
    Field("host-fqdn", Type.TEXT, Place.HOST, "tag host-fqdn"),
    Field("host-rdns", Type.TEXT, Place.HOST, "tag host-rdns"),
    Field("netbios-name", Type.TEXT, Place.HOST, "tag netbios-name"),
    Field("mac-address", Type.LIST, Place.HOST, "tag mac-address"),
    Field("operating-system", Type.TEXT, Place.HOST, "tag operating-system"),
    Field("os", Type.TEXT, Place.HOST, "tag os"),
    Field("system-type", Type.TEXT, Place.HOST, "tag system-type"),
    Field("host-uuid", Type.TEXT, Place.HOST, "tag host-uuid"),
    Field("host_start", Type.DATE, Place.HOST, "tag HOST_START_TIMESTAMP, else HOST_START"),
    Field("host_end", Type.DATE, Place.HOST, "tag HOST_END_TIMESTAMP, else HOST_END"),
    Field("host_authentication", Type.TEXT, Place.HOST),
    Field("host_properties", Type.OBJECT, Place.HOST, "HostProperties"),
)

_PLUGIN_TYPES: Mapping[Type, str] = {
    Type.TEXT: """
        synopsis solution risk_factor plugin_type fname script_version plugin_version agent title
        cvss_vector cvss_temporal_vector cvss3_vector cvss3_temporal_vector cvss4_vector
        cvss4_threat_vector cvss_score_source cvss_score_rationale exploitability_ease
        exploit_code_maturity age_of_vuln product_coverage threat_intensity_last_28
        threat_recency threat_sources_last_28 metasploit_name canvas_package d2_elliot_name
        exploithub_sku stig_severity generated_plugin asset_inventory_category""",
    Type.NUMBER: """
        cvss_base_score cvss_temporal_score cvss3_base_score cvss3_temporal_score
        cvss4_base_score cvss4_threat_score cvssV3_impactScore vpr_score
        vulnerability_priority_rating epss_score epss_percentile cvss cvssv3""",
    Type.BOOLEAN: """
        exploit_available exploit_framework_core exploit_framework_metasploit
        exploit_framework_canvas exploit_framework_exploithub exploit_framework_d2_elliot
        exploited_by_malware exploited_by_nessus in_the_news malware asset_inventory
        hardware_inventory os_identification unsupported_by_vendor default_account
        potential_vulnerability thorough_tests always_run""",
    Type.DATE: """
        plugin_publication_date plugin_modification_date vuln_publication_date
        patch_publication_date cisa-known-exploited""",
    Type.LIST: """
        cve bid xref cwe see_also cpe osvdb cert edb-id secunia iava iavb iavt msft mskb rhsa usn
        owasp cisco-sa cisco-bug-id apple-sa icsa ics-alert tra zdi vmsa""",
}

_PLUGIN = (
    Field("plugin_id", Type.NUMBER, Place.PLUGIN, "@pluginID"),
    Field("plugin_name", Type.TEXT, Place.PLUGIN, "@pluginName, else plugin_name"),
    Field("plugin_family", Type.TEXT, Place.PLUGIN, "@pluginFamily"),
    Field("cvss_score", Type.NUMBER, Place.PLUGIN),  # CVSS v3 base, else v2
    *(
        Field(name, kind, Place.REFS if kind is Type.LIST else Place.PLUGIN, name)
        for kind, names in _PLUGIN_TYPES.items()
        for name in names.split()
    ),
)

_CHECK_TEXTS = """
    check-name check-id audit-file info solution see-also actual-value policy-value error
    benchmark-name benchmark-version benchmark-profile control-id full-id functional-id
    informational-id source"""

# What a check says differs from host to host, the description too (it repeats result and value).
_CHECK = (
    Field("compliance-result", Type.TEXT, Place.ROW, "cm:compliance-result, else description"),
    Field("compliance-reference", Type.LIST, Place.CODED, "cm:compliance-reference"),
    Field("description", Type.TEXT, Place.CODED, "description"),
    *(
        Field(f"compliance-{name}", Type.TEXT, Place.CODED, f"cm:compliance-{name}")
        for name in _CHECK_TEXTS.split()
    ),
)

_DESCRIPTION = Field("description", Type.TEXT, Place.PLUGIN, "description")


def _column(name: str) -> str:
    return name.replace("-", "_")


def _by_name(fields: Iterable[Field]) -> Mapping[str, Field]:
    return {field.name: field for field in fields}


FIELDS: Mapping[Record, Mapping[str, Field]] = {
    Record.VULNERABILITY: _by_name((*_HOST, *_PLUGIN, _DESCRIPTION, *_ITEM)),
    Record.COMPLIANCE: _by_name((*_HOST, *_PLUGIN, *_CHECK, *_ITEM)),
}

PLUGIN_COLUMNS: tuple[Field, ...] = (
    *(field for field in _PLUGIN if field.place is Place.PLUGIN),
    _DESCRIPTION,
)
HOST_COLUMNS: tuple[Field, ...] = _HOST
CHECK_COLUMNS: tuple[Field, ...] = _CHECK

# Lists that are written as one element with a value a line.
ONE_A_LINE = frozenset(("see_also", "cpe", "mac-address"))


def find(record: Record, name: str) -> Field | None:
    """The field of that name as users spell it: any case, `-` or `_`, cm: or not.

    None: not in the table, so at most an unknown child under exactly this name.
    """
    return _SPELLED[record].get(_spelled(name))


def _spelled(name: str) -> str:
    return _column(name.removeprefix("cm:").removeprefix(f"{{{CM}}}")).lower()


_SPELLED: Mapping[Record, Mapping[str, Field]] = {
    record: {_spelled(name): field for name, field in fields.items()}
    for record, fields in FIELDS.items()
}
