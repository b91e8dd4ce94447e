"""The credentials part of an editor document: which logins there are, and what each asks for."""

from collections.abc import Sequence
from typing import Any

from nessus_simulator.credentials import Credential

Json = dict[str, Any]

ELEVATIONS = (
    "Nothing",
    ".k5login",
    "Checkpoint Gaia 'expert'",
    "Cisco 'enable'",
    "dzdo",
    "pbrun",
    "su",
    "su+sudo",
    "sudo",
)

METHOD_INPUTS = {
    "password": ("username", "password"),
    "public key": ("username", "private_key", "private_key_passphrase"),
    "certificate": ("username", "user_cert", "private_key", "private_key_passphrase"),
    "kerberos": ("username", "password", "kdc", "kdc_port", "kdc_transport", "realm"),
}
SECRET_INPUTS = frozenset({"password", "private_key_passphrase", "escalation_password"})
ELEVATION_INPUTS = ("escalation_account", "escalation_password", "bin_directory", "su_user")


def categories(credentials: Sequence[Credential]) -> list[Json]:
    types = [
        _type("SSH", ["password", "public key", "certificate", "Kerberos"], credentials),
        _type("Windows", ["Password", "Kerberos"], credentials),
    ]
    return [{"name": "Host", "default_expand": True, "types": types}]


def _type(name: str, methods: list[str], credentials: Sequence[Credential]) -> Json:
    instances = [
        {
            "id": credential.id,
            "summary": credential.username,
            "inputs": [{"id": key, "default": value} for key, value in credential.inputs.items()],
        }
        for credential in credentials
        if (credential.category, credential.type) == ("Host", name)
    ]
    return {
        "name": name,
        "max": 1000,
        "inputs": [
            {
                "id": "auth_method",
                "name": "Authentication method",
                "type": "ui_radio",
                "default": methods[0],
                "options": [
                    {"name": method, "inputs": _login_inputs(name, method)} for method in methods
                ],
            }
        ],
        "instances": instances or None,
    }


def _login_inputs(kind: str, method: str) -> list[Json]:
    names = METHOD_INPUTS[method.lower()]
    inputs = [_login_input(name) for name in names]
    if kind == "Windows":
        return [*inputs, _login_input("domain")]
    options = [
        {"name": elevation, "inputs": _elevation_inputs(elevation)} for elevation in ELEVATIONS
    ]
    elevate = {
        "id": "elevate_privileges_with",
        "name": "Elevate privileges with",
        "type": "ui_radio",
        "default": "Nothing",
        "options": options,
    }
    return [*inputs, elevate]


def _elevation_inputs(elevation: str) -> list[Json] | None:
    taken = {
        "Nothing": (),
        ".k5login": ELEVATION_INPUTS[:1],
        "Cisco 'enable'": ELEVATION_INPUTS[1:2],
        "Checkpoint Gaia 'expert'": ELEVATION_INPUTS[1:2],
        "su+sudo": ELEVATION_INPUTS,
    }.get(elevation, ELEVATION_INPUTS[:3])
    return [_login_input(name) for name in taken] or None


def _login_input(name: str) -> Json:
    kind = "password" if name in SECRET_INPUTS else "entry"
    return {"id": name, "name": name.replace("_", " "), "type": kind, "default": None}
