"""The file of static tokens: names, digests and rights, never a token itself."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from nessus_gateway.access import Caller, Scope

_PREFIX = "nsg_"  # so that scanners for leaked secrets, and people, recognise one

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.:@]{0,61}[A-Za-z0-9])?$")]
_Namespace = Annotated[str, Field(pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?|\*)$")]


class InvalidTokens(Exception):
    """The text is no list of tokens; says where and why, without quoting it."""


class Entry(BaseModel):
    """One caller. The digest is of the whole token, in lower-case hexadecimal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Name
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    namespaces: Annotated[tuple[_Namespace, ...], Field(min_length=1)]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]

    def caller(self) -> Caller:
        return Caller(self.name, self.namespaces, frozenset(self.scopes))

    def to_yaml(self) -> str:
        return yaml.safe_dump([self.model_dump(mode="json")], sort_keys=False)


_ENTRIES = TypeAdapter(tuple[Entry, ...])


def new_token() -> str:
    """256 random bits, so that one fast hash protects them."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def parse(text: str) -> tuple[Entry, ...]:
    """Raises InvalidTokens; an empty file is one that is just being written, so not valid."""
    try:
        entries = _ENTRIES.validate_python(yaml.safe_load(text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise InvalidTokens(f"is not YAML (line {line})") from None
    except yaml.YAMLError:
        raise InvalidTokens("is not YAML") from None
    except ValidationError as error:
        raise InvalidTokens(_first_problem(error)) from None
    for what in ("name", "sha256"):
        values = [getattr(entry, what) for entry in entries]
        if len(set(values)) < len(values):
            raise InvalidTokens(f"has two entries with the same {what}")
    return entries


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = first["loc"]
    if not place:
        return "must be a list of {name, sha256, namespaces, scopes}"
    where = ".".join(map(str, place[1:])) or "it"
    return f"has a wrong entry {int(place[0]) + 1}: {where}: {first['msg']}"


def find(token: str, entries: Iterable[Entry]) -> Caller | None:
    """Takes the same time for every token: each entry is compared, and each in full."""
    wanted = digest(token)
    found = None
    for entry in entries:
        if hmac.compare_digest(entry.sha256, wanted):
            found = entry
    return found.caller() if found else None
