"""From the arguments of a tool call to a NessusScan: each bound is checked, with a way out."""

import hashlib
import json
import re
import unicodedata
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nessus_gateway.errors import NotFound, Refused
from nessus_operator.api import names
from nessus_operator.api.pool import ScannerPool
from nessus_operator.api.scan import MUTABLE, NessusScan, PoolRef, ScanSpec, ScanType
from nessus_operator.core import targets
from nessus_operator.core.targets import InvalidTarget

TARGETS = 512
TARGETS_LENGTH = 8192  # characters together
NAME_LENGTH = 128
DESCRIPTION_LENGTH = 1024
KEY_LENGTH = 128

_DESCRIPTION_BYTES = 1280  # as the API server counts them, see crds/nessusscans.yaml
_SEPARATORS = re.compile(r"[\s,;]+")
_SHOWN = 5
_INVISIBLE = ("Cc", "Cf", "Zl", "Zp")
_MUTABLE = frozenset(re.sub("([A-Z])", r"_\1", name).lower() for name in MUTABLE)
_PLACEMENT = frozenset(("pool_ref", "scanner_name"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scan is asked to run: a namespace, and in it a pool and a scanner if they matter."""

    namespace: str
    pool: str | None = None
    scanner: str | None = None


def split_targets(text: str) -> tuple[str, ...]:
    """The targets in a text, once each; raises Refused naming those that are none."""
    found = tuple(dict.fromkeys(part for part in _SEPARATORS.split(text) if part))
    if not found:
        raise Refused("targets is empty; name at least one address, network, range or host name")
    problems = [problem for part in found if (problem := _problem(part))]
    if problems:
        more = f", and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise Refused(
            f"targets cannot be scanned: {'; '.join(problems[:_SHOWN])}{more}. Targets are IP "
            "addresses, networks (192.0.2.0/24), ranges (192.0.2.1-192.0.2.9) and host names, "
            "separated by commas or spaces"
        )
    if len(found) > TARGETS or sum(map(len, found)) > TARGETS_LENGTH:
        raise Refused(
            f"too many targets: one scan takes {TARGETS} of them with {TARGETS_LENGTH} characters "
            "together; name networks instead of single addresses, or submit several scans"
        )
    return found


def _problem(text: str) -> str | None:
    try:
        targets.parse(text)
    except InvalidTarget as error:
        return str(error)
    return None


def place(scanner_pool: str | None, scanner_instance: str | None, home: str | None) -> Place:
    """What `[namespace/]pool` and `[[namespace/]pool:]scanner` name; raises Refused."""
    of_pool, _, scanner = (scanner_instance or "").rpartition(":")
    label = scanner_pool or of_pool
    namespace, _, pool = label.rpartition("/")
    if of_pool and of_pool not in (label, pool):
        raise Refused(
            f"scanner_instance {scanner_instance!r} names the pool {of_pool!r}, scanner_pool "
            f"{scanner_pool!r}; name one pool"
        )
    if not (namespace or home):
        raise Refused(
            "your token has no namespace of its own; name the pool as namespace/name in "
            "scanner_pool (list_pools shows them)"
        )
    return Place(namespace or home or "", pool or None, scanner or None)


def choose_pool(wanted: Place, pools: Sequence[ScannerPool]) -> ScannerPool:
    """The pool that was named; else the namespace's default; else its only one.

    `pools` are those of the namespace. Raises NotFound or Refused with those there are.
    """
    there = {pool.metadata.name: pool for pool in pools if not pool.metadata.deleting}
    known = ", ".join(sorted(there)) or "none"
    if wanted.pool:
        if wanted.pool not in there:
            raise unknown_pool(wanted.pool, wanted.namespace, known)
        return there[wanted.pool]
    defaults = [pool for pool in there.values() if pool.default] or list(there.values())
    if len(defaults) == 1:
        return defaults[0]
    if not there:
        raise NotFound(
            f"namespace {wanted.namespace} has no scanner pool; name one of another namespace as "
            "namespace/name in scanner_pool, or ask an administrator to create one"
        )
    raise Refused(
        f"namespace {wanted.namespace} has several scanner pools and no single default; "
        f"name one in scanner_pool: {known}"
    )


def unknown_pool(pool: str, namespace: str, known: str) -> NotFound:
    """The same where the namespace is none of the caller's business: then `known` is `none`."""
    return NotFound(
        f"there is no scanner pool {pool!r} in namespace {namespace} (there: {known}); "
        "list_pools shows those that you may use"
    )


def check_scanner(scanner: str | None, pool: ScannerPool) -> None:
    if scanner and pool.spec.scanner(scanner) is None:
        known = ", ".join(sorted(one.name for one in pool.spec.scanners))
        raise NotFound(
            f"pool {pool.metadata.name} has no scanner {scanner!r}; it has {known}. "
            "Leave scanner_instance out to take the one with the most room"
        )


def check_texts(name: str, description: str) -> None:
    """As the API server would, but naming the argument."""
    if not name.strip():
        raise Refused("name is empty; give the scan a name that people recognise")
    if _invisible(name, "") or _invisible(description, "\n\t"):
        which = "name" if _invisible(name, "") else "description"
        raise Refused(f"{which} holds control or invisible characters; leave them out")
    if _json_bytes(description) > _DESCRIPTION_BYTES:
        raise Refused(
            f"description takes more than {_DESCRIPTION_BYTES} bytes as JSON, where <, > and & "
            "take six each and letters beyond ASCII two to four; shorten it"
        )


def _invisible(text: str, allowed: str) -> bool:
    return any(unicodedata.category(c) in _INVISIBLE and c not in allowed for c in text)


def _json_bytes(text: str) -> int:
    return (
        len(text.encode())
        + 5 * sum(map(text.count, "<>&"))
        + sum(map(text.count, ('"', "\\", "\n", "\t")))
    )


def object_name(caller: str, namespace: str, key: str) -> str:
    """The same for the same caller, namespace and key, so that the API server finds repeats."""
    text = json.dumps([caller, namespace, key])
    digest = hashlib.sha256(text.encode()).digest()
    return "scan-" + b32encode(digest).decode().rstrip("=").lower()


def untrusted_spec(
    pool: str, scanner: str | None, name: str, description: str, found: tuple[str, ...]
) -> ScanSpec:
    return ScanSpec(
        pool_ref=PoolRef(name=pool),
        scanner_name=scanner,
        display_name=name,
        description=description,
        targets=found,
        scan_type=ScanType.UNTRUSTED,
    )


def scan_object(
    namespace: str, name: str, spec: ScanSpec, *, requester: str, traceparent: str
) -> dict[str, Any]:
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.SCAN_KIND,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {
                names.ANNOTATION_REQUESTER: requester,
                names.ANNOTATION_TRACEPARENT: traceparent,
            },
        },
        "spec": spec.to_json(),
    }


def differences(known: NessusScan, wanted: ScanSpec, requester: str) -> list[str]:
    """In which arguments a repeat differs from the first request.

    Where it runs is left out, since that may be chosen anew, and so is what may be changed in a
    scan after it was made.
    """
    fields = ScanSpec.model_fields.keys() - _MUTABLE - _PLACEMENT
    differing = [
        _ARGUMENTS.get(field, field)
        for field in sorted(fields)
        if getattr(known.spec, field) != getattr(wanted, field)
    ]
    owner = known.metadata.annotations.get(names.ANNOTATION_REQUESTER)
    return differing if owner == requester else [*differing, "requester"]


_ARGUMENTS = {"display_name": "name"}
