"""Mails in words: texts by language, filled in, as plain text and as HTML.

The texts are TOML, one file for each language; docs/mail.md explains them. What is filled in is never read as a
template, never as HTML, and never gets into a header as more than one line.
"""

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.lists import format_list
from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, meta, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from resolvers.languages import Reader, known_locale
from resolvers.mail.templates import INSTANTS, TEMPLATES, InvalidMailTexts, Value, link_to, template_of
from resolvers.texts import in_words, instant_written, restored

FOLDER = Path(__file__).with_name("texts")
LAST_RESORT = "en"

_LAYOUT = {
    "greeting": {"name"},
    "greeting_without_name": set[str](),
    "by_hand": set[str](),
    "closing": {"portal"},
    "automatic": set[str](),
}
"""The words that all mails share, and what may be filled in there."""

_LONGEST_LINE = 200
_LONGEST_QUOTE = 2_000
_LONGEST_SUBJECT = 120
_MOST_POINTS = 100

_LAID_OUT = ImmutableSandboxedEnvironment(
    loader=FileSystemLoader(FOLDER),
    autoescape=lambda name: name == "layout.html",
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
)


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail in words; `locale` is the language it is in."""

    subject: str
    text: str
    html: str
    locale: str


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a mail as it is written down: a paragraph or a button to fill in, or the name of a value to show."""

    kind: str
    template: Template | None = None
    value: str = ""


@dataclass(frozen=True, slots=True)
class _Text:
    subject: Template
    parts: tuple[_Part, ...]


class MailTexts:
    """The texts of all mails: those that come with Forecourt, and a portal's own, which replace them."""

    def __init__(self, own: Mapping[str, tuple[str, str]] | None = None) -> None:
        """Read the texts; `own` has, by language, the text of a TOML file and how to call it in messages.

        Raises:
            InvalidMailTexts: A file of the portal's own cannot be used.
        """
        self._layouts: dict[str, dict[str, Template]] = {}
        self._texts: dict[tuple[str, str], _Text] = {}
        for language, (layout, texts) in _shipped().items():
            self._layouts[language] = layout
            self._texts.update({(language, name): text for name, text in texts.items()})
        for language, (written, source) in (own or {}).items():
            layout, texts = _read(written, source)
            known = self._layouts.get(language, {})
            if missing := [key for key in _LAYOUT if key not in layout and key not in known]:
                raise InvalidMailTexts(
                    f"{source}, [layout]: a language of your own needs all that mails share; {', '.join(missing)} "
                    "is missing, and would be in another language."
                )
            self._layouts[language] = {**known, **layout}
            self._texts.update({(language, name): text for name, text in texts.items()})

    def render(
        self,
        name: str,
        locales: Sequence[str | None],
        time_zone: str,
        values: Mapping[str, Any],
        token: str | None,
        *,
        about: Mapping[str, str] | None = None,
        titles: Mapping[str, str],
        contacts: Mapping[str, str],
        page_urls: Mapping[str, str],
    ) -> RenderedMail:
        """Return the mail, all of it in one language: the first of these that the mail is written in, else English.

        The link leads to the URL that `page_urls` has for the mail's page, with the token or the ids of `about` in it.

        Raises:
            UnknownMail: There is no such mail, or something that has to stand in it is missing.
            ValueError: An instant is none.
        """
        template = template_of(name, values, token)
        reader = Reader(self._locale(name, locales), ZoneInfo(time_zone))
        language = reader.language
        layout, text = self._layouts[language], self._texts[language, name]
        filled: dict[str, Any] = dict.fromkeys((*template.needs, *template.may))
        for key, value in values.items():
            if key in INSTANTS and value:
                filled[key] = instant_written(datetime.fromisoformat(value), reader)
            else:
                filled[key] = _cleaned(key, _put(value, reader))
        filled["portal"] = _of(titles, language)
        filled["_locale"] = reader.locale
        link = link_to(page_urls, template, token, about)
        greeting = layout["greeting" if filled.get("name") else "greeting_without_name"].render(filled)
        subject = _cut(_as_one_line(text.subject.render(filled)), _LONGEST_SUBJECT)
        words = {
            "language": language,
            "subject": subject,
            "portal": filled["portal"],
            "greeting": greeting,
            "parts": list(_shown(text.parts, filled, values)),
            "link": link,
            "by_hand": layout["by_hand"].render(filled),
            "closing": layout["closing"].render(filled).splitlines(),
            "contact": _of(contacts, language),
            "automatic": layout["automatic"].render(filled),
        }
        return RenderedMail(
            subject,
            _LAID_OUT.get_template("layout.txt").render(words),
            _LAID_OUT.get_template("layout.html").render(words),
            language,
        )

    def _locale(self, name: str, locales: Sequence[str | None]) -> Locale:
        """Return the locale in whose language the mail is written, and in whose ways dates are: fr-CH is French."""
        known = (known_locale(tag) for tag in locales)
        return next((one for one in known if one and (one.language, name) in self._texts), Locale(LAST_RESORT))


def languages() -> tuple[str, ...]:
    """Return the languages of the texts that come with Forecourt."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def _shown(parts: Sequence[_Part], filled: Mapping[str, Any], values: Mapping[str, Value]) -> Iterator[dict[str, Any]]:
    """Give what the mail consists of, without what there is nothing to say in."""
    for part in parts:
        words = part.template.render(filled).strip() if part.template is not None else ""
        match part.kind:
            case "quote" if lines := _lines(values.get(part.value), may_link=part.value != "message"):
                yield {"kind": "quote", "lines": lines}
            case "points" if points := filled[part.value]:
                yield {"kind": "points", "title": words, "lines": [points] if isinstance(points, str) else points}
            case "paragraph" | "button" if words:
                yield {"kind": part.kind, "text": words}


def _cleaned(key: str, value: str | list[str] | None) -> Any:
    """Return the value as it may stand in a sentence: each text one line, none of them endless."""
    if value is None:
        return None
    if isinstance(value, str):
        return _line(value, is_address=key in _ADDRESSES)
    return [_line(text, is_address=key in _ADDRESSES) for text in value[:_MOST_POINTS]]


_ADDRESSES = frozenset({"email", "names", "new_address"})
"""What is an address to write to or to sign in with, and must be readable letter by letter."""


def _line(text: str, *, is_address: bool) -> str:
    """Return the text in one line, in which no link stands.

    Whoever can have the portal write to others would write theirs into their name.
    """
    line = _as_one_line(text[: _LONGEST_LINE * 4])
    return _cut(_SCHEME.sub(r"\g<0> ", line) if is_address else _unlinked(line), _LONGEST_LINE)


def _cut(line: str, longest: int) -> str:
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _lines(value: Value, *, may_link: bool) -> list[str]:
    """Return a text of somebody's own in its lines; what anybody may write to others has no links."""
    if not isinstance(value, str):
        return []
    lines = [_as_one_line(line) for line in value[:_LONGEST_QUOTE].splitlines()][:100]
    if len(value) > _LONGEST_QUOTE:
        lines.append("…")
    return [line if may_link else _unlinked(line) for line in lines] if any(lines) else []


def _unlinked(line: str) -> str:
    """Return the line with a blank where programs that show mails would begin or go on with a link.

    They make links of what has a scheme, of what begins with www., and of names of domains.
    """
    return _DOMAIN_DOT.sub(r"\g<0> ", _SCHEME.sub(r"\g<0> ", line))


_SCHEME = re.compile(r"[:\uff1a](?=[/\uff0f\\]{2})")
_DOMAIN_DOT = re.compile(
    r"(?<=\bwww)[.\u3002\uff0e\uff61](?=\S)|(?<=[^\W_])[.\u3002\uff0e\uff61](?=[^\W\d_]{2})", re.IGNORECASE
)
"""A dot before the last part of a domain's name, or after www; RFC 3490, 3.1 counts four characters as dots."""


def _as_one_line(text: str) -> str:
    """Return the text without control characters, and without those that turn the direction of what follows."""
    return " ".join("".join(one if _is_printable(one) else " " for one in text).split())


def _is_printable(character: str) -> bool:
    category = unicodedata.category(character)
    return category not in ("Cc", "Cs", "Co", "Zl", "Zp") and unicodedata.bidirectional(character) not in _TURNING


_TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
"""Characters that turn the direction of what follows, so that it reads as something else."""


def _put(value: Any, reader: Reader) -> Any:
    """Return a value that was stored, or a list of them, in the words of the mail's language."""
    if isinstance(value, list):
        return [_put(one, reader) for one in value]
    return value if value is None or isinstance(value, str) else in_words(restored(value), reader)


def _of(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or texts.get(LAST_RESORT) or ""


@pass_context
def _listed(context: Context, texts: Sequence[str]) -> str:
    """Return a list as people write it: ``Purchase and Planning``."""
    return format_list(list(texts), locale=context["_locale"])


def _environment() -> ImmutableSandboxedEnvironment:
    """Return what reads a text: names and conditions, and nothing that could count, go round for ever or open files."""
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    environment.globals.clear()
    environment.filters = {"listed": _listed}
    return environment


_WORDS = _environment()


@lru_cache(maxsize=1)
def _shipped() -> dict[str, tuple[dict[str, Template], dict[str, _Text]]]:
    return {
        language: _read((FOLDER / f"{language}.toml").read_text(encoding="utf-8"), f"{language}.toml")
        for language in languages()
    }


def _read(written: str, source: str) -> tuple[dict[str, Template], dict[str, _Text]]:
    """Return the words that all mails share, and the texts by their names, as far as the file has them."""
    try:
        tables = tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        raise InvalidMailTexts(f"{source} is not valid TOML: {error}.") from error
    layout: dict[str, Template] = {}
    texts: dict[str, _Text] = {}
    for name, table in tables.items():
        section = f"{source}, [{name}]"
        if not isinstance(table, dict):
            raise InvalidMailTexts(f"{section}: write a table with subject and body.")
        if name == "layout":
            for key, text in table.items():
                _check_known(key, _LAYOUT, section)
                layout[key] = _compiled(text, _LAYOUT[key], section)
        else:
            _check_known(name, TEMPLATES, source)
            texts[name] = _text(name, table, section)
    return layout, texts


def _text(name: str, table: Mapping[str, Any], section: str) -> _Text:
    for key in table:
        _check_known(key, ("subject", "body"), section)
    body = table.get("body")
    if not isinstance(table.get("subject"), str) or not isinstance(body, list) or not body:
        raise InvalidMailTexts(f"{section}: it needs a subject, which is a text, and a body, which is a list.")
    known = {*TEMPLATES[name].needs, *TEMPLATES[name].may}
    allowed = known | {"portal"}
    parts = []
    for piece in body:
        match piece:
            case str():
                parts.append(_Part("paragraph", _compiled(piece, allowed, section)))
            case {"button": str(words), **more} if not more:
                parts.append(_Part("button", _compiled(words, allowed, section)))
            case {"quote": str(value), **more} if not more:
                _check_known(value, known, section)
                parts.append(_Part("quote", value=value))
            case {"points": str(value), **more} if not more or (more.keys() == {"title"}):
                _check_known(value, known, section)
                title = _compiled(more["title"], allowed, section) if more else None
                parts.append(_Part("points", title, value))
            case _:
                raise InvalidMailTexts(
                    f'{section}: a piece of the body is a text, {{ button = "…" }}, {{ quote = "value" }} or '
                    f'{{ points = "value", title = "…" }}; this is {piece!r}.'
                )
    has_page = TEMPLATES[name].page is not None or TEMPLATES[name].about is not None
    if has_page and [part.kind for part in parts].count("button") != 1:
        raise InvalidMailTexts(f"{section}: the mail is nothing without its link; give it one button.")
    return _Text(_compiled(table["subject"], allowed, section), tuple(parts))


def _compiled(written: Any, allowed: set[str], section: str) -> Template:
    if not isinstance(written, str):
        raise InvalidMailTexts(f"{section}: {written!r} is no text.")
    try:
        for used in sorted(meta.find_undeclared_variables(_WORDS.parse(written))):
            _check_known(used, allowed, section)
        return _WORDS.from_string(written)
    except TemplateError as error:
        raise InvalidMailTexts(f"{section}: {written[:60]!r} cannot be read: {error.message}.") from error


def _check_known(word: str, known: Iterable[str], section: str) -> None:
    if word not in known:
        close = difflib.get_close_matches(word, list(known), n=1)
        hint = f'Did you mean "{close[0]}"?' if close else f"Known are {', '.join(sorted(known)) or 'none'}."
        raise InvalidMailTexts(f'{section}: "{word}" is not known. {hint}')
