"""Go's regular expressions, as the API server reads a schema's `pattern`, tried in Python."""

import re
import unicodedata
from functools import cache

_CATEGORY = re.compile(r"\\p{(\w\w)}")


def matches(pattern: str, text: str) -> bool:
    r"""Whether Go would match; of what only Go knows, `\p{Cc}` and its like are translated."""
    return re.search(_CATEGORY.sub(lambda found: _members(found[1]), pattern), text) is not None


@cache
def _members(category: str) -> str:
    codes = (code for code in range(0x110000) if unicodedata.category(chr(code)) == category)
    return "".join(f"\\U{code:08x}" for code in codes)
