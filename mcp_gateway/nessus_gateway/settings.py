"""What the gateway is told by its environment, all with the prefix NESSUS_GATEWAY_."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="NESSUS_GATEWAY_", frozen=True)

    results_dir: Path = Field(
        default=Path("/results"),
        description="Folder (the volume's mount) with the results that the operator stores; "
        "read only.",
    )
    tokens_file: Path = Field(
        default=Path("/etc/nessus-gateway/tokens.yaml"),
        description="Who may call: a list made with `nessus-gateway token create`. Read again when "
        "it changes.",
    )
    namespaces: Names = Field(
        default=(), description="Namespaces to serve, separated by commas; empty: all."
    )
    default_namespace: str | None = Field(
        default=None,
        description="Where scans of callers with the namespace `*` go when they name no other.",
    )
    host: str = Field(default="0.0.0.0", description="Address to listen on.")  # noqa: S104
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port of /mcp, /health and /metrics; 0: any."
    )
    metrics_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="A port of its own for /metrics and /health as well, if wanted.",
    )
    allowed_hosts: Names = Field(
        default=(),
        description="Host names by which clients may call, separated by commas, `*` as wildcard, "
        "any port; localhost and the own address always may. Others get 421.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe level that is logged."
    )
    answer_bytes: int = Field(
        default=262_144,
        ge=16_384,
        le=491_520,
        description="Largest page of results in bytes. Clients refuse events above 1 MiB, and JSON "
        "inside JSON may double.",
    )
    reads_at_once: int = Field(
        default=4, ge=1, le=64, description="How many result files are read at the same time."
    )

    @field_validator("namespaces", "allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value
