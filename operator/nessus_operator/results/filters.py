"""Filters become SQL: one term a field, with bound parameters, true for the rows it keeps.

Terms on hosts and on plugins are decided on those small tables; only terms on the row itself are
tested row by row. Filters act on what is stored, whatever fields are shown.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from nessus_operator.results.conditions import (
    FALSE_WORDS,
    AnyOf,
    Compare,
    Condition,
    Contains,
    Dated,
    Equals,
    Truth,
    matches,
    parse,
)
from nessus_operator.results.faults import InvalidQuery
from nessus_operator.results.fields import SEVERITIES, Field, Place, Record, Type
from nessus_operator.results.names import Inside, Level, Named, Names

KIND = "kind"  # the filter that chooses the kind of rows
MOST_FILTERS = 32

_WHOLE = frozenset(("f.id", "f.port", "p.plugin_id"))  # columns that hold nothing but numbers

Sql = tuple[str, tuple[Any, ...]]

_FALSE = ", ".join(f"'{word}'" for word in sorted(FALSE_WORDS))


@dataclass(frozen=True, slots=True, eq=False)
class Test:
    """A parameter that SQL hands back to us: `matched(?, column)` calls it with the column."""

    holds: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Term:
    """SQL over the table of a level.

    `index`: the column of rows that leads to those it keeps. `others`: the parameter in place of
    which the same SQL keeps exactly the rows that it does not. `rows`: how many it keeps of the
    severities asked for, where that is known.
    """

    level: Level
    sql: str
    params: tuple[Any, ...]
    index: str = ""
    others: str | None = None
    rows: int | None = None

    @property
    def calls_back(self) -> bool:
        """Whether it is slow, as it is tested by us and not by SQLite alone."""
        return any(isinstance(param, Test) for param in self.params)


@dataclass(frozen=True, slots=True)
class Where:
    """Which rows: of these severities, and with every term true."""

    record: Record
    severities: frozenset[int]
    terms: tuple[Term, ...]

    def of(self, level: Level) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if term.level is level)


class Lines(Protocol):
    """What coded texts are searched by: results.texts.LineReader."""

    def lines(self, coded: bytes, /) -> list[str]: ...
    def text(self, coded: bytes, /) -> str: ...
    def containing(self, term: str, /) -> Callable[[bytes | None], bool] | None: ...


def kind_of(filters: Mapping[str, Any]) -> Record:
    """The kind of rows that `filters` asks for: vulnerabilities unless it says compliance."""
    kind = filters.get(KIND, Record.VULNERABILITY)
    try:
        return Record(kind)
    except ValueError:
        kinds = " or ".join(Record)
        raise InvalidQuery(f"The filter {KIND} takes {kinds}, not {kind!r}") from None


def compile_filters(filters: Mapping[str, Any], names: Names, lines: Lines) -> Where:
    """The SQL of all filters; raises InvalidQuery with the valid names or values."""
    if len(filters) > MOST_FILTERS:
        raise InvalidQuery(f"There are {len(filters)} filters; at most {MOST_FILTERS} are allowed")
    severities = frozenset(range(len(SEVERITIES)))
    terms = []
    for name, value in filters.items():
        if name == KIND:
            continue
        named = names.resolve(name)
        condition = parse(name, named.kind, value)
        if named.kind is Type.SEVERITY:
            severities = frozenset(level for level in severities if matches(condition, level))
        else:
            terms.append(_term(named, condition, lines))
    return Where(names.record, severities, tuple(terms))


def _term(named: Named, condition: Condition, lines: Lines) -> Term:
    level, field, inside = named.level, named.field, named.inside
    if field is None:
        return Term(level, *_in_json(level, inside or Inside("extra"), condition))
    sql, params = _in_column(f"{level}.{field.column}", field, condition, lines)
    if inside is not None:
        instead, more = _in_json(level, inside, condition)
        sql = f"CASE WHEN json_type({level}.extra, ?) IS NULL THEN {sql} ELSE {instead} END"
        params = (f'$."{inside.key}"', *params, *more)
    leads = level is Level.ROW and isinstance(condition, Compare) and inside is None
    return Term(level, sql, params, field.column if leads else "")


def _in_json(level: Level, inside: Inside, condition: Condition) -> Sql:
    test = Test(lambda text: matches(condition, inside.find(text and json.loads(text))))
    column = f"{level}.{inside.column}"
    if not inside.key or matches(condition, None):
        return f"matched(?, {column})", (test,)
    # Few rows have the key; the rest need no call.
    return (
        f"(instr({column}, ?) > 0 AND matched(?, {column}))",
        (json.dumps(inside.key, ensure_ascii=False), test),
    )


def _in_column(column: str, field: Field, condition: Condition, lines: Lines) -> Sql:
    if field.place is Place.CODED:
        return _coded(column, field, condition, lines)
    if isinstance(condition, AnyOf):
        parts = [_in_column(column, field, one, lines) for one in condition.conditions]
        sql = " OR ".join(sql for sql, _ in parts)
        return f"({sql})", tuple(value for _, params in parts for value in params)
    if field.place is Place.REFS:
        return _in_refs(field, condition)
    if field.type is Type.LIST:  # a column of hosts, one element a line
        return f"matched(?, {column})", (
            Test(lambda text: matches(condition, (text or "").split("\n"))),
        )
    if field.type is Type.OBJECT:
        return _in_json(Level.HOST, Inside(field.column), condition)
    return _scalar(column, condition)


def _in_refs(field: Field, condition: Condition) -> Sql:
    negative = condition == Truth(False)
    sql, params = _scalar("r.value", Truth(True) if negative else condition)
    return (
        f"p.id {'NOT ' if negative else ''}IN "
        f"(SELECT r.plugin FROM plugin_refs AS r WHERE r.field = ? AND {sql})",
        (field.name, *params),
    )


def _scalar(column: str, condition: Condition) -> Sql:
    """On a column that holds one text or number."""
    match condition:
        case Contains(term):
            return rf"{column} LIKE ? ESCAPE '\'", (like(term),)
        case Equals(text):
            return f"{column} = ?", (text,)
        case Compare(operator, number):
            sql = f"{column} {operator} ?"
            if column in _WHOLE:
                return sql, (number,)
            return f"(typeof({column}) IN ('integer', 'real') AND {sql})", (number,)
        case Dated(operator, date):
            said = f"replace(substr({column}, 1, {len(date)}), '/', '-')"
            return f"({column} GLOB '[0-9][0-9][0-9][0-9]*' AND {said} {operator} ?)", (date,)
        case Truth(wanted):
            return f"(coalesce(lower({column}), '') NOT IN ({_FALSE})) = ?", (int(wanted),)
        case AnyOf():
            raise AssertionError("any-of is taken apart before")


def like(term: str) -> str:
    """A pattern of LIKE for texts that contain the term."""
    for special in ("\\", "%", "_"):
        term = term.replace(special, "\\" + special)
    return f"%{term}%"


def _coded(column: str, field: Field, condition: Condition, lines: Lines) -> Sql:
    tests = _coded_tests(field, condition, lines)
    if not tests:
        return "0", ()
    test = tests[0] if len(tests) == 1 else lambda coded: any(test(coded) for test in tests)
    return f"matched(?, {column})", (Test(test),)


def _coded_tests(
    field: Field, condition: Condition, lines: Lines
) -> list[Callable[[bytes | None], bool]]:
    """Any of these decides; none: no text of the report fulfils the condition."""
    match condition:
        case AnyOf(conditions):
            return [test for one in conditions for test in _coded_tests(field, one, lines)]
        case Contains(term):
            if field.type is Type.LIST and "\n" in term:
                return []
            test = lines.containing(term)
            return [test] if test else []
        case _:
            return [lambda coded: matches(condition, _decoded(field, coded, lines))]


def _decoded(field: Field, coded: bytes | None, lines: Lines) -> Any:
    if coded is None:
        return None
    return lines.lines(coded) if field.type is Type.LIST else lines.text(coded)
