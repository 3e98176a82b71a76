"""Leaving permanently: after thirty days, unless one thinks better of it, and never the last administrator."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.access import GrantKind
from connectors.directory.records.audit import Author
from connectors.directory.tables import audit_events, grants, memberships
from connectors.errors import BackendUnavailable
from connectors.identity.embedded import credentials
from connectors.pages import Slice
from gateway.demo import DEMO_PASSWORD
from resolvers.account.credentials import CREDENTIALS_SET, apply_credentials
from resolvers.account.deletion import delete_due_accounts
from resolvers.audit import recorded
from tests.account.own_account import PURCHASE, as_the_portal, carry_out, gets_in, is_signed_in, queued, signs_in
from tests.portal import Person, Portal

REQUEST = """
mutation Request($key: String) {
  requestAccountDeletion(input: { idempotencyKey: $key }) {
    accepted
    errors { __typename code path ... on LastAdministratorError { candidates { user { displayName } } } }
  }
}
"""
CANCEL = """
mutation Cancel($token: String) {
  cancelAccountDeletion(input: { token: $token }) { accepted errors { __typename code path } }
}
"""
HOME = {"street": ["Ginsterweg 7"], "postalCode": "79100", "city": "Freiburg", "countryCode": "DE"}
CHANGE = """
mutation Change($new: String!) {
  changePassword(input: { currentPassword: "forecourt-demo", newPassword: $new }) { errors { code } }
}
"""
DUE = "{ viewer { deletionDueAt } }"
ADMINISTRATOR, REGULA = "administration@lumen.example", "two.companies@helios.example"


async def asks_to_leave(person: Person) -> Any:
    """The payload of requestAccountDeletion."""
    return (await person.asks(REQUEST)).at("requestAccountDeletion")


async def thirty_days_later(portal: Portal) -> None:
    """Let the thirty days pass and the scheduled tasks do their work."""
    portal.clock.move(timedelta(days=30))
    await delete_due_accounts(as_the_portal(portal))
    await carry_out(portal)


async def user_id_of(portal: Portal, name: str) -> Any:
    """Whose login name it is."""
    return await portal.wiring.backends.directory.user_id_of_login_name(name)


async def rows(portal: Portal, table: Any, *where: Any) -> list[Any]:
    """The rows of a table of our database."""
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        return list(await connection.execute(select(table).where(*where)))


async def last_administrator_of_lumen(portal: Portal) -> Person:
    """The one administrator of Lumen without end, all others' administrative roles taken away."""
    person = await portal.person(ADMINISTRATOR)
    me = await user_id_of(portal, ADMINISTRATOR)
    lumen = await portal.organization_of(ADMINISTRATOR)
    directory = portal.wiring.backends.directory
    (holders,) = await directory.holders_of(
        [lumen],  # type: ignore[list-item]
        role_keys=portal.wiring.policy.administrative_role_keys(),
        permissions=(),
        now=portal.clock(),
    )
    async with directory.change() as change:
        for holder in holders:
            if holder.user_id != me:
                (held,) = await change.ask.grants_of([holder.id])
                for grant in held:
                    await recorded.revoke(change, grant.id, by=Author(None, "test"), now=portal.clock())
    return person


async def let_regula_administer_lumen_too(portal: Portal) -> None:
    """Give a member of Lumen the administrative role without end."""
    lumen: Any = await portal.organization_of(ADMINISTRATOR)
    directory, regula = portal.wiring.backends.directory, await user_id_of(portal, REGULA)
    (page,) = await directory.memberships_of([regula], Slice(9))
    (membership,) = [one for one in page.items if one.organization_id == lumen]
    async with directory.change() as change:
        await recorded.give(
            change,
            membership.id,
            GrantKind.ROLE,
            "administration",
            until=None,
            by=Author(None, "test"),
            now=portal.clock(),
        )


async def test_whoever_leaves_is_gone_after_thirty_days_and_what_the_organization_needs_stays(
    each_portal: Portal,
) -> None:
    person = await each_portal.person(PURCHASE)
    me = await user_id_of(each_portal, PURCHASE)
    await person.asks("mutation { setNewsletterSubscription(input: { subscribed: true }) { errors { code } } }")

    asked = await asks_to_leave(person)
    due = await person.asks(DUE)
    await delete_due_accounts(as_the_portal(each_portal))
    still_here = await is_signed_in(person)
    await thirty_days_later(each_portal)

    assert asked == {"accepted": True, "errors": []}
    assert due.at("viewer.deletionDueAt") == "2026-12-21T09:00:00Z"
    assert still_here
    assert not await is_signed_in(person)
    assert not await gets_in(each_portal, PURCHASE, DEMO_PASSWORD)
    assert await user_id_of(each_portal, PURCHASE) is None
    (membership,) = await rows(each_portal, memberships, memberships.c.user_id == me)
    assert membership.status == "REMOVED"
    assert await rows(each_portal, grants, grants.c.membership_id == membership.id) == []
    assert [row.password_hash for row in await rows(each_portal, credentials, credentials.c.user_id == me)] == [None]
    (user,) = await each_portal.wiring.backends.directory.users([me])
    assert user is not None
    assert (user.first_name, user.last_name, user.email_verified, user.phone) == ("deleted", "", False, None)
    kept = await each_portal.wiring.backends.directory.kept_of(me)
    assert [one["purpose"] for one in kept["consents"]] == ["NEWSLETTER"]
    mails = await each_portal.queued_mails(PURCHASE)
    assert [mail.template for mail in mails] == ["account_deletion_scheduled", "account_deleted"]
    assert mails[0].values == {"name": "Jörg Weiß", "due_at": "2026-12-21T09:00:00+00:00"}
    assert mails[1].values == {"name": "Jörg Weiß"}
    audit = await each_portal.audit("account.deletion_request", "account.delete")
    assert [(row.action, row.actor_id, row.subject_id) for row in audit] == [
        ("account.deletion_request", me, me),
        ("account.delete", None, me),
    ]
    administrator = await each_portal.person("administration@helios.example")
    colleagues = await administrator.asks(
        "query Q($id: ID!) { organization(id: $id) { "
        "members(status: [REMOVED]) { nodes { user { displayName email } } } } }",
        id=await each_portal.organization_of("administration@helios.example"),
    )
    shown = {"user": {"displayName": "Deleted account", "email": None}}
    assert shown in colleagues.at("organization.members.nodes")


async def test_a_password_that_waits_is_not_kept_of_somebody_who_is_gone(
    each_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when a worker had taken it before they went, and stores it after what was kept of them is deleted."""
    person, me = await each_portal.person(PURCHASE), await user_id_of(each_portal, PURCHASE)
    await asks_to_leave(person)
    accounts = each_portal.wiring.backends.accounts

    async def away(*_args: Any) -> None:
        raise BackendUnavailable("identity", "down for the test")

    with monkeypatch.context() as patched:
        patched.setattr(accounts, "apply", away)
        await person.asks(CHANGE, new="grünes Fahrrad im Regen")
    (late,) = await queued(each_portal, CREDENTIALS_SET)
    await thirty_days_later(each_portal)
    await apply_credentials(as_the_portal(each_portal), late)

    assert await queued(each_portal, CREDENTIALS_SET) == []
    assert [row.password_hash for row in await rows(each_portal, credentials, credentials.c.user_id == me)] == [None]


async def test_a_password_checked_while_its_account_is_deleted_opens_no_session(
    each_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asks_to_leave(await each_portal.person(PURCHASE))
    accounts = each_portal.wiring.backends.accounts
    verify, verified, goes_on = accounts.verify, asyncio.Event(), asyncio.Event()

    async def slowly(*args: Any, **more: Any) -> int | None:
        version = await verify(*args, **more)
        verified.set()
        await goes_on.wait()
        return version

    monkeypatch.setattr(accounts, "verify", slowly)
    signing_in = asyncio.create_task(signs_in(each_portal, PURCHASE))
    await verified.wait()
    await thirty_days_later(each_portal)
    goes_on.set()

    assert (await signing_in)["errors"] == [{"code": "INVALID_CREDENTIALS"}]


async def test_scheduled_tasks_that_run_twice_at_the_same_time_delete_once(each_portal: Portal) -> None:
    await asks_to_leave(await each_portal.person(PURCHASE))
    each_portal.clock.move(timedelta(days=30))

    await asyncio.gather(*(delete_due_accounts(as_the_portal(each_portal)) for _ in range(3)))

    assert len(await each_portal.audit("account.delete")) == 1
    assert [mail.template for mail in await each_portal.queued_mails(PURCHASE)].count("account_deleted") == 1


async def test_asking_twice_plans_it_once_and_keeps_the_day(portal: Portal) -> None:
    await asks_to_leave(await portal.person(PURCHASE))
    portal.clock.move(timedelta(days=3))
    person = await portal.person(PURCHASE)

    again = await asks_to_leave(person)

    assert again == {"accepted": True, "errors": []}
    assert (await person.asks(DUE)).at("viewer.deletionDueAt") == "2026-12-21T09:00:00Z"
    assert len(await portal.queued_mails()) == 1


async def test_the_link_of_the_mail_keeps_the_account_without_signing_in(each_portal: Portal) -> None:
    person = await each_portal.person(PURCHASE)
    await asks_to_leave(person)
    (mail,) = await each_portal.queued_mails()

    answer = await each_portal.anybody().asks(CANCEL, token=mail.token)
    again = await each_portal.anybody().asks(CANCEL, token=mail.token)
    due = await person.asks(DUE)
    await thirty_days_later(each_portal)

    assert answer.at("cancelAccountDeletion") == {"accepted": True, "errors": []}
    assert again.at("cancelAccountDeletion") == {
        "accepted": False,
        "errors": [{"__typename": "TokenError", "code": "TOKEN_INVALID", "path": ["token"]}],
    }
    assert due.at("viewer.deletionDueAt") is None
    assert await gets_in(each_portal, PURCHASE, DEMO_PASSWORD)
    assert len(await each_portal.audit("account.deletion_cancel")) == 1


async def test_whoever_is_signed_in_keeps_the_account_without_the_mail(portal: Portal) -> None:
    person = await portal.person(PURCHASE)
    await asks_to_leave(person)

    answers = [await person.asks(CANCEL) for _ in range(2)]  # the second time nothing is planned, and nothing happens

    assert [answer.at("cancelAccountDeletion.accepted") for answer in answers] == [True, True]
    assert (await person.asks(DUE)).at("viewer.deletionDueAt") is None
    assert len(await portal.audit("account.deletion_cancel")) == 1


async def test_without_a_token_and_not_signed_in_nothing_is_cancelled(portal: Portal) -> None:
    await asks_to_leave(await portal.person(PURCHASE))

    answer = await portal.anybody().asks(CANCEL)

    assert answer.at("cancelAccountDeletion") == {
        "accepted": False,
        "errors": [{"__typename": "ValidationError", "code": "INVALID_INPUT", "path": ["token"]}],
    }
    assert await portal.audit("account.deletion_cancel") == []


@pytest.mark.parametrize("token", ["", "x", "x" * 5_000, "\u0000", "💡"])
async def test_what_is_no_token_keeps_no_account(portal: Portal, token: str) -> None:
    answer = await (await portal.person(PURCHASE)).asks(CANCEL, token=token)

    assert answer.at("cancelAccountDeletion.errors.0.code") == "TOKEN_INVALID"


async def test_the_last_administrator_cannot_leave_and_learns_who_could_be_one(each_portal: Portal) -> None:
    person = await last_administrator_of_lumen(each_portal)

    refused = await asks_to_leave(person)

    (error,) = refused["errors"]
    candidates = [one["user"]["displayName"] for one in error.pop("candidates")]
    assert refused["accepted"] is False
    assert error == {"__typename": "LastAdministratorError", "code": "LAST_ADMINISTRATOR", "path": None}
    assert "Regula Oberhänsli" in candidates
    me = (await person.asks("{ viewer { user { displayName } } }")).at("viewer.user.displayName")
    assert me not in candidates
    assert (await person.asks(DUE)).at("viewer.deletionDueAt") is None
    assert await each_portal.queued_mails() == []


async def test_whoever_has_become_the_last_administrator_meanwhile_stays_and_learns_why(each_portal: Portal) -> None:
    """Asked again, under lock, when the day has come."""
    await let_regula_administer_lumen_too(each_portal)
    planned = await asks_to_leave(await each_portal.person(ADMINISTRATOR))
    await last_administrator_of_lumen(each_portal)

    await thirty_days_later(each_portal)

    assert planned["accepted"] is True
    assert await gets_in(each_portal, ADMINISTRATOR, DEMO_PASSWORD)
    due = await (await each_portal.person(ADMINISTRATOR)).asks(DUE)
    assert due.at("viewer.deletionDueAt") == "2026-12-28T09:00:00Z"
    mails = await each_portal.queued_mails(ADMINISTRATOR)
    assert [(mail.template, mail.values["due_at"]) for mail in mails] == [
        ("account_deletion_scheduled", "2026-12-21T09:00:00+00:00"),
        ("account_deletion_scheduled", "2026-12-28T09:00:00+00:00"),
    ]
    assert len(await each_portal.audit("account.deletion_postpone")) == 1
    assert await each_portal.audit("account.delete") == []


async def test_two_administrators_who_leave_at_the_same_time_do_not_both_go(each_portal: Portal) -> None:
    """Also under concurrency."""
    await last_administrator_of_lumen(each_portal)
    await let_regula_administer_lumen_too(each_portal)
    for name in (ADMINISTRATOR, REGULA):
        assert (await asks_to_leave(await each_portal.person(name)))["accepted"] is True
    each_portal.clock.move(timedelta(days=30))

    await asyncio.gather(*(delete_due_accounts(as_the_portal(each_portal)) for _ in range(4)))

    assert len(await each_portal.audit("account.delete")) == 1
    assert len(await each_portal.audit("account.deletion_postpone")) == 1


async def test_one_account_that_cannot_be_deleted_does_not_keep_the_others_waiting(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await user_id_of(portal, PURCHASE)
    for name in (PURCHASE, "planning@helios.example"):
        await asks_to_leave(await portal.person(name))
        portal.clock.move(timedelta(minutes=1))
    forget = DirectoryChange.forget_person

    async def fails(change: DirectoryChange, user_id: Any, now: Any) -> None:
        if user_id == first:
            raise BackendUnavailable("directory", "for the test")
        await forget(change, user_id, now)

    with monkeypatch.context() as patched:
        patched.setattr(DirectoryChange, "forget_person", fails)
        await thirty_days_later(portal)
    after = [await user_id_of(portal, name) for name in (PURCHASE, "planning@helios.example")]
    await delete_due_accounts(as_the_portal(portal))

    assert after == [first, None]
    assert await user_id_of(portal, PURCHASE) is None


async def test_of_people_who_are_gone_the_audit_log_keeps_ids_and_nothing_personal(each_portal: Portal) -> None:
    person = await each_portal.person(PURCHASE)
    profile = (
        "mutation M($input: UpdateProfileInput!) { updateProfile(input: $input) { errors { code } } }",
        {"firstName": "Xaver", "lastName": "Quintus", "phone": "+4976155501234", "address": HOME, "expectedVersion": 1},
    )
    assert (await person.asks(profile[0], input=profile[1])).at("updateProfile.errors") == []
    helios = await each_portal.organization_of(PURCHASE)
    book = (
        "mutation S($input: SaveAddressInput!) { saveAddress(input: $input) { errors { code } } }",
        {"organizationId": helios, "address": HOME | {"name": "Xaver Quintus"}, "idempotencyKey": "k"},
    )
    await (await each_portal.person("administration@helios.example")).asks(book[0], input=book[1])
    assert (await asks_to_leave(person))["errors"] == []

    await thirty_days_later(each_portal)

    log = " ".join(str(tuple(row)) for row in await rows(each_portal, audit_events))
    assert "profile.update" in log
    assert "address.add" in log
    personal = ("Xaver", "Quintus", "Jörg", "Weiß", "76155501234", "Ginsterweg", PURCHASE)
    assert [one for one in personal if one in log] == []
