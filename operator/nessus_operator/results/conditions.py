"""What a filter asks of a value: parsed from JSON once, then tested on JSON values.

    "text"           contains it (letters A to Z folded); of a list: any element does
    79               equals it; of a text or a list: it, or an element, is exactly "79"
    ">=7.0"          > >= < <= = on numbers, dates ("2024", "2024-05", "2024-05-31") and severity
    true, false      whether there is a value; 0, no, false, empty and absent are false
    [...]            any of these

Severity is a number (0 to 4) or a name. What a column holds is tested by SQL (results.filters);
`matches` is for values that are stored as JSON, and means the same.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Any

from nessus_operator.results.faults import InvalidQuery
from nessus_operator.results.fields import SEVERITIES, Type
from nessus_operator.results.texts import fold
from nessus_operator.results.values import boolean, in_xml, number

OPERATORS = {">=": ge, ">": gt, "<=": le, "<": lt, "=": eq}
FALSE_WORDS = frozenset(("", "0", "0.0", "false", "no"))
LONGEST_TERM = 1_000  # characters

_OPERATED = re.compile(r"\s*(>=|<=|>|<|=)?\s*(.*?)\s*", re.DOTALL)
_DATE = re.compile(
    r"\d{4}(?:[-/]\d{2}(?:[-/]\d{2}(?:T\d{2}(?::\d{2}(?::\d{2}Z?)?)?)?)?)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Contains:
    term: str


@dataclass(frozen=True, slots=True)
class Equals:
    text: str


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str
    number: float


@dataclass(frozen=True, slots=True)
class Dated:
    """Dates are compared as far as this one is written: `<= 2024` includes December."""

    operator: str
    date: str  # with dashes


@dataclass(frozen=True, slots=True)
class Truth:
    wanted: bool


@dataclass(frozen=True, slots=True)
class AnyOf:
    conditions: tuple["Condition", ...]


Condition = Contains | Equals | Compare | Dated | Truth | AnyOf

_TAKES = {
    Type.NUMBER: 'a number, or a text like ">=7.0" with one of >=, >, <=, <, =',
    Type.SEVERITY: "0 to 4 or one of "
    + ", ".join(SEVERITIES)
    + ', alone or after >=, >, <=, <, = as in ">=high"',
    Type.BOOLEAN: "true or false",
    Type.DATE: 'a text, or a date like ">=2024-05-31" with one of >=, >, <=, <, =',
    Type.TEXT: "a text that it contains, or true or false for whether there is one",
    Type.LIST: "a text that an element contains, or a number that an element is",
}
_TAKES_ANY = 'a text that it contains, a number, a text like ">=7.0", or true or false'


def parse(name: str, kind: Type | None, value: Any) -> Condition:
    """The condition that `value` puts on the field `name`; `kind` None: a JSON value of any type.

    Raises InvalidQuery, which says what the field takes.
    """
    if isinstance(value, list | tuple):
        if not value:
            raise InvalidQuery(f"The filter on {name} is an empty list, which nothing can match")
        return AnyOf(tuple(_parse_one(name, kind, element) for element in value))
    return _parse_one(name, kind, value)


def _parse_one(name: str, kind: Type | None, value: Any) -> Condition:
    condition: Condition | None = None
    if isinstance(value, bool):
        condition = Truth(value)
    elif isinstance(value, int | float) and abs(value) < 1e300:
        condition = _of_number(kind, value)
    elif isinstance(value, str):
        if len(value) > LONGEST_TERM:
            raise InvalidQuery(f"The filter on {name} is longer than {LONGEST_TERM} characters")
        if not in_xml(value):
            raise InvalidQuery(f"The filter on {name} has a character that no report can hold")
        condition = _of_text(kind, value)
    if condition is None:
        takes = _TAKES.get(kind, _TAKES_ANY) if kind else _TAKES_ANY
        raise InvalidQuery(f"{name} takes {takes}; or a list of these for any of them")
    return condition


def _of_number(kind: Type | None, value: float) -> Condition | None:
    match kind:
        case Type.BOOLEAN:
            return Truth(bool(value)) if value in (0, 1) else None
        case Type.SEVERITY if value not in range(len(SEVERITIES)):
            return None
        case Type.TEXT | Type.LIST | Type.DATE:
            return Equals(str(value))
        case _:
            return Compare("=", float(value))


def _of_text(kind: Type | None, text: str) -> Condition | None:
    found = _OPERATED.fullmatch(text)
    operator, rest = (found[1], found[2]) if found else (None, text)
    match kind:
        case Type.NUMBER:
            return _compare(operator or "=", rest)
        case Type.SEVERITY:
            return _severity(operator or "=", rest.lower())
        case Type.BOOLEAN:
            said = boolean(rest) if not operator and rest else None
            return Truth(bool(said)) if isinstance(said, int) else None
        case Type.DATE:
            if _DATE.fullmatch(rest):
                return Dated(operator or "=", rest.replace("/", "-"))
            return None if operator else _contains(text)
        case None if operator:
            return _compare(operator, rest) or _contains(text)
        case Type.LIST if operator:
            return None
        case _:
            return _contains(text)


def _contains(text: str) -> Condition | None:
    return Contains(text) if text else None


def _compare(operator: str, rest: str) -> Condition | None:
    limit = number(rest)
    return Compare(operator, limit) if isinstance(limit, float) else None


def _severity(operator: str, rest: str) -> Condition | None:
    if rest in SEVERITIES:
        return Compare(operator, float(SEVERITIES.index(rest)))
    if rest.isascii() and rest.isdigit() and int(rest) < len(SEVERITIES):
        return Compare(operator, float(rest))
    return None


def matches(condition: Condition, value: Any) -> bool:
    """Whether a JSON value fulfils it; of lists and objects any text or number in them may."""
    if isinstance(condition, AnyOf):
        return any(matches(one, value) for one in condition.conditions)
    if isinstance(condition, Truth):
        return any(map(truthy, atoms(value))) is condition.wanted
    return any(_matches_atom(condition, atom) for atom in atoms(value))


def truthy(atom: Any) -> bool:
    return spelled(atom).lower() not in FALSE_WORDS


def atoms(value: Any) -> Iterator[str | int | float | bool]:
    """The texts, numbers and booleans in a JSON value, at any depth; null is none."""
    if isinstance(value, dict):
        for element in value.values():
            yield from atoms(element)
    elif isinstance(value, list):
        for element in value:
            yield from atoms(element)
    elif value is not None:
        yield value


def spelled(atom: str | float | bool) -> str:
    return str(atom).lower() if isinstance(atom, bool) else str(atom)


def _matches_atom(condition: Contains | Equals | Compare | Dated, atom: Any) -> bool:
    match condition:
        case Contains(term):
            return fold(term) in fold(spelled(atom))
        case Equals(text):
            return spelled(atom) == text
        case Compare(operator, limit):
            found = number(atom) if isinstance(atom, str) else atom
            is_number = isinstance(found, int | float) and not isinstance(found, bool)
            return is_number and bool(OPERATORS[operator](found, limit))
        case Dated(operator, date):
            said = spelled(atom).replace("/", "-")[: len(date)]
            dated = said[:4].isascii() and said[:4].isdigit()
            return dated and bool(OPERATORS[operator](said, date))
