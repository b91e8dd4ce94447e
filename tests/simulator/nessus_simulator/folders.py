"""Folders: the trash and "My Scans", which always exist, and those that users make."""

from dataclasses import dataclass
from typing import Any

from nessus_simulator import refusals

TRASH = 2
MAIN = 3


@dataclass(frozen=True, slots=True)
class Folder:
    id: int
    name: str
    type: str = "custom"

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "custom": int(self.type == "custom"),
            "default_tag": int(self.type == "main"),
            "unread_count": None,
        }


class Folders:
    def __init__(self) -> None:
        self._folders = {
            TRASH: Folder(TRASH, "Trash", "trash"),
            MAIN: Folder(MAIN, "My Scans", "main"),
        }
        self._next_id = MAIN + 1

    def views(self) -> list[dict[str, Any]]:
        return [folder.view() for folder in self._folders.values()]

    def expect(self, folder_id: int) -> None:
        if folder_id not in self._folders:
            raise refusals.invalid(f"There is no folder {folder_id}")

    def create(self, name: str) -> int:
        self._expect_free(name)
        folder = Folder(self._next_id, name)
        self._next_id += 1
        self._folders[folder.id] = folder
        return folder.id

    def rename(self, folder_id: int, name: str) -> None:
        self._expect_custom(folder_id)
        self._expect_free(name)
        self._folders[folder_id] = Folder(folder_id, name)

    def delete(self, folder_id: int) -> None:
        self._expect_custom(folder_id)
        del self._folders[folder_id]

    def _expect_free(self, name: str) -> None:
        if any(folder.name == name for folder in self._folders.values()):
            raise refusals.conflict("A folder with this name exists")

    def _expect_custom(self, folder_id: int) -> None:
        if folder_id not in self._folders:
            raise refusals.not_found()
        if self._folders[folder_id].type != "custom":
            raise refusals.forbidden("This folder cannot be changed")
