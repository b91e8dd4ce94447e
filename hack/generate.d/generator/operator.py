"""The generated part of operator/README.md: its settings."""

from pathlib import Path

from generator.settings import settings_table
from nessus_operator.settings import Settings


def settings(_root: Path) -> str:
    return settings_table(Settings)
