"""The pages in words: templates and texts. Loaded with the first page that somebody opens, for it takes memory."""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).parent

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


def render(template: str, language: str, **words: Any) -> str:
    """Return the page; everything in `words` is escaped."""
    texts = languages()[language]
    named = {tag: texts["common"]["name"] for tag, texts in languages().items()}
    return _environment.get_template(f"{template}.html").render(
        texts=texts, common=texts["common"], language=language, languages=named, **words
    )
