"""Text as it is searched and sorted, by every back end of ours alike."""

import unicodedata


def folded(text: str) -> str:
    """Return the text as it is searched and ordered: neither case nor accents nor umlauts count, and ß is ss."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()
