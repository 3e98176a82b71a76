"""The language in which the portal speaks: the one asked for, else one's own, else the browser's, else English."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.localization import _written
from tests.examples import examples
from tests.portal import Person, Portal

ROLE = '{ node(id: "role_installation") { ... on Role { label } } }'


async def label_for(person: Person, accept_language: str) -> str:
    """The label of a role for somebody whose browser prefers these languages."""
    answer = await person.posts(json.dumps({"query": ROLE}).encode(), accept_language=accept_language)
    label: str = answer.at("node.label")
    return label


@pytest.mark.parametrize(
    ("accept_language", "label"),
    [
        ("", "Installation"),
        ("de", "Montage"),
        ("de-CH, en;q=0.5", "Montage"),
        ("en;q=0.4, de;q=0.5", "Montage"),
        ("it, ja;q=0.9", "Installation"),
        ("it, de;q=0.1", "Montage"),
        ("de;q=0, *", "Installation"),
        ("de;q=many", "Installation"),
        ("*", "Installation"),
        (",;,=", "Installation"),
        ("de" * 5_000, "Installation"),
    ],
)
async def test_a_stranger_is_spoken_to_in_the_language_of_the_browser(
    solar: Portal, accept_language: str, label: str
) -> None:
    assert await label_for(solar.anybody(), accept_language) == label


async def test_ones_own_language_wins_over_the_browsers_and_the_one_asked_for_over_both(solar: Portal) -> None:
    person = await solar.person("purchase@helios.example")  # who reads German
    query = """
        {
          node(id: "role_purchase") {
            ... on Role { label fr: label(locale: "fr-CH") en: label(locale: "en") it: label(locale: "it") }
          }
        }
    """

    answer = await person.posts(json.dumps({"query": query}).encode(), accept_language="en")

    assert answer.at("node") == {"label": "Einkauf", "fr": "Achat", "en": "Purchase", "it": "Einkauf"}


async def test_money_is_written_as_the_language_writes_it_and_exact(solar: Portal) -> None:
    person = replace(await solar.person("purchase@helios.example"), language="")  # who reads German
    answer = await person.asks(
        """
        { viewer { memberships { nodes { organization { orders(first: 100) { nodes {
          total {
            amount currency de: formatted(locale: "de-DE") en: formatted(locale: "en-GB") odd: formatted(locale: "zz")
          }
          lines { quantity unitPrice { amount } total { amount } }
        } } } } } } }
        """
    )

    for order in answer.at("viewer.memberships.nodes.0.organization.orders.nodes"):
        total, lines = order["total"], order["lines"]
        assert Decimal(total["amount"]) == sum(Decimal(line["total"]["amount"]) for line in lines)
        for line in lines:
            assert Decimal(line["total"]["amount"]) == line["quantity"] * Decimal(line["unitPrice"]["amount"])
        assert total["currency"] == "EUR"
        assert total["de"] == total["odd"] == f"{_german(total['amount'])}\N{NO-BREAK SPACE}€"
        assert total["en"] == f"€{Decimal(total['amount']):,.2f}"


def _german(amount: str) -> str:
    return f"{float(amount):,.2f}".translate(str.maketrans(",.", ".,"))


@examples(40)
@given(tag=st.from_regex(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", fullmatch=True))
async def test_no_language_tag_is_an_error_of_ours(solar: Portal, tag: str) -> None:
    answer = await solar.anybody().asks(
        'query Any($tag: Locale!) { node(id: "role_purchase") { ... on Role { label(locale: $tag) } } }', tag=tag
    )

    assert answer.at("node.label") in ("Einkauf", "Achat", "Purchase")


async def test_of_a_language_that_there_is_not_nothing_is_kept(solar: Portal) -> None:
    person = await solar.person("purchase@helios.example")
    query = """
        query Total($language: Locale!) {
          viewer { memberships { nodes { organization { orders(first: 1) { nodes {
            total { formatted(locale: $language) }
          } } } } } }
        }
    """
    kept = []
    for number in range(3):
        answer = await person.asks(query, language=f"{number}" * 5_000)
        assert answer.errors == []
        kept.append(_written.cache_info().currsize)

    assert kept[0] == kept[1] == kept[2]
