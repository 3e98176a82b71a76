"""What an extension asks the operator for: settings, of which only names stand in its files."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExtensionSetting:
    """A setting of an extension: `plants_url` is ``FORECOURT_PLANTS_URL`` in the environment."""

    name: str
    description: str


SettingValues = Mapping[str, str]
"""What the operator has set, by name; every setting of an extension that is used has a value."""
