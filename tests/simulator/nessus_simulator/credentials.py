"""Credentials of a scan: what was sent is checked and kept without its secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from nessus_simulator import refusals

MASK = "********"

# What may be shown. Any other text of a credential is masked, so a secret under a name that
# nobody thought of stays one.
HARMLESS = frozenset(
    {
        "auth_method",
        "bin_directory",
        "domain",
        "elevate_privileges_with",
        "escalation_account",
        "kdc",
        "kdc_port",
        "kdc_transport",
        "realm",
        "su_user",
        "username",
    }
)


class Envelope(BaseModel):
    """`credentials` of a create or an edit: new instances by category and type, changed ones by
    id, and the ids of those to delete."""

    add: dict[str, dict[str, list[dict[str, Any]]]] = {}
    edit: dict[int, dict[str, Any]] = {}
    delete: list[int] = []


@dataclass(frozen=True, slots=True)
class Credential:
    """One instance, with its secrets masked."""

    id: int
    category: str
    type: str
    inputs: Mapping[str, Any]

    @property
    def username(self) -> str:
        return str(self.inputs.get("username", ""))


def masked(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with every value masked but the harmless ones and empty text."""
    return {
        name: value if name in HARMLESS or value in ("", None) else MASK
        for name, value in inputs.items()
    }


def changed(
    current: Sequence[Credential], envelope: Envelope, uploads: frozenset[str]
) -> tuple[Credential, ...]:
    """The instances after a create or an edit: what is under `delete` goes, what is under `edit`
    gets new inputs, what is under `add` comes, the rest stays.

    Refused (400): a private key that is not the name of an uploaded file.
    """
    kept = (instance for instance in current if instance.id not in envelope.delete)
    edited = [
        replace(instance, inputs=_checked(envelope.edit[instance.id], uploads))
        if instance.id in envelope.edit
        else instance
        for instance in kept
    ]
    first_id = max((instance.id for instance in current), default=0) + 1
    added = (
        (category, kind, _checked(inputs, uploads))
        for category, kinds in envelope.add.items()
        for kind, instances in kinds.items()
        for inputs in instances
    )
    return (*edited, *(Credential(number, *new) for number, new in enumerate(added, first_id)))


def _checked(inputs: Mapping[str, Any], uploads: frozenset[str]) -> Mapping[str, Any]:
    key = inputs.get("private_key")
    if key is not None and key not in uploads:
        raise refusals.invalid("private_key must be the name that POST /file/upload answered")
    return masked(inputs)
