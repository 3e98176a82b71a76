"""The pages in words: templates and texts. Loaded with the first page that somebody opens, for it takes memory."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_time
from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).parent
LAST_RESORT = "en"

_environment = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@lru_cache(maxsize=1)
def languages() -> Mapping[str, Mapping[str, Any]]:
    """Return the texts of the pages by language, each language by its own name in `common.name`."""
    return {
        file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted((FOLDER / "texts").glob("*.toml"))
    }


def language_of(chosen: str | None, accepted: Sequence[str]) -> str:
    """Return the language of the page: the one that was chosen, else the best of the reader's, else English."""
    for tag in (chosen or "", *accepted):
        language = tag.partition("-")[0].lower()
        if language in languages():
            return language
    return LAST_RESORT


def render(template: str, language: str, **words: Any) -> str:
    """Return the page; everything in `words` is escaped."""
    texts = languages()[language]
    named = {tag: texts["common"]["name"] for tag, texts in languages().items()}
    return _environment.get_template(f"{template}.html").render(
        texts=texts, common=texts["common"], language=language, languages=named, **words
    )


def instant(text: str, language: str) -> str:
    """Return an instant of the graph as people of this language write it."""
    at = datetime.fromisoformat(text)
    return str(
        languages()[language]["common"]["instant"].format(
            date=format_date(at, "long", locale=language), time=format_time(at, "short", locale=language)
        )
    )
