"""The texts of permissions and refusals are complete."""

from permissions.denial_texts import DENIAL_TEXTS, PERMISSION_TEXTS
from permissions.vocabulary import DenialReason, Permission


def test_every_permission_has_a_name_and_a_sentence_in_three_languages() -> None:
    assert list(PERMISSION_TEXTS) == [permission.value for permission in Permission]
    for text in PERMISSION_TEXTS.values():
        assert sorted(text.labels) == sorted(text.descriptions) == ["de", "en", "fr"]
        assert all(sentence.endswith(".") for sentence in text.descriptions.values())


def test_no_two_permissions_share_a_name() -> None:
    for language in ("de", "en", "fr"):
        names = [text.labels[language] for text in PERMISSION_TEXTS.values()]

        assert len(set(names)) == len(names)


def test_every_refusal_says_what_helps() -> None:
    assert set(DENIAL_TEXTS) == {reason.value for reason in DenialReason}
    assert all(sentence.endswith(".") for sentence in DENIAL_TEXTS.values())
