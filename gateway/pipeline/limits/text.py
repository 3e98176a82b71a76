"""A look at a document's text before a parser does: how large it is, how many tokens, how deeply nested.

The parser builds an object per token and calls itself per nesting, so that both have to be bounded first. One regular
expression goes over the text once; whatever begins like a token is consumed as one, so its time is linear.
"""

import re
from collections.abc import Collection
from typing import Any

from gateway.pipeline.limits.limit_exceeded import check_limit
from gateway.settings import Limits

_TOKEN = re.compile(
    r"""
    \#[^\n\r]*+                                             # a comment: the lexer makes a token of it, too
    | \"\"\" (?: [^"\\]++ | \\\"\"\" | \\ | "(?!"") )*+ (?: \"\"\" )?   # a block string; an open one goes to the end
    | " (?: [^"\\\n\r]++ | \\. )*+ "?                       # a string; an open one goes to the end of its line
    | \.\.\.
    | [A-Za-z_][A-Za-z_0-9]*+
    | -?[0-9][0-9A-Za-z_.+-]*+
    | [^\s,\ufeff]
    """,
    re.VERBOSE,
)

_QUOTE = '"'
_OPENING = frozenset("{[(")
_CLOSING = frozenset("}])")


def check_text(text: str, size: int, limits: Limits) -> int:
    """Return how many tokens a document has, comments included; `size` is that of its text in bytes.

    Raises:
        LimitExceeded: The text is too large, has too many tokens, or nests brackets of any kind too deeply.
    """
    check_size(size, limits)
    tokens = _TOKEN.findall(text)
    _check_tokens("The document has", len(tokens), limits)
    longest = max(map(len, tokens), default=0)
    if longest > limits.max_text_characters:  # seldom, and then it may be a comment
        _check_longest(tokens, limits)
    check_nesting(_nesting(tokens), limits)
    return len(tokens)


def check_texts(texts: Collection[str], limits: Limits) -> None:
    """Return when the documents of one request are, together, as large as one may be; raises what `check_text` does."""
    if len(texts) > 1:
        check_size(sum(size_of(text) for text in texts), limits, "The documents are")
        _check_tokens("The documents have", sum(len(_TOKEN.findall(text)) for text in texts), limits)


def check_values(values: Any, limits: Limits, path: tuple[str | int, ...] = ()) -> None:
    """Return when no text among the values of a request, as JSON gave them, is longer than is allowed.

    Each argument has a closer bound of its own, with words for people. This one holds for every argument there is, so
    that nothing whose effort grows faster than its input ever looks at a long text.

    Raises:
        LimitExceeded: One is longer; the message says where it stands.
    """
    waiting = [(path, values)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            if len(value) > limits.max_text_characters:
                _check_length(f"The text at {_dotted(path)}", len(value), limits)
        elif isinstance(value, dict):
            for name, inner in value.items():
                if len(name) > limits.max_text_characters:
                    _check_length(f"A name at {_dotted(path)}", len(name), limits)
                waiting.append(((*path, name), inner))
        elif isinstance(value, list):
            waiting += [((*path, index), inner) for index, inner in enumerate(value)]


def _check_longest(tokens: Collection[str], limits: Limits) -> None:
    for token in tokens:
        if not token.startswith("#"):
            # A number is a text where an ID is asked for, and a name stands in the answer once for each object.
            what = "text" if token[0] == _QUOTE else "word"
            _check_length(f"A {what} in the document", len(token.strip('"')), limits)


def _check_length(what: str, characters: int, limits: Limits) -> None:
    check_limit(limits, "max_text_characters", characters, "MAX_TEXT_LIMIT", f"{what} has too many characters:")


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(str(step)[:50] for step in path)[:200]


def size_of(text: str) -> int:
    """Return how many bytes a text has in UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


def check_size(size: int, limits: Limits, what: str = "The document is") -> None:
    """Return when the text of a request's documents is no larger than is allowed, in bytes.

    Raises:
        LimitExceeded: It is larger.
    """
    text = f"{what} too large. Send values as variables. The bytes are"
    check_limit(limits, "max_document_bytes", size, "MAX_DOCUMENT_BYTES_LIMIT", text, status=413)


def check_nesting(nesting: int, limits: Limits) -> None:
    """Return when brackets, or fragments within fragments, are not nested too deeply.

    Raises:
        LimitExceeded: They are.
    """
    text = "The document has too many levels of nesting, fragments included:"
    check_limit(limits, "max_recursion", nesting, "MAX_RECURSION_LIMIT", text)


def _check_tokens(what: str, tokens: int, limits: Limits) -> None:
    check_limit(limits, "max_tokens", tokens, "MAX_TOKENS_LIMIT", f"{what} too many tokens:")


def _nesting(tokens: list[str]) -> int:
    deepest = level = 0
    for token in tokens:
        if token in _OPENING:
            level += 1
            if level > deepest:
                deepest = level
        elif token in _CLOSING:
            level -= 1
    return deepest
