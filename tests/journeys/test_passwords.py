"""Which passwords an account may have."""

import pytest

from resolvers.errors import Invalid
from resolvers.passwords import check_password

ANNA = ["anna.mueller@helios.example", "Anna", "Müller"]


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "x" * 12, "x" * 256, "Пароль длинный!", "🔑" * 12, "anna-likes-long-walks", " " * 12],
)
def test_length_is_what_counts(password: str) -> None:
    assert check_password(password, ["password"], not_like=ANNA) == password


@pytest.mark.parametrize(
    ("password", "constraint"),
    [
        ("", "length 12..256"),
        ("x" * 11, "length 12..256"),
        ("x" * 257, "length 12..256"),
        ("x" * 10_000, "length 12..256"),
        ("anna.mueller@helios.example", "not like name or address"),
        ("ANNA.MUELLER@HELIOS.EXAMPLE", "not like name or address"),
        ("Anna.Mueller-2026", "not like name or address"),
        ("AnnaMüller1234", "not like name or address"),
        ("annaannaannaanna", "not like name or address"),
        ("\ud800" * 12, "text"),
    ],
    ids=ascii,
)
def test_what_is_too_short_or_guessed_first_is_refused_by_its_path(password: str, constraint: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_password(password, ["input", "password"], not_like=ANNA)

    assert (refused.value.path, refused.value.constraint) == (["input", "password"], constraint)


def test_without_a_name_to_compare_with_the_length_is_all() -> None:
    assert check_password("annamueller1", ["password"], not_like=["", "x"]) == "annamueller1"
