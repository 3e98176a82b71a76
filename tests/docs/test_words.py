"""One vocabulary: no name and no sentence has a word that the glossary says we replaced.

The table at the end of docs/glossary.md is the list. Names of the graph stay, as they stand in schema.graphql; so do
names of columns and keys, for a string without a blank is not looked at. Where English needs a word in another sense,
ALLOWED says so.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("gateway", "schema", "resolvers", "permissions", "connectors", "tests", "bench", "scripts", "docs")
KINDS = {".py", ".md", ".toml", ".ts", ".tsx", ".graphql"}
SKIPPED = {"node_modules", "dist", "migrations", "__pycache__"}

ALLOWED = (
    ("place", r"places?[ _](\w+ )?orders?\b", "the verb of ordering"),
    ("place", r"\btakes? place\b", "to happen"),
    ("seat", r"\bDM-SEAT\b", "an article of the demo"),
    ("seat", r'^seat = "', "the name of a field in the audit log"),
    ("company", r"\*Company\*|register\s+of companies|^of companies", "the legal entity"),
    (
        "company",
        r"company in the address|address\.company|company=|company: str|given\.company|of\.company",
        "a line of a postal address",
    ),
    (
        "company",
        r'(by|belongs) += *\\?"company|\?company=|company: str, number|"company": company|for company in reversed',
        "a parameter and a key of the plants portal in the example",
    ),
    ("company", r"(Specialist|qualified) companies", "businesses that are found by an application, no customers"),
    (
        "question",
        r"question (about your )?regis|vendor.s( last)? question|your question|applicant.s question",
        "to an applicant",
    ),
    (
        "question",
        r"reason, the question or|reason. is the question|name question ref|quote = .question",
        "to an applicant",
    ),
    ("question", r"faults and questions", "of people to the vendor"),
    ("fault", r"tests[./]faults\b", "the folder of tests that inject failures"),
    ("fault", r"faults (of your PV|and questions)|Report faults", "of a device"),
    ("toggle", r"toggles = |rights\.toggles|in toggles|togles|\btoggles\b.?[\"']", "the key in policy.toml"),
    ("wish", r"\bwish\.example", "a domain"),
)
"""A word, where it may stand (within the line), and what it means there."""

VERBS = {"hand", "keep", "lapse", "mend", "tell", "toggle", "trouble", "wish"}
IRREGULAR = {"company": "compan(?:y|ies)", "keep": "(?:keep|kept)", "news": "news", "told": "told"}
WHO_DOES = r"\b(?:of|to|by|for|from|with) who (?:may|can|is|has|does|asks|holds|knows|looks|manages)\b"

PYTHON = re.compile(
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<string>[rbfRBF]{0,2}(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'))"
    r"|(?P<name>[^\W\d]\w*)",
    re.DOTALL,
)
GRAPHQL_IN_TEXT = re.compile(
    r"[{(] ?\w+[^.]{0,200}?[{(}]|\w+ \{ ?\w+|\b(?:query|mutation|fragment|type|union)\b[^.]*[{=]"
)
FOREIGN = re.compile(r"\b(?:le|les|des|une|vous|votre|pour|und|der|die|das|ist|Sie)\b|^(?:de|fr) = ")
NOT_PROSE = re.compile(r"`[^`\n]*`|\]\([^)\s]*\)|<!--.*?-->|[\w.+-]+@[\w.-]+|\b\w+\.\w+\.\w+|\b[A-Z]\w+\.[a-z]\w+")


@cache
def replaced() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """Each word of the table, every form of it, and what to write."""
    table = (ROOT / "docs/glossary.md").read_text().partition("## Words we replaced")[2]
    rows = re.findall(r"^\| ([a-z][^|]*?) \| ([^|]*?) \|$", table, re.MULTILINE)[1:]
    return tuple((word, re.compile(_forms(word), re.I), use) for words, use in rows for word in words.split(", "))


@cache
def any_of_them() -> re.Pattern[str]:
    """Any word of the table; one look at most texts is enough."""
    return re.compile("|".join(forms.pattern for _, forms, _ in replaced()), re.I)


def _forms(word: str) -> str:
    if word == "of who may":
        return WHO_DOES
    first, *others = word.split()
    stem = IRREGULAR.get(first) or re.escape(first.removesuffix("e")) + ("e?" if first.endswith("e") else "")
    ends = "(?:e?s|e?d|ing)?" if first in VERBS else "" if first in IRREGULAR else "s?"
    if first == "hand":  # hand out, hand it out
        ends += r"(?:\s+(?:it|them|that|this))?"
    return (
        rf"\b{stem}{ends}"
        + "".join(rf"\s+{other}" for other in others)
        + (r"s?\b" if first in {"single", "direct"} else r"\b")
    )


@cache
def graph_names() -> frozenset[str]:
    """The names in schema.graphql, as words."""
    names = re.sub(r'"""(?:.|\n)*?"""', "", (ROOT / "schema/schema.graphql").read_text())
    return frozenset(map(words_of, re.findall(r"[A-Za-z]\w*", names))) - {"company"}


@cache
def words_of(name: str) -> str:
    """Return the words of a name in snake or camel case."""
    return " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)).lower()


@cache
def of_name(name: str) -> str:
    """Return the words of a name that is not the graph's and has one of them; else nothing."""
    words = words_of(name)
    return words if words not in graph_names() and any_of_them().search(words) else ""


def said_in(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Yield names, as words, and sentences, each with where it begins in the file."""
    if path.suffix == ".py":
        for match in PYTHON.finditer(text):
            if match["name"]:
                if words := of_name(match["name"]):
                    yield match.start(), words
            elif match["comment"] or (" " in match[0] and not GRAPHQL_IN_TEXT.search(match[0])):
                yield match.start(), match[0]
    elif path.suffix == ".graphql":
        yield from ((match.start(), match[0]) for match in re.finditer(r'"""(?:.|\n)*?"""|#[^\n]*', text))
    elif path.suffix == ".md":
        prose = text.partition("## Words we replaced")[0]
        yield (
            0,
            re.sub(
                r"^( *)```.*?^\1```", lambda code: re.sub(r"[^\n]", " ", code[0]), prose, flags=re.DOTALL | re.MULTILINE
            ),
        )
    else:
        yield from ((match.start(), match[0]) for match in re.finditer(r"[^\n]+", text))


def findings(path: Path) -> Iterator[str]:
    """Say of each word that was replaced where it stands, and what to write."""
    text = path.read_text()
    for start, said in said_in(path, text):
        if not any_of_them().search(said):
            continue
        for word, forms, use in replaced():
            for found in forms.finditer(said):
                if is_code(said, found) or is_allowed(word, line_at(text, start + found.start())):
                    continue
                number = text.count("\n", 0, start + found.start()) + 1
                yield f'{path.relative_to(ROOT)}, line {number}: "{found[0]}": write {use}'


def line_at(text: str, offset: int) -> str:
    """Return the line of a text in which something stands."""
    return text[text.rfind("\n", 0, offset) + 1 :].partition("\n")[0].strip()


def is_code(said: str, found: re.Match[str]) -> bool:
    """Return whether what was found stands in backticks, an address or another language."""
    line = line_at(said, found.start())
    return FOREIGN.search(line) is not None or (
        "\n" not in found[0] and re.search(rf"\b{re.escape(found[0])}\b", NOT_PROSE.sub("…", line)) is None
    )


def is_allowed(word: str, line: str) -> bool:
    """Return whether English needs the word in this line."""
    return any(word == one and re.search(where, line, re.I) for one, where, _ in ALLOWED)


def files() -> list[Path]:
    """Return everything that people write here and others read."""
    found = [path for part in PARTS for path in (ROOT / part).rglob("*") if path.suffix in KINDS]
    found = [path for path in found if not SKIPPED & set(path.parts) and path.stem not in ("de", "fr")]
    return sorted({*found, *ROOT.glob("*.md")} - {Path(__file__)})


def test_no_name_and_no_sentence_has_a_word_that_we_replaced() -> None:
    found = [one for path in files() for one in findings(path)]

    assert not found, "\n".join(found)


def test_a_word_that_we_replaced_is_found_in_a_name_and_in_a_sentence(tmp_path: Path) -> None:
    said = (
        'class MemberDeed:\n    """A new place in the\n    company."""\n\n    lapsed = "It ends by itself."  # told\n'
    )

    found = [words for _, words in said_in(tmp_path / "any.py", said)]

    assert [word for word, forms, _ in replaced() if any(map(forms.search, found))] == [
        "by itself", "company", "deed", "lapse", "place", "told",
    ]  # fmt: skip
