"""What users call a value: fields of the table, children only this report has, dotted JSON paths.

`host_properties.os` and `ref.@source` reach into values that are stored as JSON; `id` is the rank
of a row and `host_extra` what is odd about its host. A child has the name that the report gives
it, without what is hidden in it; in angle brackets, if it would be taken for something of ours.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from nessus_operator.results.clean import one_line
from nessus_operator.results.faults import InvalidQuery
from nessus_operator.results.fields import FIELDS, TABLE, Field, Place, Record, Type, find
from nessus_operator.results.values import in_xml

ID = Field("id", Type.NUMBER, Place.ROW)
HOST_EXTRA = "host_extra"
LONGEST_NAME = 256  # characters

_LONGEST_CHILD = 128  # characters shown of the name of a child
_CHILDREN_TOLD = 100  # in the message on an unknown name
# What a line says besides its fields, and what stands among the filters without being a field.
_RESERVED = frozenset(
    (
        *("type", "id", "cut", "left_out", "host_extra"),
        *("change", "severity_before", "compliance-result_before"),
        *("kind", "cursor"),
    )
)


class Level(StrEnum):
    """Where a value is stored, as the alias that the table has in our SQL."""

    HOST = "h"
    PLUGIN = "p"
    ROW = "f"


_LEVELS = {Place.HOST: Level.HOST, Place.PLUGIN: Level.PLUGIN, Place.REFS: Level.PLUGIN}


@dataclass(frozen=True, slots=True)
class Inside:
    """A value in a JSON column: that of `key` in it (all of it if empty), at `path` below that."""

    column: str
    key: str = ""
    path: str = ""

    def find(self, value: Any) -> Any:
        """The value in the JSON of the column; None: absent. Several at the path are a list."""
        if self.key and value is not None:
            value = value.get(self.key)
        if value is None or not self.path:
            return value
        found = list(_walk(value, self.path))
        return found[0] if len(found) == 1 else found or None


@dataclass(frozen=True, slots=True)
class Named:
    """A name and where its value is: in the column of `field`, or `inside` a JSON column.

    Both: the column may hold it, unless `inside` finds one that stands in its place.
    `kind`: the type that filters expect; None: a JSON value of any type.
    """

    name: str
    level: Level
    field: Field | None = None
    inside: Inside | None = None
    kind: Type | None = None


class Names:
    """The names of one kind of rows. `extra`: table to the top-level keys of its `extra`."""

    def __init__(self, record: Record, extra: Mapping[str, Collection[str]]) -> None:
        self.record = record
        keys = {Level.ROW: extra.get(TABLE[record], ()), Level.PLUGIN: extra.get("plugins", ())}
        known = FIELDS[record]
        self._overridden = {level: known.keys() & set(here) for level, here in keys.items()}
        self._children: dict[str, tuple[Level, str]] = {}
        for level, here in keys.items():
            for key in sorted(set(here) - known.keys()):
                self._children[self._shown(key)] = (level, key)

    def children(self) -> list[str]:
        """What only this report has."""
        return sorted(self._children)

    def valid(self) -> list[str]:
        """Every name that `resolve` takes, but for paths."""
        return [*self._same_everywhere(), *self.children()]

    def _same_everywhere(self) -> list[str]:
        return [ID.name, *FIELDS[self.record], HOST_EXTRA]

    def _shown(self, key: str) -> str:
        """The name of the child under that key, which no other has."""
        name = one_line(key, _LONGEST_CHILD)
        ours = name in _RESERVED or find(self.record, name.partition(".")[0]) is not None
        if ours or not name:
            name = f"<{name}>"
        while name in self._children:
            name += "'"
        return name

    def resolve(self, name: str) -> Named:
        """Where the value of that name is; any case and `-` or `_` for fields of the table.

        Raises InvalidQuery with the valid names.
        """
        if isinstance(name, str) and len(name) <= LONGEST_NAME and in_xml(name):
            if named := self._whole(name):
                return named
            for at in (index for index, letter in enumerate(name) if letter == "."):
                if named := self._nested(name[:at], name[at + 1 :]):
                    return named
        raise InvalidQuery(self._unknown(str(name)[:LONGEST_NAME]))

    def _whole(self, name: str) -> Named | None:
        field = find(self.record, name)
        if field is not None:
            return self._of_table(field)
        if name == ID.name:
            return Named(name, Level.ROW, ID, kind=ID.type)
        if name == HOST_EXTRA:
            return Named(name, Level.HOST, inside=Inside("extra"))
        if name in self._children:
            level, key = self._children[name]
            return Named(name, level, inside=Inside("extra", key))
        return None

    def _of_table(self, field: Field) -> Named:
        level = _LEVELS.get(field.place, Level.ROW)
        inside = Inside("extra", field.name)
        kind = None if field.type is Type.OBJECT else field.type
        if field.place is Place.EXTRA:
            return Named(field.name, level, inside=inside, kind=kind)
        overridden = field.name in self._overridden.get(level, ())
        return Named(field.name, level, field, inside if overridden else None, kind)

    def _nested(self, head: str, path: str) -> Named | None:
        named = self._whole(head)
        if named is None or not path:
            return None
        name = f"{named.name}.{path}"
        if named.inside:
            inside = Inside(named.inside.column, named.inside.key, path)
            return Named(name, named.level, inside=inside)
        if named.field and named.field.type is Type.OBJECT:
            return Named(name, named.level, inside=Inside(named.field.column, path=path))
        return None

    def _unknown(self, name: str) -> str:
        children = self.children()
        told = [*self._same_everywhere(), *children[:_CHILDREN_TOLD]]
        more = len(children) - _CHILDREN_TOLD
        others = f", {more} more that only this report has" if more > 0 else ""
        close = get_close_matches(name, told, 1)
        hint = f"; did you mean {close[0]}?" if close else "."
        return (
            f"There is no field {name!r} in the {self.record} rows of this report{hint} "
            f"Valid fields: {', '.join(told)}{others}; and paths into JSON such as "
            "host_properties.os"
        )


def _walk(value: Any, path: str) -> Iterator[Any]:
    """The values at a path of keys joined by dots; a key may have dots in it, lists are entered."""
    if isinstance(value, list):
        for element in value:
            yield from _walk(element, path)
    elif isinstance(value, dict):
        if path in value:
            yield value[path]
        for at in (index for index, letter in enumerate(path) if letter == "."):
            if path[:at] in value:
                yield from _walk(value[path[:at]], path[at + 1 :])
