"""The audit log in the reader's words: every action and every value, in German, English and French."""

import re
import string
from typing import Any

import pytest

from connectors.directory.records.audit import AuditEventRecord
from connectors.ids import AuditEventId, OrganizationId
from permissions.sheet import PartKind
from permissions.vocabulary import PermissionScope
from resolvers.audit.queries import after_of, before_of
from resolvers.audit.wording import ORGANIZATION_COMMANDS, displays, field_label, summaries, wordings
from resolvers.context import RequestContext
from schema.graph.coordinates import parts_of
from tests.access.changing_access import does, member_of
from tests.docs.test_audit_page import _explained
from tests.every_mutation import ENTRIES
from tests.every_mutation.entry import Row
from tests.portal import Portal, open_portal
from tests.schemas import shared_core

LANGUAGES = ("de", "en", "fr")
ROWS = [row for entry in ENTRIES.values() for row in entry.rows]
MUTATIONS = set(shared_core().mutation_type.fields)  # type: ignore[union-attr]
WHO_NOBODY_IS = {"signIn", "refreshSession"}
"""Their refusals are on record as `session.refused`."""

COMPUTED = {"subject", "fields", "details", "wanted_access"}

HOLDER, ORDERS = "licence.holder@hausgut.example", "orders@hausgut.example"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_action_mutation_and_recorded_field_has_its_texts(language: str) -> None:
    words = wordings()[language]
    recorded = {name for row in ROWS for name in (*row.before, *row.after)}

    assert sorted(words.actions) == sorted(words.summaries) == _explained()
    assert sorted(words.mutations) == sorted(MUTATIONS - WHO_NOBODY_IS)
    assert recorded <= words.fields.keys()
    assert all(text.strip() for table in (words.actions, words.mutations, words.fields) for text in table.values())


def test_the_languages_have_the_same_texts_with_the_same_values() -> None:
    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shape(one) for key, one in value.items()}
        return sorted({name for _, name, _, _ in string.Formatter().parse(value) if name})

    shapes = [
        {name: shape(getattr(words, name)) for name in words.__slots__ if not name.startswith("_")}
        for words in (wordings()[language] for language in LANGUAGES)
    ]

    assert shapes[0] == shapes[1] == shapes[2]
    used = {name for summary in shapes[0]["summaries"].values() for name in _names(summary)}
    assert used <= COMPUTED | wordings()["en"].fields.keys()


def _names(shape: Any) -> list[str]:
    """The names in a summary, or in all its variants."""
    return [name for one in shape.values() for name in one] if isinstance(shape, dict) else shape


def test_no_text_of_an_action_is_left_in_another_language() -> None:
    for table in ("actions", "mutations"):
        texts = [getattr(wordings()[language], table) for language in LANGUAGES]
        for key in texts[0]:
            assert len({one[key] for one in texts}) == 3, key


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_every_mutation_records_is_said_without_codes(language: str) -> None:
    """No value is missing in a sentence, and no word of a program is left."""
    async with open_portal() as solar, open_portal("software_house") as software:
        for mutation, entry in ENTRIES.items():
            portal = solar if entry.profile == "solar_terminal" else software
            for row in entry.rows:
                assert await with_codes(portal, row, language) == [], (mutation, row.action)


async def with_codes(portal: Portal, row: Row, language: str) -> list[str]:
    """What the log says of a row, as far as a value is missing in it or a word of a program is left."""
    codes = re.compile(r"[A-Z]{4,}_|\b[a-z]+_[a-z_]+\b|[{}]|\u2013|\b(true|false|accepted)\b")
    context = RequestContext(portal.wiring.backends, portal.wiring.policy, portal.clock(), "test", languages=[language])
    event = _event(portal, row)
    (sentence,) = await summaries(context, [event])
    assert sentence[0].isupper() or not sentence[0].isalpha(), sentence
    fields = [*before_of(context, event), *after_of(context, event)]
    shown = await displays(context, fields)
    texts = [sentence, *(text for text in shown if text), *(field_label(context, one) for one in fields)]
    return [text for text in texts if codes.search(text.replace("accepted", "" if language == "en" else "accepted"))]


def _event(portal: Portal, row: Any) -> AuditEventRecord:
    values = [
        {key: "Firefox" if value == "ANY" else "org_x" if value in ("FIRST", "SECOND") else
         "usr_x" if key == "user" else value for key, value in one.items()}
        for one in (row.before, row.after)
    ]  # fmt: skip
    return AuditEventRecord(
        AuditEventId("aud_1"), portal.clock(), row.action, None, "mbr_unknown", OrganizationId("org_1"), "r", None,
        values[0], values[1], row.reason, None,
    )  # fmt: skip


SHOWN = """
query Shown($id: ID!, $locale: Locale) {
  organization(id: $id) {
    auditEvents(first: 1) {
      nodes {
        action summary(locale: $locale) actionLabel(locale: $locale) subjectLabel(locale: $locale)
        before { name label(locale: $locale) display(locale: $locale) }
        after { name label(locale: $locale) display(locale: $locale) }
      }
    }
  }
}
"""


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        (
            "de",
            {
                "summary": "Lena Strauß hat das Recht „Im Shop bestellen“ erhalten",
                "actionLabel": "Rolle oder Recht vergeben",
                "after": [("Recht", "Im Shop bestellen"), ("Bis", "1. Januar 2027, 01:00")],
            },
        ),
        (
            "en",
            {
                "summary": "Lena Strauß was given the permission “Place orders”",
                "actionLabel": "Give role or permission",
                "after": [("Permission", "Place orders"), ("Until", "January 1, 2027, 1:00\u202fAM")],
            },
        ),
        (
            "fr-CH",
            {
                "summary": "Lena Strauß a reçu le droit « Passer des commandes »",
                "actionLabel": "Attribuer un rôle ou un droit",
                "after": [("Droit", "Passer des commandes"), ("Jusqu\u2019au", "1 janvier 2027, 01:00")],
            },
        ),
    ],
)
async def test_a_reader_finds_roles_dates_and_people_in_their_words(
    software_portal: Portal, locale: str, expected: dict[str, Any]
) -> None:
    """Dates are those of the portal's time zone: midnight in UTC is one o'clock in Berlin."""
    holder, gut = await software_portal.person(HOLDER), await software_portal.organization_of(HOLDER)
    lena = await member_of(software_portal, "lena.strauss@hausgut.example")
    done = await does(
        holder, "updateMemberAccess", membershipId=lena, permissions=["ORDER_PLACE"], validUntil="2027-01-01T00:00:00Z"
    )
    assert done["errors"] == []

    answer = await holder.asks(SHOWN, id=gut, locale=locale)

    assert answer.errors == []
    event = answer.at("organization.auditEvents.nodes.0")
    assert event["action"] == "grant.give"
    assert event["subjectLabel"] == "Lena Strauß"
    assert {key: event[key] for key in ("summary", "actionLabel")} == {
        key: expected[key] for key in ("summary", "actionLabel")
    }
    assert [(field["label"], field["display"]) for field in event["after"]] == expected["after"]


async def test_a_refusal_says_what_was_attempted(software_portal: Portal) -> None:
    gut = await software_portal.organization_of(HOLDER)
    lena = await member_of(software_portal, "lena.strauss@hausgut.example")
    refused = await does(await software_portal.person(ORDERS), "updateMemberAccess", membershipId=lena, roleKeys=[])
    assert [error["code"] for error in refused["errors"]] == ["FORBIDDEN"]

    answer = await (await software_portal.person(HOLDER)).asks(SHOWN, id=gut, locale="de")

    event = answer.at("organization.auditEvents.nodes.0")
    assert event["action"] == "updateMemberAccess"
    assert event["summary"] == "Abgelehnt: Rollen und Rechte eines Mitglieds ändern (Lena Strauß)"


async def test_who_never_belonged_to_the_organization_is_not_named_in_its_log(software_portal: Portal) -> None:
    """Whoever reads the log need not be one who sees the requests to join."""
    directory = software_portal.wiring.backends.directory
    gut = OrganizationId(await software_portal.organization_of(HOLDER))
    context = RequestContext(
        software_portal.wiring.backends, software_portal.wiring.policy, software_portal.clock(), "t", languages=["en"]
    )
    people = ["lena.strauss@hausgut.example", "deputy@kappel.example", "review@vendor.example"]
    ids = [await directory.user_id_of_login_name(email) for email in people]

    shown = [
        (await displays(context, after_of(context, _declined(context, gut, str(id)))))[0]
        for id in (*ids, "usr_unknown")
    ]

    assert shown == ["Lena Strauß", "a person", "a person", "a person"]


def _declined(context: RequestContext, organization_id: OrganizationId, user_id: str) -> AuditEventRecord:
    return AuditEventRecord(
        AuditEventId("aud_1"), context.now, "join_request.decline", None, "jrq_1", organization_id, "r", None,
        {}, {"user": user_id, "status": "DECLINED"}, None, None,
    )  # fmt: skip


async def test_what_nobody_knows_is_shown_by_its_name(software_portal: Portal) -> None:
    """An entry of a later version, or of a role that the portal no longer has."""
    context = RequestContext(
        software_portal.wiring.backends, software_portal.wiring.policy, software_portal.clock(), "t"
    )
    event = AuditEventRecord(
        AuditEventId("aud_1"), context.now, "parcel.send", None, "par_1", None, "r", None,
        {}, {"role": "captain", "until": "soon", "colour": "RED"}, None, None,
    )  # fmt: skip

    assert await summaries(context, [event]) == ["parcel.send: something"]
    assert await displays(context, after_of(context, event)) == ["captain", "soon", "RED"]
    assert [field_label(context, one) for one in after_of(context, event)] == ["Role", "Until", "colour"]


ACTIONS = 'query A($id: ID!) { organization(id: $id) { auditActions { key label(locale: "fr") } } }'


async def test_the_filter_offers_what_can_stand_in_the_log(software_portal: Portal) -> None:
    holder, gut = await software_portal.person(HOLDER), await software_portal.organization_of(HOLDER)

    actions = (await holder.asks(ACTIONS, id=gut)).at("organization.auditActions")

    keys = [action["key"] for action in actions]
    assert {row.action for row in ROWS if row.organization} <= set(keys)
    assert len(keys) == len(set(keys)) == len({action["label"] for action in actions})
    assert {"key": "grant.give", "label": "Attribuer un rôle ou un droit"} in actions
    assert {"key": "inviteMembers", "label": "Refusé : Inviter des personnes"} in actions
    assert "password.change" not in keys


def test_every_mutation_that_is_refused_in_an_organization_is_offered() -> None:
    needs_right = {
        part.coordinate.removeprefix("Mutation.")
        for part in parts_of(shared_core())
        if part.kind is PartKind.MUTATION and part.rule.any_of and part.rule.scope is PermissionScope.ORGANIZATION
    }

    assert needs_right <= set(ORGANIZATION_COMMANDS) <= MUTATIONS


@pytest.mark.parametrize(
    ("login_name", "sees"),
    [(HOLDER, True), (ORDERS, False), ("licence.holder@kappel.example", None), (None, None)],
)
async def test_the_actions_are_for_whoever_reads_the_log(
    software_portal: Portal, login_name: str | None, sees: bool | None
) -> None:
    gut = await software_portal.organization_of(HOLDER)
    person = await software_portal.person(login_name) if login_name else software_portal.anybody()

    organization = (await person.asks(ACTIONS, id=gut)).body["data"]["organization"]

    assert (organization and organization["auditActions"] is not None) is (sees if organization else None)
