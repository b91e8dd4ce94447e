"""Why a report is refused: a closed list, each with where in the file it went wrong.

    Refused
    ├── NotXML          it does not begin like XML
    ├── NotNessus       XML with another root element
    ├── Compressed      a compressed file or archive: unpack it first
    ├── DoctypeRefused  has a DOCTYPE, which Nessus never writes
    ├── Truncated       ends too early
    ├── Malformed       is not well-formed
    ├── TooDeep         nests elements too deeply
    ├── TextTooLong     a text, attribute or comment is longer than the limit
    ├── FileTooLarge    more bytes than the limit
    └── TooManyItems    more report items than the limit

The names are the reasons that a failed scan shows. Storage faults stay OSError and sqlite3.Error.
"""

from typing import NamedTuple


class Position(NamedTuple):
    """Of the first byte that breaks the file."""

    line: int  # from 1
    column: int  # from 1, in bytes
    offset: int  # from 0, in bytes


START = Position(1, 1, 0)


class Refused(Exception):
    """The report cannot be read; `position` is None only where no byte is to blame."""

    def __init__(self, message: str, position: Position | None = START) -> None:
        super().__init__(message)
        self.message = message
        self.position = position

    @property
    def reason(self) -> str:
        return type(self).__name__

    def __str__(self) -> str:
        if self.position is None:
            return self.message
        line, column, offset = self.position
        return f"{self.message} (line {line}, column {column}, byte {offset})"


class NotXML(Refused):
    pass


class NotNessus(Refused):
    pass


class Compressed(Refused):
    pass


class DoctypeRefused(Refused):
    pass


class Truncated(Refused):
    pass


class Malformed(Refused):
    pass


class TooDeep(Refused):
    pass


class TextTooLong(Refused):
    pass


class FileTooLarge(Refused):
    pass


class TooManyItems(Refused):
    pass


REFUSALS: tuple[type[Refused], ...] = (
    NotXML,
    NotNessus,
    Compressed,
    DoctypeRefused,
    Truncated,
    Malformed,
    TooDeep,
    TextTooLong,
    FileTooLarge,
    TooManyItems,
)
