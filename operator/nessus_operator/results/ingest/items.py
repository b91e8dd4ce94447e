"""One ReportItem: what is constant text of its plugin, what is this row's own, and of which kind.

Rulings for odd input: nessus-operator keeps the row, stores a value that fits, and keeps the
original text in `extra` (results.schema).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from lxml.etree import _Element

from nessus_operator.results.fields import (
    CM,
    FIELDS,
    PLUGIN_COLUMNS,
    RESULTS,
    Field,
    Place,
    Record,
    Type,
)
from nessus_operator.results.schema import ATTACHMENT_TEXT
from nessus_operator.results.values import (
    HIGHEST_PORT,
    Scalar,
    boolean,
    elements,
    listed,
    scalar,
    whole,
)

_CM = f"{{{CM}}}"
_HIGHEST_PLUGIN = 2**31 - 1
_RISKS = {"none": 0, "informational": 0, "info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}
_RESULT_OF_SEVERITY = {1: "PASSED", 2: "WARNING", 3: "FAILED"}
# "name of the check" : [PASSED]
_OLD_STYLE = re.compile(
    r'\s*(?:"(.{1,2000}?)"\s*:)?\s*\[(PASSED|FAILED|WARNING|ERROR)\]', re.DOTALL
)
_PLUGIN_COLUMNS = tuple(column.column for column in PLUGIN_COLUMNS)
# What an attachment says, as we call it; a child that has such a name is kept as "<name>".
_ATTACHMENT = {"@name": "name", "@type": "type", "#text": "text"} | {
    name: f"<{name}>" for name in ("name", "type", "text", "size", "sha256")
}
_ITEM_ATTRIBUTES = frozenset(
    ("port", "svc_name", "protocol", "severity", "pluginID", "pluginName", "pluginFamily")
)

Shape = str | dict[str, Any]


def _by_source(record: Record) -> Mapping[str, Field]:
    """Field by the tag it is read from."""
    places = (Place.PLUGIN, Place.REFS, Place.CODED, Place.EXTRA, Place.ROW)
    return {
        field.source.split(",")[0].replace("cm:", _CM): field
        for field in FIELDS[record].values()
        if field.place in places and field.source and field.source[0] != "@"
    }


_SOURCES = {record: _by_source(record) for record in Record}


def _text_columns(record: Record, *places: Place) -> Mapping[str, str]:
    """Column by tag, of fields that hold a single text as it is."""
    return {
        tag: field.column
        for tag, field in _SOURCES[record].items()
        if field.type is Type.TEXT and field.place in places
    }


# In the order of plugins and rows; these are most children.
_TEXTS = {
    record: (
        _text_columns(record, Place.PLUGIN),
        _text_columns(record, Place.CODED, Place.ROW),
    )
    for record in Record
}
# A child that has the name of a field of ours without being its source: kept as "<name>".
_TAKEN = {
    record: {name for name in FIELDS[record] if name not in _SOURCES[record]} for record in Record
}


@dataclass(slots=True)
class Plugin:
    """The constant text of a plugin: one row of plugins, and its plugin_refs."""

    columns: dict[str, Scalar | None] = field(default_factory=dict)
    refs: dict[str, list[str]] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> int:
        return int(self.columns["plugin_id"] or 0)

    @property
    def score(self) -> float | None:
        score = self.columns["cvss_score"]
        return score if isinstance(score, float) else None

    def values(self) -> tuple[Scalar | None, ...]:
        """In the order of the table, without the id of the row."""
        return (*map(self.columns.get, _PLUGIN_COLUMNS), compact(self.extra))

    def digest(self) -> bytes:
        """Equal for equal text."""
        content = repr(
            (sorted(self.columns.items()), sorted(self.refs.items()), compact(self.extra))
        )
        return hashlib.sha256(content.encode()).digest()[:16]


@dataclass(slots=True)
class Item:
    """One row. `texts`: the coded columns of its table, `lists`: those of them that are lists.

    rulings: what was odd and had to be decided. kind, check_number: of the staging, once it
    has them.
    """

    record: Record
    plugin: Plugin
    severity: int
    port: int
    protocol: str | None
    svc_name: str | None
    result: str | None = None
    texts: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    rulings: list[str] = field(default_factory=list)
    kind: int = 0
    check_number: int = 0

    @property
    def output(self) -> str | None:
        return self.texts.get("plugin_output")


def compact(extra: Mapping[str, Any]) -> str | None:
    """JSON as `extra` columns hold it; sorted, so that equal content is equal text."""
    if not extra:
        return None
    return json.dumps(extra, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def attributes_of(element: _Element) -> dict[str, str]:
    return cast("dict[str, str]", dict(element.attrib))


def shape(element: _Element) -> Shape:
    """An element as JSON: its text, or an object if it has attributes or children."""
    text = element.text or ""
    if not element.attrib and not len(element):
        return text
    children: dict[str, list[Shape]] = {}
    for child in element:
        children.setdefault(child.tag, []).append(shape(child))
        text += child.tail or ""
    found: dict[str, Any] = {f"@{name}": value for name, value in attributes_of(element).items()}
    found |= {name: listed(values) for name, values in children.items()}
    if text.strip():
        found["#text"] = text
    return found


def read_item(element: _Element) -> Item:
    """What a ReportItem says."""
    item = make_item(attributes_of(element), _children(element))
    if stray := "".join(_stray(element)).strip():
        item.extra["#text"] = stray
    return item


def make_item(attributes: Mapping[str, str], shapes: dict[str, list[Shape]]) -> Item:
    """The row of an item, from its attributes and its children by name."""
    record = _record(attributes, shapes)
    plugin = Plugin()
    item = Item(record, plugin, 0, 0, attributes.get("protocol"), attributes.get("svc_name"))
    sources, taken = _SOURCES[record], _TAKEN[record]
    plugin_texts, row_texts = _TEXTS[record]
    names = shapes.pop("plugin_name", None)
    for tag, values in shapes.items():
        single = isinstance(values[0], str) and len(values) == 1
        if single and (column := plugin_texts.get(tag)):
            plugin.columns[column] = cast("str", values[0])
        elif single and (column := row_texts.get(tag)):
            item.texts[column] = cast("str", values[0])
        elif known := sources.get(tag):
            _keep(item, known, values)
        else:
            item.extra[f"<{tag}>" if tag in taken else tag] = listed(values)
    _name_plugin(item, attributes, names)
    _rate(plugin)
    _rule(item, attributes)
    if record is Record.COMPLIANCE:
        _judge_check(item)
    return item


def _children(element: _Element) -> dict[str, list[Shape]]:
    found: dict[str, list[Shape]] = {}
    for child in element:
        found.setdefault(child.tag, []).append(shape(child))
    return found


def _stray(element: _Element) -> Iterable[str]:
    yield element.text or ""
    for child in element:
        yield child.tail or ""


def _record(attributes: Mapping[str, str], shapes: Mapping[str, list[Shape]]) -> Record:
    """A compliance check has cm: children, or says so, or is written in the old style."""
    if any(tag.startswith(_CM) for tag in shapes):
        return Record.COMPLIANCE
    if any(isinstance(said, str) and boolean(said) == 1 for said in shapes.get("compliance", ())):
        return Record.COMPLIANCE
    if attributes.get("pluginFamily") == "Policy Compliance":
        said = shapes.get("description", [""])[0]
        if isinstance(said, str) and _OLD_STYLE.match(said):
            return Record.COMPLIANCE
    return Record.VULNERABILITY


def _keep(item: Item, known: Field, values: list[Shape]) -> None:
    """Store the elements of one known child where its field says, or as they are in `extra`."""
    texts = [value for value in values if isinstance(value, str)]
    if known.name == "attachment":
        item.extra["attachment"] = [_attachment(value) for value in values]
    elif len(texts) < len(values):
        extra = item.plugin.extra if known.place in (Place.PLUGIN, Place.REFS) else item.extra
        extra[known.name] = listed(values)
    elif known.type is Type.LIST:
        _keep_list(item, known, texts)
    elif known.place is Place.PLUGIN:
        _keep_scalar(item.plugin.columns, item.plugin.extra, known, texts)
    elif known.place is Place.EXTRA:
        item.extra[known.name] = listed([_plain(known, text) for text in texts])
    else:
        _keep_scalar(item.texts, item.extra, known, texts)


def _keep_list(item: Item, known: Field, texts: list[str]) -> None:
    found = elements(known, texts)
    if known.place is Place.REFS:
        item.plugin.refs |= {known.name: found} if found else {}
    elif found:
        item.lists[known.column] = found
    else:  # only its elements tell that the item is a check
        item.extra[known.name] = listed(texts)


def _keep_scalar(
    columns: dict[str, Any], extra: dict[str, Any], known: Field, texts: list[str]
) -> None:
    """One value; a text that repeats is one text for filters and a list in `extra`."""
    if len(texts) > 1:
        extra[known.name] = texts
    joined = "\n".join(texts) if known.type is Type.TEXT else texts[0]
    columns[known.column] = scalar(known, joined)


def _plain(known: Field, text: str) -> Any:
    value = scalar(known, text)
    return bool(value) if known.type is Type.BOOLEAN and isinstance(value, int) else value


def _attachment(said: Shape) -> dict[str, Any]:
    """Name, type and size; a long text is left in the native report."""
    shaped = {"#text": said} if isinstance(said, str) else said
    found = {_ATTACHMENT.get(key, key): value for key, value in shaped.items()}
    text = found.setdefault("text", "").encode()
    found["size"] = len(text)
    if len(text) > ATTACHMENT_TEXT:
        del found["text"]
        found["sha256"] = hashlib.sha256(text).hexdigest()
    return found


def _name_plugin(item: Item, attributes: Mapping[str, str], child: list[Shape] | None) -> None:
    plugin = item.plugin
    number = whole(attributes.get("pluginID"), _HIGHEST_PLUGIN)
    if number is None:
        item.rulings.append("plugin id")
        plugin.extra["@pluginID"] = attributes.get("pluginID")
    said = attributes.get("pluginName")
    if child is not None and child != [said]:
        if said or len(child) > 1 or not isinstance(child[0], str):
            plugin.extra["plugin_name"] = listed(child)
        else:
            said = child[0]
    plugin.columns["plugin_id"] = number or 0
    plugin.columns["plugin_name"] = said
    plugin.columns["plugin_family"] = attributes.get("pluginFamily")


def _rate(plugin: Plugin) -> None:
    """The score of the rank: CVSS v3 base, else v2."""
    for column in ("cvss3_base_score", "cvss_base_score"):
        score = plugin.columns.get(column)
        if isinstance(score, float):
            plugin.columns["cvss_score"] = score
            return
    plugin.columns["cvss_score"] = None


def _rule(item: Item, attributes: Mapping[str, str]) -> None:
    """Severity and port as numbers, and what else the start tag says."""
    severity = whole(attributes.get("severity"), 4)
    if severity is None:
        item.rulings.append("severity")
        item.extra["@severity"] = attributes.get("severity")
        risk = str(item.plugin.columns.get("risk_factor") or "").strip().lower()
        severity = _RISKS.get(risk, 0)
    port = whole(attributes.get("port"), HIGHEST_PORT)
    if port is None:
        item.rulings.append("port")
        item.extra["@port"] = attributes.get("port")
    item.severity = severity
    item.port = port or 0
    for name in attributes:
        if name not in _ITEM_ATTRIBUTES:
            item.extra[f"@{name}"] = attributes[name]


def _judge_check(item: Item) -> None:
    """The result of a compliance check: said, else in the description, else by severity."""
    old = _OLD_STYLE.match(item.texts.get("description", ""))
    written = item.texts.pop("compliance_result", None)
    said = (written or "").strip()
    result = said.upper() if said.upper() in RESULTS else said
    if not result and old:
        result = old[2]
    if result not in RESULTS:
        item.rulings.append("compliance result")
    if not result:
        item.extra["@compliance-result"] = written
    item.result = result or _RESULT_OF_SEVERITY.get(item.severity, "ERROR")
    if old and old[1]:
        item.texts.setdefault("compliance_check_name", old[1])
