"""The mark that ties a remote scan to one attempt of one NessusScan.

Nessus' names are not unique and its ids may be used again, so identity is the id and the token
in the name together. The nonce keeps others from planting a scan under a token that they guess.
"""

import re

_TOKEN = re.compile(
    r"\[(?P<token>(?P<uid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9]+-[0-9a-f]{8,16})\]\Z"
)


def new_token(uid: str, attempt: int, nonce: str) -> str:
    """`nonce` is 8 to 16 random hexadecimal digits."""
    return f"{uid}-{attempt}-{nonce}"


def remote_name(display_name: str, token: str) -> str:
    return f"{display_name} [{token}]"


def token_in(name: str) -> str | None:
    """The token that a remote scan's name carries; None for scans that are not ours."""
    match = _TOKEN.search(name)
    return match["token"] if match else None


def uid_of(token: str) -> str:
    """The uid of the NessusScan that a token belongs to."""
    return token.rsplit("-", 2)[0]
