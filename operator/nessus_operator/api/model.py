"""How Kubernetes spells our models: camelCase with ID, UUID and API in capitals, UTC moments.

Bounds of spec are the API server's alone: what is stored passed them. Bounds of status are stated
in the models too, since the operator that writes it has to keep them.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

_INITIALISM = re.compile(r"(Id|Uuid|Api)$")
_UNPRINTABLE = re.compile(r"[^ -~]")
_PLAIN_TEXT = r"^[ !#-%'-;=?-\[\]-~]*$"  # the CRDs have it too
# What Go's JSON encoder would make up to six bytes of.
_PLAIN = str.maketrans({'"': "'", "\\": "/", "<": "(", ">": ")", "&": "+"})


def kube_case(name: str) -> str:
    """`scan_id` is `scanID`, `server_uuid` is `serverUUID`, `pool_ref` is `poolRef`."""
    return _INITIALISM.sub(lambda match: match[0].upper(), to_camel(name))


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, the form that Leases and Events use too."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def plain_text(text: str, length: int) -> str:
    """A text as status may hold it: one byte a character in JSON, at most `length` of them.

    The API server refuses anything else, because only so has a status of any content a bound in
    bytes. Quotes and brackets become their plain cousins, every other odd character a `?`.
    """
    plain = _UNPRINTABLE.sub("?", text.translate(_PLAIN))
    return plain if len(plain) <= length else plain[: length - 3] + "..."


@dataclass(frozen=True, slots=True)
class PlainText:
    """Annotates a text of status: whatever is put in, what comes out is `plain_text`."""

    length: int

    def _clean(self, value: Any) -> Any:
        return plain_text(value, self.length) if isinstance(value, str) else value

    def __get_pydantic_core_schema__(
        self, source: type[str], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        # Cleaned on the way out as well: `but` changes fields without validation.
        return core_schema.no_info_before_validator_function(
            self._clean,
            core_schema.str_schema(max_length=self.length, pattern=_PLAIN_TEXT),
            serialization=core_schema.plain_serializer_function_ser_schema(self._clean),
        )


Time = Annotated[AwareDatetime, PlainSerializer(format_time, return_type=str, when_used="json")]
Message = Annotated[str, PlainText(256)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
BigCount = Annotated[int, Field(ge=0, le=2**53 - 1)]  # JSON readers keep it exact


class KubeModel(BaseModel):
    """A frozen part of an object; unknown fields are left to the API server, which keeps them."""

    model_config = ConfigDict(
        alias_generator=kube_case, populate_by_name=True, frozen=True, extra="ignore"
    )

    def to_json(self) -> dict[str, Any]:
        """As the API server stores it: unset optional fields are absent, never null."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def but(self, **changes: Any) -> Self:
        """The same with some fields changed."""
        return self.model_copy(update=changes)
