"""The XML of a report from findings.sqlite alone: what cannot be rebuilt was lost."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.store_dump import Row, StoreDump

from nessus_operator.results.fields import CM, FIELDS, PLUGIN_COLUMNS, Place, Record, Type

_HEAD = ("plugin_id", "plugin_name", "plugin_family", "cvss_score")
_KEPT_TEXT = {
    f"{name}": field
    for record in Record
    for name, field in FIELDS[record].items()
    if field.place is Place.CODED
}


def rebuild(folder: Path) -> bytes:
    return "".join(_document(StoreDump(folder))).encode()


def _document(store: StoreDump) -> Iterator[str]:
    yield f'<NessusClientData_v2 xmlns:cm="{CM}">'
    yield from _policy(store.meta)
    name = store.meta["report_name"]
    yield f"<Report{_attribute('name', name) if name is not None else ''}>"
    items: dict[int, list[str]] = {}
    for record in Record:
        for row in store.rows(record):
            items.setdefault(id(row["host"]), []).append(_item(row, record))
    for host in store.hosts.values():
        yield from _host(host, items.get(id(host), ()))
    yield "</Report></NessusClientData_v2>"


def _policy(meta: Mapping[str, Any]) -> Iterator[str]:
    policy, scan = meta["policy"], meta["scan"]
    yield "<Policy>"
    for tag, key in (("policyName", "name"), ("policyComments", "comments")):
        if key in policy:
            yield _element(tag, policy[key])
    preferences = {
        "TARGET": policy.get("targets"),
        "scan_start_timestamp": scan.get("start"),
        "scan_end_timestamp": scan.get("end"),
    }
    yield "<Preferences><ServerPreferences>"
    for name, value in preferences.items():
        if value is not None:
            yield f"<preference>{_element('name', name)}{_element('value', value)}</preference>"
    yield "</ServerPreferences><PluginsPreferences>"
    if policy.get("names_login"):
        yield "<item><fullName>SSH settings[entry]:SSH user name :</fullName>"
        yield "<selectedValue>scanner</selectedValue></item>"
    yield "</PluginsPreferences></Preferences></Policy>"


def _host(host: Row, items: Iterable[str]) -> Iterator[str]:
    extra = host["extra"]
    attributes = {"name": host["host"]} | {
        name[1:]: value for name, value in extra.items() if name[0] == "@"
    }
    yield f"<ReportHost{_attributes(attributes)}><HostProperties>"
    for name, value in host["host_properties"].items():
        for text in _values(value):
            yield f"<tag{_attribute('name', name)}>{_text(text)}</tag>"
    for name, value in extra.items():
        if name.startswith("HostProperties/"):
            yield _children(name.removeprefix("HostProperties/"), value)
    yield "</HostProperties>"
    yield from items
    for name, value in extra.items():
        if not name.startswith(("@", "HostProperties/")):
            yield _children(name, value)
    yield "</ReportHost>"


def _item(row: Row, record: Record) -> str:
    plugin, extra = row["plugin"], dict(row["extra"])
    overlays = {**plugin["extra"], **extra}
    attributes = {
        "port": row["port"],
        "svc_name": row["svc_name"],
        "protocol": row["protocol"],
        "severity": row["severity"],
        "pluginID": plugin["plugin_id"],
        "pluginName": plugin["plugin_name"],
        "pluginFamily": plugin["plugin_family"],
    }
    overlays.pop("@compliance-result", None)
    attributes |= {name[1:]: value for name, value in overlays.items() if name[0] == "@"}
    parts = [*_plugin_children(plugin), *_row_children(row, record)]
    parts += [
        _overlay(name, value, record) for name, value in overlays.items() if name[0] not in "@#"
    ]
    body = "".join(parts) + _text(overlays.get("#text", ""))
    given = {name: str(value) for name, value in attributes.items() if value is not None}
    return f"<ReportItem{_attributes(given)}>{body}</ReportItem>"


def _plugin_children(plugin: Row) -> Iterator[str]:
    for field in PLUGIN_COLUMNS:
        value = plugin[field.column]
        if field.name not in _HEAD and value is not None and field.name not in plugin["extra"]:
            yield _element(field.name, _scalar(field.type, value))
    for name, values in plugin["refs"].items():
        for value in values:
            yield _element(name, value)


def _row_children(row: Row, record: Record) -> Iterator[str]:
    if record is Record.COMPLIANCE:
        written = row["extra"].get("@compliance-result", row["compliance_result"])
        if written is not None:
            yield _element("cm:compliance-result", written)
    for name, field in _KEPT_TEXT.items():
        value = row.get(field.column)
        if field.column not in row or value is None or name in row["extra"]:
            continue
        tag = f"cm:{name}" if name.startswith("compliance-") else name
        yield _element(tag, ",".join(value) if isinstance(value, list) else value)


def _overlay(name: str, value: Any, record: Record) -> str:
    if name == "attachment":
        return "".join(_children("attachment", _attachment(one)) for one in value)
    if name in FIELDS[record] and name.startswith("compliance-"):
        name = f"cm:{name}"
    return _children(name.strip("<>"), value)


def _attachment(told: Mapping[str, Any]) -> dict[str, Any]:
    names = {"name": "@name", "type": "@type", "text": "#text"}
    kept = {name: value for name, value in told.items() if name not in ("size", "sha256")}
    return {names.get(name, name.strip("<>")): value for name, value in kept.items()}


def _children(name: str, value: Any) -> str:
    return "".join(_element(name, one) for one in _values(value))


def _element(name: str, value: Any) -> str:
    """An element from its JSON: results.schema says how it is written."""
    tag, bound = name, ""
    if name.startswith("{"):
        uri, _, local = name[1:].partition("}")
        tag, bound = f"own:{local}", _attribute("xmlns:own", uri)
    if not isinstance(value, dict):
        return f"<{tag}{bound}>{_text(_scalar(None, value))}</{tag}>"
    attributes = {key[1:]: text for key, text in value.items() if key[0] == "@"}
    children = "".join(_children(key, child) for key, child in value.items() if key[0] not in "@#")
    body = _text(value.get("#text", ""))
    return f"<{tag}{bound}{_attributes(attributes)}>{body}{children}</{tag}>"


def _scalar(type_: Type | None, value: Any) -> str:
    if isinstance(value, bool) or (type_ is Type.BOOLEAN and isinstance(value, int)):
        return "true" if value else "false"
    return str(value)


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(_attribute(name, value) for name, value in values.items())


def _attribute(name: str, value: str) -> str:
    quoted = _text(value).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
    if name.startswith("{"):
        uri, _, local = name[1:].partition("}")
        return f' xmlns:of="{_text(uri)}" of:{local}="{quoted}"'
    return f' {name}="{quoted}"'


def _text(text: str) -> str:
    for character, reference in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
        text = text.replace(character, reference)
    return text
