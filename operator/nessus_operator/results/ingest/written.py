"""Items that are written plainly, as nearly all are, read from their bytes.

Plain are double-quoted attributes without prefix, and children without attributes, children or
anything else in them than text. Since the checker has found the bytes well-formed, the next tag
behind the text of a child is its end tag. An item that is written in any other way is left to the
parser.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from nessus_operator.results.ingest.escapes import plain
from nessus_operator.results.ingest.items import Shape

ITEM = b"<ReportItem"
ITEM_END = b"</ReportItem>"

_ATTRIBUTE = re.compile(rb' ([A-Za-z_]+)="([^"<\x00-\x1f]*)"')
_NAME = re.compile(r"(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)", re.ASCII)
_BLANK = " \t\r\n"
_NAMES_REMEMBERED = 1_000
_PLACE = frozenset((b"port", b"protocol", b"svc_name"))  # what differs from item to item

Prefixes = Mapping[str | None, str]  # what they stand for where the item is


class StartTag(NamedTuple):
    """What the start tag of an item says, and the bytes of each attribute's name and value."""

    said: dict[str, str]
    attributes: list[tuple[bytes, bytes]]

    def constant(self) -> bytes:
        """The bytes of the tag but for those of the place."""
        return b"%s>" % b"".join(
            b' %s="%s"' % attribute for attribute in self.attributes if attribute[0] not in _PLACE
        )


def read_start(tag: bytes) -> StartTag | None:
    """None if the tag is not written plainly."""
    found: list[tuple[bytes, bytes]] = _ATTRIBUTE.findall(tag)
    if sum(len(name) + len(value) + 4 for name, value in found) != len(tag) - len(ITEM) - 1:
        return None
    said = {name.decode(): _text(value) for name, value in found}
    if not said or "xmlns" in said:
        return None
    return StartTag(said, found)


class ChildReader:
    """Reads the children of items."""

    def __init__(self, prefixes: Prefixes) -> None:
        self._prefixes = prefixes
        # By what stands between < and >: the name, and the end tag without its <, if one follows.
        self._names: dict[str, tuple[str, str] | None] = {}

    def read(self, piece: bytes, body: int) -> dict[str, list[Shape]] | None:
        """The texts of the children by name, of an item that has its children from `body` on.

        None if one of them is not written plainly.
        """
        texts = iter(piece[body : -len(ITEM_END)].decode().split("<"))
        if next(texts).strip(_BLANK):
            return None
        names = self._names
        found: dict[str, list[Shape]] = {}
        for text in texts:
            tag, _, said = text.partition(">")
            known = names[tag] if tag in names else self._name(tag)
            if known is None:
                return None
            name, end = known
            if (next(texts, "") if end else said).rstrip(_BLANK) != end:
                return None
            if not end:
                said = ""
            elif "&" in said or "\r" in said:
                said = _text(said.encode())
            if name in found:
                found[name].append(said)
            else:
                found[name] = [said]
        return found

    def _name(self, tag: str) -> tuple[str, str] | None:
        if len(self._names) == _NAMES_REMEMBERED:
            self._names.clear()
        known = self._names[tag] = self._resolve(tag)
        return known

    def _resolve(self, tag: str) -> tuple[str, str] | None:
        name = tag.removesuffix("/")
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        end = "" if len(name) < len(tag) else f"/{name}>"
        if match[1] is None:
            return name, end
        space = self._prefixes.get(match[1])
        return None if space is None else (f"{{{space}}}{match[2]}", end)


def _text(said: bytes) -> str:
    if b"&" in said or b"\r" in said:
        said = plain(said)
    return said.decode()
