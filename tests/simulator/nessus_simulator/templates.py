"""The scan templates on offer. The uuids of the first two are documented ones."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Template:
    uuid: str
    name: str
    title: str
    description: str
    port_range: str = "default"
    checks: bool = True  # False: finds hosts and ports only


TEMPLATES = (
    Template(
        "ad629e16-03b6-8c1d-cef6-ef8c9dd3c658d24bd260ef5f9e66",
        "advanced",
        "Advanced Scan",
        "Starts from scratch, with every setting open.",
    ),
    Template(
        "731a8e52-3ea6-a291-ec0a-d2ff0619c19d7bd788d6be818b65",
        "basic",
        "Basic Network Scan",
        "A full scan that suits any host.",
    ),
    Template(
        "bbd4f805-3966-d464-b2d1-0079eb89d69708c3a05ec2812bcf",
        "discovery",
        "Host Discovery",
        "Finds live hosts and their open ports.",
        checks=False,
    ),
    Template(
        "0625147c-30fe-d79f-e54f-ce7ccd7523e9b63d84cb81c23c2f",
        "patch_audit",
        "Credentialed Patch Audit",
        "Logs in to hosts and lists missing updates.",
        port_range="22,445",
    ),
)


def find(uuid: str) -> Template | None:
    return next((template for template in TEMPLATES if template.uuid == uuid), None)


def summary(template: Template) -> dict[str, Any]:
    """One entry of GET /editor/scan/templates."""
    return {
        "uuid": template.uuid,
        "name": template.name,
        "title": template.title,
        "desc": template.description,
        "is_agent": None,
        "subscription_only": False,
        "cloud_only": False,
        "manager_only": False,
        "unsupported": False,
        "more_info": "",
    }
