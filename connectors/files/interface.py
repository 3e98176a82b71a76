"""The files of the portal as the rest of Forecourt sees them: each has a key, such as ``manuals/2026/inverter.pdf``."""

from datetime import timedelta
from typing import Protocol

LONGEST_KEY = 500


class Files(Protocol):
    """Files that somebody else put there, to be fetched by links that count for minutes."""

    def link(self, key: str, *, valid_for: timedelta) -> str | None:
        """Return where whoever has the link fetches the file for so long; None where Forecourt serves it itself.

        Whether there is such a file is not looked up: the link of one that there is not leads to nothing.

        Raises:
            ValueError: It is no key.
        """

    async def healthy(self) -> bool:
        """Return whether files can be fetched."""


def check_key(key: str) -> None:
    """Return when a text is a key: names with ``/`` between them, none of which leads up or elsewhere.

    Raises:
        ValueError: It is none.
    """
    names = key.split("/")
    if (
        len(key) > LONGEST_KEY
        or not key.isprintable()
        or "\\" in key
        or any(not name.strip(" .") or ":" in name for name in names)
    ):
        raise ValueError(f"{key[:100]!r} is no key of a file; write manuals/2026/inverter.pdf.")
