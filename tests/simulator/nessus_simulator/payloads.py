"""Request bodies, checked at the door."""

import json
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nessus_simulator import refusals
from nessus_simulator.credentials import Envelope

Model = TypeVar("Model", bound=BaseModel)
Text = Annotated[str, Field(min_length=1)]


class Login(BaseModel):
    username: str
    password: str


class Settings(BaseModel):
    """Any further setting is kept as it is sent."""

    model_config = ConfigDict(extra="allow")

    name: Text
    text_targets: Text
    description: str | None = None
    folder_id: int = 3
    scanner_id: int = 1
    launch_now: bool = False


class ScanBody(BaseModel):
    uuid: Text
    settings: Settings
    credentials: Envelope = Envelope()


class Launch(BaseModel):
    alt_targets: list[str] | None = None


class ExportBody(BaseModel):
    format: str


class Ids(BaseModel):
    ids: list[int]


class FolderName(BaseModel):
    name: Text


class FolderMove(BaseModel):
    folder_id: int


def parse(model: type[Model], body: bytes) -> Model:
    """Refused (400) with the names of the fields that are wrong, never with their values."""
    try:
        return model.model_validate(json.loads(body) if body.strip() else {})
    except ValidationError as error:
        problems = (
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise refusals.invalid("; ".join(problems)) from None
    except ValueError:
        raise refusals.invalid("The body is not valid JSON") from None
