"""Names are found however people write them, and alike on both databases."""

# ruff: noqa: RUF001

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, insert, select

from connectors.database.columns import IdText
from connectors.database.dialects import contains_each
from connectors.database.engine import open_database
from connectors.database.text_search import LONGEST_PART, index_parts
from connectors.folding import folded, search_words, searchable

FOUND = [
    ("Jörg Weiß", "Weiß, Jörg"),
    ("Jörg Weiß", "weiss   JORG"),
    ("Jörg Weiß", "„Weiß“ (Jörg)."),
    ("Jörg  Weiß", "Jörg Weiß"),
    ("Ipek Yıldız", "yildiz"),
    ("İpek Yildiz", "YILDIZ ipek"),
    ("Zoë Łuczak", "luczak zoe"),
    ("Søren Ødegård", "odegard soren"),
    ("Þóra Guðmundsdóttir", "thora gudmundsdottir"),
    ("Elçin Əliyev", "eliyev"),
    ("Đorđe Petrović", "dorde petrovic"),
    ("Nguyễn Thị Ánh", "anh nguyen"),
    ("Æsa Œuvre", "aesa oeuvre"),
    ("Sean O’Neill", "o'neill"),
    ("Sean O´Neill", "o\u2019neill"),
    ("Jean‑Luc", "jean-luc"),
    ("Ελένη ΠΑΠΑΔΟΠΟΎΛΟΥ", "παπαδοπουλου"),
    ("Άρης", "ΆΡΗΣ"),
    ("Фёдор Достоевский", "достоевский федор"),
    ("محمد رضا\u200cپور", "رضاپور"),
    ("علی کریمی", "علي كريمي"),
    ("山田　太郎", "太郎 山田"),
    ("ｶﾀｶﾅ", "カタカナ"),
    ("ＡＢＣ Solar", "abc"),
    ("김민수", "김민"),
    ("café", "cafe\u0301"),
    ("50% Solar", "50%"),
    ("x_y", "_"),
]
NOT_FOUND = [
    ("Jörg Weiß", "Jörg Weber"),
    ("Jörg Weiß", "%"),
    ("Jörg Weiß", "J_rg"),
    ("Jörg Weiß", "Jör_"),
    ("Jörg Weiß", "Jörg%Weiß"),
    ("Jörg Weiß", "\\"),
]


@pytest.mark.parametrize(("name", "typed"), FOUND)
async def test_a_name_is_found_however_it_is_written(database_url: str, name: str, typed: str) -> None:
    assert await _found(database_url, [searchable(name)], typed) == [searchable(name)]


@pytest.mark.parametrize(("name", "typed"), NOT_FOUND)
async def test_what_stands_in_no_name_finds_none(database_url: str, name: str, typed: str) -> None:
    assert await _found(database_url, [searchable(name)], typed) == []


async def test_both_databases_find_what_python_finds(database_url: str) -> None:
    draw = random.Random(7)
    names = sorted({searchable(name) for name, _ in FOUND + NOT_FOUND})
    pieces = [word for name, typed in FOUND for word in (*name.split(), *typed.split())] + ["%", "_", "'", ",", "\\"]
    for _ in range(60):
        typed = " ".join(piece[: draw.randint(1, 4)] for piece in draw.sample(pieces, draw.randint(1, 3)))
        expected = [name for name in names if all(word in name for word in search_words(typed))]
        assert await _found(database_url, names, typed) == expected, typed


@pytest.mark.parametrize("length", [3, LONGEST_PART, LONGEST_PART + 1, 10_000])
def test_an_index_is_asked_for_the_beginning_of_a_long_word(length: int) -> None:
    assert set(index_parts(["ab", "b", "a" * length]).values()) == {"a" * min(length, LONGEST_PART)}


@pytest.mark.parametrize("word", ["ab", "---", "@-@-@", "a.b", "%%%", "\u2764" * 5])
def test_an_index_is_not_asked_for_what_it_knows_nothing_of(word: str) -> None:
    assert index_parts([word]) == {}


@given(st.text(max_size=60))
def test_folding_is_done_after_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


WORDS = st.text(st.characters(categories=("Ll", "Lu", "Lo", "Nd")), min_size=1, max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=4), st.randoms())
def test_all_words_of_a_name_find_it_in_any_order(words: list[str], draw: random.Random) -> None:
    typed = words.copy()
    draw.shuffle(typed)

    assert all(word in searchable(" ".join(words)) for word in search_words(" ".join(typed)))


async def _found(url: str, names: list[str], typed: str) -> list[str]:
    table = Table("names", MetaData(), Column("name", IdText))
    engine = open_database(url)
    async with engine.begin() as connection:
        await connection.run_sync(table.metadata.create_all)
        await connection.execute(insert(table), [{"name": name} for name in names])
        rows = await connection.execute(
            select(table.c.name).where(contains_each(table.c.name, "words")), {"words": search_words(typed)}
        )
        await connection.run_sync(table.metadata.drop_all)
    await engine.dispose()
    return sorted(row[0] for row in rows)
