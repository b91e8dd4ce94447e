"""Credentials are kept by instance, and never with their secrets."""

from collections.abc import Mapping
from typing import Any

import pytest

from nessus_simulator.credentials import Credential, Envelope, changed
from nessus_simulator.refusals import Refusal

NO_UPLOADS: frozenset[str] = frozenset()
SSH = {
    "auth_method": "password",
    "username": "scan",
    "password": "geheim",
    "elevate_privileges_with": "sudo",
    "escalation_account": "root",
    "escalation_password": "geheim",
    "custom_password_prompt": "",
}


def add(*instances: Mapping[str, Any]) -> Envelope:
    return Envelope(add={"Host": {"SSH": [dict(each) for each in instances]}})


def test_secrets_are_masked_at_once() -> None:
    (credential,) = changed((), add(SSH), NO_UPLOADS)
    assert credential.username == "scan"
    assert credential.inputs["escalation_account"] == "root"
    assert credential.inputs["password"] == credential.inputs["escalation_password"] == "********"
    assert credential.inputs["custom_password_prompt"] == ""
    assert "geheim" not in repr(credential)


def test_instances_are_added_edited_and_deleted() -> None:
    current = changed((), add(SSH, SSH | {"username": "second"}), NO_UPLOADS)
    envelope = Envelope(
        add={"Host": {"Windows": [{"username": "third"}]}},
        edit={2: {"username": "changed"}},
        delete=[1],
    )
    after = changed(current, envelope, NO_UPLOADS)
    assert [(each.id, each.type, each.username) for each in after] == [
        (2, "SSH", "changed"),
        (3, "Windows", "third"),
    ]


def test_what_an_edit_does_not_mention_stays() -> None:
    current = (Credential(1, "Host", "SSH", {"username": "scan"}),)
    assert changed(current, Envelope(), NO_UPLOADS) == current


def test_a_private_key_is_the_name_of_an_uploaded_file() -> None:
    envelope = add({"auth_method": "public key", "username": "scan", "private_key": "id.pem"})
    assert len(changed((), envelope, frozenset({"id.pem"}))) == 1
    with pytest.raises(Refusal) as refused:
        changed((), envelope, NO_UPLOADS)
    assert refused.value.status == 400
