"""What the operator is told by its environment, all with the prefix NESSUS_OPERATOR_."""

import os
import re
import socket
import uuid
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text[:64]!r} is no name that Kubernetes has")
    return text


def _names(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_name, texts))


def _ranges(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        ip_network(text)
    return texts


Name = Annotated[str, AfterValidator(_name)]
Names = Annotated[tuple[str, ...], NoDecode, AfterValidator(_names)]
Ranges = Annotated[tuple[str, ...], NoDecode, AfterValidator(_ranges)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="NESSUS_OPERATOR_", frozen=True)

    results_dir: Path = Field(
        default=Path("/results"), description="Folder (the volume's mount) that holds all results."
    )
    namespaces: Names = Field(
        default=(), description="Namespaces to serve, separated by commas; empty: all."
    )
    host: str = Field(default="0.0.0.0", description="Address to listen on.")  # noqa: S104
    port: int = Field(default=8080, ge=0, le=65535, description="Port of health and metrics.")
    metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="A port of its own for /metrics, if wanted."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe level that is logged."
    )
    allow_web_session: bool = Field(
        default=False,
        description="Let pools drive scanners by WebSession, which uses the web page's own token.",
    )
    cluster_ranges: Ranges = Field(
        default=(),
        description="The cluster's own address ranges, separated by commas; scanned only where a "
        "pool's scope allows them by name.",
    )
    lease_namespace: Name = Field(
        default="default", description="Namespace of the Lease and of events about lost objects."
    )
    lease_name: Name = Field(default="nessus-operator", description="Name of the Lease.")
    lease_seconds: float = Field(
        default=15.0,
        ge=1,
        description="How long others wait for a leader that fell silent; it gives up at 2/3 of it.",
    )
    identity: str = Field(
        default_factory=lambda: f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}",
        description="Who holds the Lease; default: host name and a random part.",
    )
    request_seconds: float = Field(
        default=30.0, gt=0, description="How long a scanner may take to answer one request."
    )
    export_seconds: float = Field(
        default=1800.0,
        gt=0,
        description="How long a scanner may take to write a report before it is asked for anew.",
    )
    probe_seconds: float = Field(
        default=30.0, gt=0, description="Period of the probe of each scanner."
    )
    first_poll_seconds: float = Field(
        default=1.0,
        gt=0,
        description="Least wait between two looks at a running scan; it grows with the scan's age "
        "up to the pool's pollPeriodSeconds.",
    )
    resync_seconds: float = Field(
        default=10.0, gt=0, description="Each pool is looked at this often even without news."
    )
    cleanup_seconds: float = Field(
        default=300.0,
        gt=0,
        description="How long stopping and deleting on a scanner may hold up a deletion.",
    )
    sweep_seconds: float = Field(
        default=3600.0, gt=0, description="Period of the sweep of results without a scan."
    )
    sweep_grace_seconds: float = Field(
        default=3600.0, ge=0, description="Results younger than this are never swept."
    )

    @field_validator("namespaces", "cluster_ranges", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def instance(self) -> str:
        """What events name as their reporter."""
        return os.environ.get("HOSTNAME", self.identity)
