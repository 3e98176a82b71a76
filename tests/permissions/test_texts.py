"""The texts of permissions and refusals are complete."""

import runpy

import pytest

from permissions import texts, vocabulary
from permissions.vocabulary import Permission


def test_every_permission_has_a_name_and_a_sentence_in_three_languages() -> None:
    for permission in Permission:
        assert sorted(permission.labels) == sorted(permission.descriptions) == ["de", "en", "fr"]
        assert all(sentence.endswith(".") for sentence in permission.descriptions.values())
    assert list(texts.PERMISSION_TEXTS) == [permission.value for permission in Permission]


@pytest.mark.parametrize("language", ["de", "en", "fr"])
def test_no_two_permissions_share_a_name(language: str) -> None:
    assert len({permission.labels[language] for permission in Permission}) == len(Permission)


@pytest.mark.parametrize(
    ("table", "word", "sentence"),
    [
        ("PERMISSION_TEXTS", "ORDER_VIEW", "ORDER_VIEW of Permission has no text"),
    ],
)
def test_a_missing_text_is_reported_with_the_file_to_write_it_in(
    monkeypatch: pytest.MonkeyPatch, table: str, word: str, sentence: str
) -> None:
    monkeypatch.delitem(getattr(texts, table), word)

    with pytest.raises(TypeError, match=rf"^{sentence}; write it in permissions/texts\.py\.$"):
        runpy.run_path(vocabulary.__file__)
