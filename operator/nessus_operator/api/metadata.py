"""The part of ObjectMeta that we read."""

from typing import Any, Self

from pydantic import Field

from nessus_operator.api.model import KubeModel, Time


class OwnerReference(KubeModel):
    kind: str = ""
    name: str = ""
    uid: str = ""


class Metadata(KubeModel):
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: Time | None = None
    deletion_timestamp: Time | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[OwnerReference, ...] = ()

    @property
    def deleting(self) -> bool:
        return self.deletion_timestamp is not None


class KubeObject(KubeModel):
    """What every kind of ours shares; parse with `from_object`, then trust the types."""

    metadata: Metadata

    @classmethod
    def from_object(cls, body: dict[str, Any]) -> Self:
        """Parse an object as the API server answers it; raises pydantic.ValidationError."""
        return cls.model_validate(body)

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name)."""
        return self.metadata.namespace, self.metadata.name

    @property
    def task_id(self) -> str:
        """`namespace/name`, the handle that agents and logs use."""
        return f"{self.metadata.namespace}/{self.metadata.name}"
