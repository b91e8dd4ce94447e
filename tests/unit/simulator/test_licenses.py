"""Which licence lets whom write scans."""

import pytest

from nessus_simulator.licenses import License, check_scan_write, describe, is_scan_write
from nessus_simulator.refusals import Refusal

MANAGER, PROFESSIONAL, ESSENTIALS = License

# licence, by session, with the right X-API-Token, open
WRITES = {
    "a manager's API keys write": (MANAGER, False, False, True),
    "a manager's session writes": (MANAGER, True, False, True),
    "a manager's session with the token writes": (MANAGER, True, True, True),
    "professional closes the API to keys": (PROFESSIONAL, False, False, False),
    "professional closes the API to plain sessions": (PROFESSIONAL, True, False, False),
    "professional is open to the web page": (PROFESSIONAL, True, True, True),
    "essentials closes the API to keys": (ESSENTIALS, False, False, False),
    "essentials closes the API to plain sessions": (ESSENTIALS, True, False, False),
    "essentials is open to the web page": (ESSENTIALS, True, True, True),
    "the token does not help keys": (ESSENTIALS, False, True, False),
}


@pytest.mark.parametrize(
    ("which", "by_session", "token_matches", "is_open"), WRITES.values(), ids=WRITES
)
def test_who_may_write(
    which: License, by_session: bool, token_matches: bool, is_open: bool
) -> None:
    if is_open:
        check_scan_write(which, by_session=by_session, token_matches=token_matches)
        return
    with pytest.raises(Refusal) as refused:
        check_scan_write(which, by_session=by_session, token_matches=token_matches)
    assert (refused.value.status, refused.value.message) == (412, "API is not available")


REQUESTS = {
    "creating": ("POST", "/scans", True),
    "editing": ("PUT", "/scans/5", True),
    "moving": ("PUT", "/scans/5/folder", True),
    "launching": ("POST", "/scans/5/launch", True),
    "stopping": ("POST", "/scans/5/stop", True),
    "deleting": ("DELETE", "/scans/5", True),
    "deleting many": ("DELETE", "/scans", True),
    "listing is none": ("GET", "/scans", False),
    "looking is none": ("GET", "/scans/5", False),
    "exporting is none": ("POST", "/scans/5/export", False),
    "making folders is none": ("POST", "/folders", False),
    "uploading is none": ("POST", "/file/upload", False),
    "logging out is none": ("DELETE", "/session", False),
}


@pytest.mark.parametrize(("method", "path", "expected"), REQUESTS.values(), ids=REQUESTS)
def test_what_is_a_scan_write(method: str, path: str, expected: bool) -> None:
    assert is_scan_write(method, path) is expected


@pytest.mark.parametrize("which", License)
def test_a_licence_tells_whether_its_scan_api_is_open(which: License) -> None:
    assert describe(which, 0.0)["features"] == {"api": True, "scan_api": which is MANAGER}
