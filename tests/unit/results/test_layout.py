from pathlib import Path

import pytest

from nessus_operator.results.layout import attempt_folder, scan_folder

ROOT = Path("/results")
UID = "0a1b2c3d-0000-4000-8000-0123456789ab"


def test_an_attempt_has_a_folder_of_its_own() -> None:
    assert attempt_folder(ROOT, "security", UID, 3) == ROOT / "security" / UID / "3"
    assert scan_folder(ROOT, "security", UID) == ROOT / "security" / UID


HOSTILE = {
    "a way up as namespace": ("..", UID, 1),
    "a namespace with a slash": ("a/b", UID, 1),
    "no namespace": ("", UID, 1),
    "a namespace that is too long": ("a" * 64, UID, 1),
    "a namespace in capitals": ("Security", UID, 1),
    "a namespace with a line end": ("security\n", UID, 1),
    "a way up as uid": ("security", "../../etc", 1),
    "no uid": ("security", "", 1),
    "a uid with something behind": ("security", UID + "/x", 1),
    "a uid with a line end": ("security", UID + "\n", 1),
    "attempt nought": ("security", UID, 0),
    "a negative attempt": ("security", UID, -1),
    "an attempt beyond measure": ("security", UID, 2**31),
}


@pytest.mark.parametrize(("namespace", "uid", "attempt"), HOSTILE.values(), ids=HOSTILE)
def test_what_no_object_has_is_no_path(namespace: str, uid: str, attempt: int) -> None:
    with pytest.raises(ValueError, match="is not"):
        attempt_folder(ROOT, namespace, uid, attempt)
