"""How Kubernetes spells our models: camelCase with ID, UUID and API in capitals, UTC moments."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel

_INITIALISM = re.compile(r"(Id|Uuid|Api)$")


def kube_case(name: str) -> str:
    """`scan_id` is `scanID`, `server_uuid` is `serverUUID`, `pool_ref` is `poolRef`."""
    return _INITIALISM.sub(lambda match: match[0].upper(), to_camel(name))


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, the form that Leases and Events use too."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Time = Annotated[AwareDatetime, PlainSerializer(format_time, return_type=str, when_used="json")]


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
