"""Names are found however people write them, and alike on both databases."""

# ruff: noqa: RUF001

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, bindparam, delete, insert, select, update

from connectors.database.columns import IdText
from connectors.database.dialects import contains_each
from connectors.database.engine import open_database
from connectors.database.text_search import contains_pieces, make_index, pieces_of
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


@pytest.mark.parametrize(
    ("words", "pieces"),
    [
        (["q"], ["q"]),
        (["ab", "muller"], ["mul", "ler", "ab"]),
        (["growth.example"], ["gro", "h.e", "ple"]),
        (["aaaa"], ["aaa"]),
        (["@-@"], ["@-@"]),
        (["a" * 10_000], ["aaa"]),
    ],
)
def test_an_index_is_asked_for_a_few_pieces_of_each_word(words: list[str], pieces: list[str]) -> None:
    assert pieces_of(words) == pieces


def test_an_index_is_asked_for_few_pieces_of_many_words() -> None:
    assert len(pieces_of([f"{number:09}" for number in range(1_000)])) == 9


LETTERS = "aab.@-%_'\"\\ä李\U0001f600A "


async def test_by_index_is_found_what_is_found_by_looking_at_each_text(database_url: str) -> None:
    """Whatever was inserted, changed and deleted, and whoever's it is."""
    draw, kept = random.Random(5), dict[str, tuple[str, str]]()
    engine = open_database(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(TEXTS.metadata.create_all)
        await connection.execute(insert(TEXTS), [{"id": "before", "owner_id": "one", "search_text": "q\nab"}])
        await connection.run_sync(make_index, "texts", "owner_id")
        kept["before"] = "one", "q\nab"
        for number in range(120):
            id, owner, text = str(number), draw.choice(["one", "two"]), searchable(_drawn(draw, 30), _drawn(draw, 9))
            await connection.execute(insert(TEXTS), [{"id": id, "owner_id": owner, "search_text": text}])
            kept[id] = owner, text
        for id in draw.sample(sorted(kept), 30):
            kept[id] = kept[id][0], searchable(_drawn(draw, 200))
            await connection.execute(update(TEXTS).where(TEXTS.c.id == id).values(search_text=kept[id][1]))
        for id in draw.sample(sorted(kept), 30):
            await connection.execute(delete(TEXTS).where(TEXTS.c.id == id))
            del kept[id]

        fits_by_index, fits = contains_pieces(TEXTS.c.search_text, TEXTS.c.owner_id, OWNER), TEXTS.c.owner_id == OWNER
        by_index = select(TEXTS.c.id).where(fits, fits_by_index, contains_each(TEXTS.c.search_text, "words"))
        for _ in range(150):
            words = search_words(_drawn(draw, draw.choice([1, 2, 3, 6, 12]))) or ["q"]
            given = {"owner": draw.choice(["one", "two"]), "words": words, "pieces": pieces_of(words)}
            found = {row[0] for row in await connection.execute(by_index, given)}
            assert found == {
                id
                for id, (owner, text) in kept.items()
                if owner == given["owner"] and all(word in text for word in words)
            }, words
    await engine.dispose()


TEXTS = Table(
    "texts",
    MetaData(),
    Column("id", IdText, primary_key=True),
    Column("owner_id", IdText, nullable=False),
    Column("search_text", IdText, nullable=False),
)
OWNER = bindparam("owner", type_=IdText)


def _drawn(draw: random.Random, length: int) -> str:
    return "".join(draw.choices(LETTERS, k=length))


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
