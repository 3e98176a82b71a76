"""The texts of mails, read when the first mail is written: what reads them and fills them in takes 2 MB of memory."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resolvers.mail.rendering import MailTexts


class MailWording:
    """The texts of a portal's mails, for processes of which many never write one; its own are read at once."""

    def __init__(self, own: Mapping[str, tuple[str, str]] | None = None) -> None:
        """Take the portal's own texts, as MailTexts does.

        Raises:
            InvalidMailTexts: A file of the portal's own cannot be used.
        """
        self._own = own
        self._texts = _read(own) if own else None

    async def texts(self) -> "MailTexts":
        """Return the texts; the event loop goes on while they are read for the first time."""
        if self._texts is None:
            self._texts = await asyncio.to_thread(_read, self._own)
        return self._texts


def _read(own: Mapping[str, tuple[str, str]] | None) -> "MailTexts":
    from resolvers.mail.rendering import MailTexts

    return MailTexts(own)
