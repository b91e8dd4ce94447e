"""Finds generated blocks in a text and puts new text between their markers.

A block begins with a line `<!-- generated: NAME -->` (Markdown) or `# generated: NAME` (YAML) and
ends with the same line that says `end` instead. Text is indented as its first marker is.
"""

import re
from collections.abc import Callable, Iterator

_MARKER = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<md>generated|end): (?P<md_name>[^>]+?) -->"
    r"|# (?P<yaml>generated|end): (?P<yaml_name>\S.*?))\s*$"
)

Render = Callable[[str], str]


class BrokenBlock(Exception):
    """A marker without its partner, or of a name that nothing generates."""


def render_blocks(text: str, render: Render) -> str:
    """The text with each block's content replaced by `render(name)`; raises BrokenBlock."""
    lines: list[str] = []
    name = indent = None
    for number, line in enumerate(text.splitlines(), start=1):
        marker = _MARKER.match(line)
        if marker is None:
            if name is None:
                lines.append(line)
            continue
        kind, found = marker["md"] or marker["yaml"], marker["md_name"] or marker["yaml_name"]
        if kind == "generated" and name is None:
            name, indent = found, marker["indent"]
            lines += [line, *_indented(render(found), indent)]
        elif kind == "end" and found == name:
            lines.append(line)
            name = None
        else:
            raise BrokenBlock(f"line {number}: `{line.strip()}` has no partner")
    if name is not None:
        raise BrokenBlock(f"the block `{name}` has no end")
    return "\n".join(lines) + "\n"


def block_names(text: str) -> Iterator[str]:
    for line in text.splitlines():
        marker = _MARKER.match(line)
        if marker and (marker["md"] or marker["yaml"]) == "generated":
            yield marker["md_name"] or marker["yaml_name"]


def _indented(text: str, indent: str) -> list[str]:
    return [indent + line if line else "" for line in text.strip("\n").splitlines()]
