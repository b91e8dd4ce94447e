"""Go's regular expressions, as the API server reads a schema's `pattern`, tried in Python."""

import re
import unicodedata
from functools import cache

_CATEGORY = re.compile(r"\\p{(\w\w)}")


def matches(pattern: str, text: str) -> bool:
    r"""Whether Go would match, to which `$` is the very end and `\p{Cc}` a class of characters."""
    translated = _CATEGORY.sub(lambda found: _members(found[1]), pattern)
    return re.search(re.sub(r"\$$", r"\\Z", translated), text) is not None


@cache
def _members(category: str) -> str:
    codes = (code for code in range(0x110000) if unicodedata.category(chr(code)) == category)
    return "".join(f"\\U{code:08x}" for code in codes)
