"""Who was invited: found by address, by token and by organization; one open invitation for each, handed over once."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.database.engine import AsyncEngine
from connectors.database.sql_errors import ChangeConflict
from connectors.directory.approvals import INVITATIONS
from connectors.directory.directory import Directory
from connectors.directory.records.invitations import InvitationRecord, InvitationStatus, NewInvitation
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.people import UserRecord
from connectors.errors import InvalidCursor
from connectors.ids import InvitationId, MembershipId, OrganizationId, UserId
from connectors.pages import Slice
from tests.directory.conftest import statements
from tests.directory.people import (
    ANNA,
    ANNA_AT_HELIOS,
    CLOSED,
    FRIEDA,
    FRIEDA_AT_HELIOS,
    HELIOS,
    LUMEN,
    NOW,
    PAUL,
    user,
)

LATER = NOW + timedelta(days=7)
REMOVED = MembershipStatus.REMOVED


def invitation(name: str, organization_id: OrganizationId = HELIOS, **other: Any) -> InvitationRecord:
    """An open invitation with a role, for seven days."""
    return replace(
        InvitationRecord(
            id=InvitationId(f"inv_{organization_id[4:]}_{name}"),
            organization_id=organization_id,
            membership_id=MembershipId(f"mbr_{organization_id[4:]}_{name}"),
            email=f"{name}@New.example",
            first_name=None,
            last_name=None,
            locale="fr",
            message="Salut",
            role_keys=("purchase", "planning"),
            permissions=("ORDER_VIEW",),
            valid_until=None,
            status=InvitationStatus.PENDING,
            created_at=NOW,
            expires_at=LATER,
            last_sent_at=NOW,
            send_count=1,
            inviter_id=ANNA.id,
            accepted_by_id=None,
            ended_at=None,
        ),
        **other,
    )


def new(it: InvitationRecord, person: UserRecord | None = None) -> NewInvitation:
    """The invitation to store with the row that stands for the invited person, and a token of its own."""
    invited = user(f"for_{it.id}", "", "", email=it.email, email_verified=False)
    return NewInvitation(it, it.id.encode(), person or invited)


async def store(directory: Directory, *records: InvitationRecord | NewInvitation) -> None:
    """Store the invitations in one transaction."""
    async with directory.change() as change:
        entries = [one if isinstance(one, NewInvitation) else new(one) for one in records]
        await change.add_invitations(entries)


async def status_of(directory: Directory, membership_id: MembershipId) -> MembershipStatus | None:
    """Where the member stands."""
    (found,) = await directory.memberships([membership_id])
    return found.status if found is not None else None


async def test_an_invitation_is_found_again_with_the_membership_it_gives(directory: Directory) -> None:
    stored = invitation("zoe", valid_until=LATER)
    await store(directory, stored)

    assert await directory.approvals(INVITATIONS, [stored.id, InvitationId("inv_x")]) == [stored, None]
    assert await directory.invitation_with_token(stored.id.encode()) == stored
    assert await directory.invitation_with_token(b"other") is None
    assert await status_of(directory, stored.membership_id) is MembershipStatus.INVITED
    (given,) = await directory.grants_of([stored.membership_id])
    assert [(grant.key, grant.valid_until, grant.granted_by_id) for grant in given] == [
        ("planning", LATER, ANNA.id),
        ("purchase", LATER, ANNA.id),
        ("ORDER_VIEW", LATER, ANNA.id),
    ]


async def test_a_hundred_invitations_are_stored_in_as_many_statements_as_one(
    directory: Directory, engine: AsyncEngine
) -> None:
    with statements(engine) as for_one:
        await store(directory, invitation("one"))
    with statements(engine) as for_many:
        await store(directory, *(invitation(f"many{number}") for number in range(100)))

    assert len(for_many) == len(for_one)
    assert await directory.count_approvals_of(INVITATIONS, "organization_id", [HELIOS, LUMEN], None, NOW) == [101, 0]


async def test_a_thousand_invitations_are_withdrawn_in_as_many_statements_as_one(
    directory: Directory, engine: AsyncEngine
) -> None:
    """Whoever sent so many could not be removed in the time that a request has."""
    many = [invitation(f"many{number}") for number in range(1_000)]
    await store(directory, invitation("one"), invitation("other"), *many)
    counted: list[int] = []
    taken: list[tuple[int, int]] = []

    async def withdraw(*ids: InvitationId) -> list[InvitationId]:
        with statements(engine) as sent:
            async with directory.change() as change:
                withdrawn = await change.withdraw_invitations(ids, InvitationStatus.REVOKED, now=NOW)
        counted.append(len(sent))
        taken.append((len(withdrawn.grants), len(withdrawn.memberships)))
        return [one.id for one in withdrawn.invitations]

    assert await withdraw(invitation("one").id) == [invitation("one").id]
    assert await withdraw(*(one.id for one in many)) == [one.id for one in many]
    assert await withdraw(many[0].id) == []  # ended before

    assert counted[1] == counted[0]
    assert counted[2] < counted[0]
    (left,) = await directory.approvals_of(
        INVITATIONS, "organization_id", [HELIOS], Slice(9), status=[InvitationStatus.PENDING], now=NOW
    )
    assert [one.id for one in left.items] == [invitation("other").id]
    members = await directory.memberships([one.membership_id for one in (invitation("other"), *many)])
    assert [one.status for one in members if one is not None] == [MembershipStatus.INVITED] + [REMOVED] * 1_000
    assert [one.version for one in members[1:] if one is not None] == [2] * 1_000
    given = await directory.grants_of([one.membership_id for one in (invitation("other"), many[0], many[-1])])
    assert [len(grants) for grants in given] == [3, 0, 0]
    assert taken == [(3, 1), (3_000, 1_000), (0, 0)]


async def test_a_second_open_invitation_for_the_same_address_is_never_stored(directory: Directory) -> None:
    await store(directory, invitation("zoe"))

    with pytest.raises(ChangeConflict):
        await store(directory, invitation("zoe2", email="ZOE@new.example"))
    await store(directory, invitation("zoe", LUMEN))
    async with directory.change() as change:
        await change.close_approval(INVITATIONS, invitation("zoe").id, InvitationStatus.REVOKED)
    await store(directory, invitation("zoe2", email="ZOE@new.example"))

    (found,) = await directory.last_invitations([(HELIOS, " zoe@NEW.example ")])
    assert found is not None
    assert found.id == "inv_helios_zoe2"


async def test_of_many_at_the_same_time_one_invitation_is_stored(directory: Directory) -> None:
    async def once(number: int) -> bool:
        try:
            await store(directory, invitation(f"zoe{number}", email="zoe@new.example"))
        except ChangeConflict:
            return False
        return True

    assert sum(await asyncio.gather(*map(once, range(10)))) == 1


async def test_the_open_one_counts_as_the_last_even_if_its_id_is_older(directory: Directory) -> None:
    open_one = invitation("a", email="zoe@new.example")
    await store(directory, replace(open_one, id=InvitationId("inv_1")))
    ended = replace(open_one, id=InvitationId("inv_2"), membership_id=MembershipId("mbr_2"))
    await store(directory, replace(ended, status=InvitationStatus.REVOKED))

    (found,) = await directory.last_invitations([(HELIOS, "zoe@new.example")])

    assert found is not None
    assert found.id == "inv_1"


async def test_each_organization_has_its_own_invitations_newest_first_in_pages(directory: Directory) -> None:
    await store(directory, *(invitation(f"n{number}") for number in range(5)), invitation("other", LUMEN))

    both, one = (INVITATIONS, "organization_id", [HELIOS, LUMEN]), (INVITATIONS, "organization_id", [HELIOS])
    first, other = await directory.approvals_of(*both, Slice(2), now=NOW)
    after = first.cursor_of(first.items[-1])
    (second,) = await directory.approvals_of(*one, Slice(2, after), now=NOW)
    after = second.cursor_of(second.items[-1])
    (third,) = await directory.approvals_of(*one, Slice(2, after), now=NOW)

    pages = [[one.id[-2:] for one in page.items] for page in (first, second, third)]
    assert pages == [["n4", "n3"], ["n2", "n1"], ["n0"]]
    assert [page.has_next_page for page in (first, second, third)] == [True, True, False]
    assert [one.id for one in other.items] == ["inv_lumen_other"]
    with pytest.raises(InvalidCursor):
        await directory.approvals_of(INVITATIONS, "organization_id", [HELIOS], Slice(2, "x"), now=NOW)


@pytest.mark.parametrize(
    ("now", "status", "found"),
    [
        (NOW, InvitationStatus.PENDING, ["open"]),
        (NOW, InvitationStatus.EXPIRED, ["lapsed", "stored"]),
        (LATER - timedelta(microseconds=1), InvitationStatus.PENDING, ["open"]),
        (LATER, InvitationStatus.PENDING, []),
        (LATER, InvitationStatus.EXPIRED, ["lapsed", "open", "stored"]),
        (LATER, InvitationStatus.REVOKED, ["taken"]),
    ],
)
async def test_what_is_past_its_time_is_expired_stored_so_or_not(
    directory: Directory, now: datetime, status: InvitationStatus, found: list[str]
) -> None:
    await store(
        directory,
        invitation("open"),
        invitation("lapsed", expires_at=NOW),
        invitation("stored", status=InvitationStatus.EXPIRED),
        invitation("taken", status=InvitationStatus.REVOKED),
    )

    owner = INVITATIONS, "organization_id", [HELIOS]
    (page,) = await directory.approvals_of(*owner, Slice(10), status=[status], now=now)

    assert sorted(one.email.partition("@")[0] for one in page.items) == found
    assert await directory.count_approvals_of(*owner, [status], now) == [len(found)]


async def test_somebody_finds_the_open_invitations_to_their_address_into_active_organizations(
    directory: Directory,
) -> None:
    await store(
        directory,
        invitation("zoe"),
        invitation("zoe", LUMEN),
        invitation("zoe", CLOSED),
        invitation("yan", expires_at=NOW),
    )

    zoe, yan, nobody = (
        replace(ANNA, id=UserId(f"usr_{email}"), email=email)
        for email in ("ZOE@new.example", "yan@new.example", "nobody@x.example")
    )
    unconfirmed = replace(zoe, email_verified=False)

    found = await directory.open_invitations_to([zoe, yan, nobody, unconfirmed], NOW)

    (oldest,) = await directory.open_invitations_to([zoe], NOW, limit=1)

    assert [[one.organization_id for one in own] for own in found] == [[HELIOS, LUMEN], [], [], []]
    assert oldest == found[0][:1]


async def test_the_open_invitations_that_somebody_sent_are_found_newest_first(directory: Directory) -> None:
    await store(
        directory,
        invitation("a"),
        invitation("b"),
        invitation("c"),
        invitation("d", LUMEN),
        invitation("e", inviter_id=FRIEDA.id),
        invitation("f", expires_at=NOW),
        invitation("g", status=InvitationStatus.REVOKED),
        invitation("h", inviter_id=None),
    )

    wanted = [(LUMEN, ANNA.id), (HELIOS, ANNA.id), (LUMEN, FRIEDA.id), (HELIOS, FRIEDA.id)]
    found = await directory.open_invitations_by(wanted, NOW, limit=2)

    assert [[one.email[0] for one in sent] for sent in found] == [["d"], ["c", "b"], [], ["e"]]
    assert await directory.open_invitations_by([], NOW, limit=2) == []


async def test_members_are_found_by_their_confirmed_address_only(directory: Directory) -> None:
    asked = [(HELIOS, "ANNA@helios.example"), (LUMEN, FRIEDA.email), (HELIOS, "emil@helios.example"), (HELIOS, "x@y.z")]

    found = await directory.members_with_email([*asked, (CLOSED, "bernd@helios.example")])

    assert [one.id if one is not None else None for one in found] == [
        ANNA_AT_HELIOS.id, "mem_frieda_lumen", None, None, None,
    ]  # fmt: skip


async def test_who_renews_an_invitation_has_sent_it_and_the_old_token_is_dead(directory: Directory) -> None:
    stored = invitation("zoe", status=InvitationStatus.EXPIRED, ended_at=NOW)
    await store(directory, stored)
    async with directory.change() as change:
        renewed = await change.renew_invitation(stored.id, b"new", expires_at=LATER, by=FRIEDA.id, now=LATER)

    assert renewed == replace(
        stored,
        status=InvitationStatus.PENDING,
        send_count=2,
        last_sent_at=LATER,
        expires_at=LATER,
        ended_at=None,
        inviter_id=FRIEDA.id,
    )
    assert await directory.invitation_with_token(b"new") == renewed
    assert await directory.invitation_with_token(stored.id.encode()) is None


async def test_an_invitation_ends_once(directory: Directory) -> None:
    stored = invitation("zoe")
    await store(directory, stored)

    async def ends(status: InvitationStatus) -> None:
        async with directory.change() as change:
            await change.close_approval(INVITATIONS, stored.id, status, ended_at=LATER)

    outcomes = await asyncio.gather(*(ends(InvitationStatus.REVOKED) for _ in range(5)), return_exceptions=True)

    assert [type(one) for one in outcomes if one is not None] == [ChangeConflict] * 4
    ended = replace(stored, status=InvitationStatus.REVOKED, ended_at=LATER)
    assert await directory.approvals(INVITATIONS, [stored.id]) == [ended]


async def test_whatever_expired_is_found_oldest_first(directory: Directory) -> None:
    await store(
        directory,
        invitation("a", expires_at=NOW),
        invitation("b", expires_at=NOW - timedelta(days=1)),
        invitation("c"),
        invitation("d", expires_at=NOW, status=InvitationStatus.DECLINED),
    )

    assert [one.id[-1] for one in await directory.expired_approvals(INVITATIONS, NOW, limit=10)] == ["b", "a"]
    assert [one.id[-1] for one in await directory.expired_approvals(INVITATIONS, NOW, limit=1)] == ["b"]


async def test_the_person_takes_over_from_the_row_that_stood_for_them(directory: Directory) -> None:
    stored = invitation("paul")
    await store(directory, stored)
    async with directory.change() as change:
        target = await change.hand_over(stored, PAUL.id)

    (membership,) = await directory.memberships([target])
    assert membership is not None
    assert (membership.id, membership.user_id) == (stored.membership_id, PAUL.id)
    assert await directory.users([UserId(f"usr_for_{stored.id}")]) == [None]
    assert len((await directory.grants_of([target]))[0]) == 3


async def test_a_former_member_gets_their_own_membership_back(directory: Directory) -> None:
    stored = invitation("frieda")
    await store(directory, stored)
    async with directory.change() as change:
        for grant in (await change.ask.grants_of([FRIEDA_AT_HELIOS.id]))[0]:
            await change.revoke(grant.id)
        target = await change.hand_over(stored, FRIEDA.id)

    assert target == FRIEDA_AT_HELIOS.id
    assert await directory.memberships([stored.membership_id]) == [None]
    assert len((await directory.grants_of([target]))[0]) == 3
    (moved,) = await directory.approvals(INVITATIONS, [stored.id])
    assert moved is not None
    assert moved.membership_id == target


async def test_the_membership_of_somebody_else_is_never_handed_over(directory: Directory) -> None:
    """An invitation that used an earlier membership again; meanwhile the address is another person's."""
    stored = replace(invitation("x"), membership_id=FRIEDA_AT_HELIOS.id)
    await store(directory, NewInvitation(stored, b"x", None))
    async with directory.change() as change:
        target = await change.hand_over(stored, PAUL.id)

    kept, given = await directory.memberships([FRIEDA_AT_HELIOS.id, target])
    assert kept is not None
    assert given is not None
    assert (kept.user_id, given.user_id) == (FRIEDA.id, PAUL.id)
    assert (await directory.grants_of([FRIEDA_AT_HELIOS.id])) == [[]]


async def test_what_the_invitation_says_is_what_the_row_of_the_invited_says(directory: Directory) -> None:
    stored = invitation("zoe")
    await store(directory, stored)
    (before,) = await directory.users([UserId(f"usr_for_{stored.id}")])
    assert before is not None
    async with directory.change() as change:
        await change.update_invited(replace(before, first_name="Zoë", last_name="Ü"))
        await change.update_invited(replace(ANNA, first_name="Not"))

    after, anna = await directory.users([before.id, ANNA.id])
    assert after == replace(before, first_name="Zoë", last_name="Ü")
    assert anna == ANNA
