"""Who a finding is, across runs: host, port, protocol, plugin, and a rank among those that share
these, by the digest of the output; of a compliance check its id or name as well.

The version of this rule is FINGERPRINT_VERSION; the rank is the column `ordinal` of the store.
"""

import hashlib
import json
from collections.abc import Callable

from nessus_operator.results.schema import FINGERPRINT_VERSION


def check_key(text: Callable[[bytes], str], check_id: bytes | None, name: bytes | None) -> str:
    """What tells two checks of one plugin apart, from its coded columns."""
    return next(filter(None, (text(coded) for coded in (check_id, name) if coded)), "")


def fingerprint(
    host: str, port: int, protocol: str | None, plugin_id: int, ordinal: int, check: str = ""
) -> str:
    """The identity as 64 hexadecimal digits."""
    identity = [FINGERPRINT_VERSION, host, port, protocol, plugin_id, ordinal, check]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()
