"""Where the results of an attempt lie: `<RESULTS_DIR>/<namespace>/<scan uid>/<attempt>/`.

Derived from metadata by writer and reader alike; a part that is not what the API server gives is
an error, never a path.
"""

import re
from pathlib import Path

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\Z", re.ASCII)
_UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.ASCII)
_HIGHEST_ATTEMPT = 2**31 - 1


def attempt_folder(root: Path, namespace: str, uid: str, attempt: int) -> Path:
    """The folder of one attempt; raises ValueError for parts that no object has."""
    if not 1 <= attempt <= _HIGHEST_ATTEMPT:
        raise ValueError(f"attempt {attempt} is not a positive number")
    return scan_folder(root, namespace, uid) / str(attempt)


def scan_folder(root: Path, namespace: str, uid: str) -> Path:
    """The folder of all attempts of a scan; raises ValueError."""
    if not _LABEL.match(namespace):
        raise ValueError(f"{namespace!r} is not the name of a namespace")
    if not _UID.match(uid):
        raise ValueError(f"{uid!r} is not the uid of an object")
    return root / namespace / uid
