"""Find the texts that people read in the code, and keep the catalogues of their translations: ``make generate``.

What is new gets an empty translation, for somebody to write; what is said nowhere any more goes. tests/test_texts.py
names each text that lacks one.
"""

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
PACKAGES = ("resolvers", "schema", "gateway")


class Found(NamedTuple):
    """A text in the code: where it stands, its words (None when they are no literal), and the values it is given."""

    file: str
    line: int
    words: str | None
    values: frozenset[str]


def texts_in_code() -> Iterator[Found]:
    """Find every ``Text("…", …)``."""
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            name = str(file.relative_to(ROOT))
            for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Text":
                    words = call.args[0] if call.args else None
                    literal = words.value if isinstance(words, ast.Constant) and isinstance(words.value, str) else None
                    yield Found(name, call.lineno, literal, frozenset(one.arg or "**" for one in call.keywords))


def placeholders(words: str) -> frozenset[str]:
    """Return the names of what is filled in.

    Raises:
        ValueError: A bracket is not closed.
    """
    return frozenset(name for _, name, _, _ in Formatter().parse(words) if name is not None)


def with_texts(catalogue: str) -> str:
    """Return the catalogue with an entry for every text in the code, in the order in which they are found."""
    known = read_po(BytesIO(catalogue.encode()))
    files: dict[str, dict[str, None]] = {}
    for found in texts_in_code():
        if found.words is not None:
            files.setdefault(found.words, {})[found.file] = None
    written = Catalog(locale=known.locale, fuzzy=False)
    written.header_comment = known.header_comment
    for words, places in files.items():
        before = known.get(words)
        written.add(words, before.string if before is not None else "", locations=[(place, 0) for place in places])
    file = BytesIO()
    write_po(file, written, width=120, omit_header=True, include_lineno=False)
    header = catalogue.partition("\n#:")[0].rstrip("\n")
    return f"{header}\n\n{file.getvalue().decode()}".rstrip("\n") + "\n"
