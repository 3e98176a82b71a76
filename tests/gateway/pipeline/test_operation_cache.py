"""A text is made ready once, kept within bounds, and what is refused never drives out what is asked every day."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from contextlib import suppress
from unittest.mock import patch

import pytest
from graphql import Token, build_schema, parse

from gateway.pipeline.limits.limit_exceeded import LimitExceeded
from gateway.pipeline.operation_cache import Document, Documents, InvalidDocument, NoSuchOperation
from gateway.settings import Limits

SCHEMA = build_schema("type Query { a(first: Int): Query b: String }")


@pytest.fixture
def parsed() -> Iterator[list[str]]:
    """The texts that were parsed."""
    texts: list[str] = []

    def parse_and_record(text: str) -> object:
        texts.append(text)
        return parse(text)

    with patch("gateway.pipeline.operation_cache.parse", parse_and_record):
        yield texts


def test_the_same_text_is_parsed_once(parsed: list[str]) -> None:
    documents = Documents(SCHEMA, Limits())

    first = documents.document("{ b }")

    assert documents.document("{ b }") is first
    assert parsed == ["{ b }"]


@pytest.mark.parametrize(
    ("text", "error"), [("{", InvalidDocument), ("{ c }", InvalidDocument), ("{ b " * 20, LimitExceeded)]
)
def test_a_refusal_is_kept_as_well(parsed: list[str], text: str, error: type[Exception]) -> None:
    documents = Documents(SCHEMA, Limits(max_recursion=10))

    for _ in range(3):
        with pytest.raises(error):
            documents.document(text)

    assert len(parsed) <= 1


def test_a_kept_refusal_holds_on_to_no_stack() -> None:
    documents = Documents(SCHEMA, Limits())
    for _ in range(3):
        with pytest.raises(InvalidDocument) as refused:
            documents.document("{ c }")

    depth, frame = 0, refused.value.__traceback__
    while frame is not None:
        depth, frame = depth + 1, frame.tb_next
    assert depth <= 3


def test_the_documents_used_last_are_kept(parsed: list[str]) -> None:
    documents = Documents(SCHEMA, Limits(document_cache_entries=2))

    for text in ("{ b }", "{ x: b }", "{ b }", "{ y: b }", "{ b }", "{ x: b }"):
        documents.document(text)

    assert parsed == ["{ b }", "{ x: b }", "{ y: b }", "{ x: b }"]


def test_large_documents_make_room_for_one_another(parsed: list[str]) -> None:
    documents = Documents(SCHEMA, Limits(document_cache_bytes=21_000))

    for text in ("{" + " b" * 20 + "}", "{" + " x: b" * 5 + "}", "{" + " b" * 20 + "}"):
        documents.document(text)

    assert len(parsed) == 3


def test_rubbish_does_not_drive_out_what_is_asked_every_day(parsed: list[str]) -> None:
    documents = Documents(SCHEMA, Limits(document_cache_entries=2))
    documents.document("{ b }")

    for number in range(1_000):
        with pytest.raises(InvalidDocument):
            documents.document(f"{{ c{number} }}")
    documents.document("{ b }")

    assert parsed.count("{ b }") == 1
    assert len(documents._refused) == 500


def operation_name(document: Document, name: str | None) -> str | None:
    """The name of the operation that is found."""
    return document.operation(name).name


def test_the_operation_is_found_by_its_name_or_because_it_is_the_only_one() -> None:
    documents = Documents(SCHEMA, Limits())
    one, two = documents.document("query A { b }"), documents.document("query A { b } query B { b }")

    assert (operation_name(one, None), operation_name(one, "A"), operation_name(two, "B")) == ("A", "A", "B")
    with pytest.raises(NoSuchOperation, match="several operations"):
        two.operation(None)
    with pytest.raises(NoSuchOperation, match='no operation called "C"'):
        two.operation("C")


def test_names_are_suggested_only_where_they_may_be() -> None:
    messages = []
    for suggestions in (True, False):
        with pytest.raises(InvalidDocument) as refused:
            Documents(SCHEMA, Limits(), suggestions=suggestions).document("{ a(frist: 1) { b } }")
        messages.append(str(refused.value))

    assert ["Did you mean" in message for message in messages] == [True, False]


def test_what_was_sent_is_not_sent_back_at_length() -> None:
    with pytest.raises(InvalidDocument) as refused:
        Documents(SCHEMA, Limits()).document("{" + "x" * 9_000 + "}")

    assert len(str(refused.value)) < 400


def test_of_a_document_with_many_errors_a_few_are_reported() -> None:
    with pytest.raises(InvalidDocument) as refused:
        Documents(SCHEMA, Limits()).document("{ a {" + " ".join(f"x{number}" for number in range(500)) + "} }")

    assert len(refused.value.errors) == 21  # twenty, and that there are more


async def test_a_new_text_is_made_ready_in_a_thread_and_kept_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    in_loop: list[bool] = []

    def parse_and_record(text: str) -> object:
        in_loop.append(threading.current_thread() is threading.main_thread())
        return parse(text)

    monkeypatch.setattr("gateway.pipeline.operation_cache.parse", parse_and_record)
    documents = Documents(SCHEMA, Limits())
    large = "{ b " + "# words\n" * 600 + "}"

    first, small = await documents.document_aside(large), await documents.document_aside("{ b }")

    assert await documents.document_aside(large) is first
    assert documents.document(large) is first
    assert documents.document("{ b }") is small
    assert in_loop == [False, False]


async def test_who_asks_something_short_does_not_wait_for_large_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    short_is_ready = threading.Event()

    def parse_slowly(text: str) -> object:
        if "words" in text:
            short_is_ready.wait(10)
        ended.append("large" if "words" in text else "short")
        return parse(text)

    monkeypatch.setattr("gateway.pipeline.operation_cache.parse", parse_slowly)
    documents = Documents(SCHEMA, Limits())
    large = [
        asyncio.create_task(documents.document_aside("{ b " + "# words\n" * number + "}")) for number in (600, 700)
    ]
    await asyncio.sleep(0)

    await documents.document_aside("{ b }")
    short_is_ready.set()
    await asyncio.gather(*large)

    assert ended == ["short", "large", "large"]


def test_the_tokens_of_a_document_that_is_refused_are_freed_at_once() -> None:
    def tokens() -> int:
        return sum(type(it) is Token for it in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = tokens()
        with suppress(LimitExceeded):
            Documents(SCHEMA, Limits(max_depth=1)).document("{ a { a { b } } }")
        left = tokens() - before
    finally:
        gc.enable()

    assert left == 0


def test_a_text_that_is_too_large_is_not_kept() -> None:
    documents = Documents(SCHEMA, Limits(max_document_bytes=1_000))

    for _ in range(2):
        with pytest.raises(LimitExceeded):
            documents.document("{ b }" + " " * 1_000)

    assert len(documents._refused) == 0


async def test_a_large_text_that_is_refused_is_refused_again_from_memory(parsed: list[str]) -> None:
    documents = Documents(SCHEMA, Limits())
    large = "{ nonsense " + "# words\n" * 600 + "}"

    for _ in range(2):
        with pytest.raises(InvalidDocument):
            await documents.document_aside(large)

    assert parsed.count(large) == 1
