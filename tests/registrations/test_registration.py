"""An organization registers, the vendor approves it, and its first user administers it (K9, K10, K16-K25)."""

from datetime import timedelta

import pytest

from tests.invitations.inviting import accepts, account, invites
from tests.invitations.inviting import token_of as invited_with
from tests.portal import Person, Portal
from tests.registrations.registering import (
    ACCESS,
    ADDRESS,
    PASSWORD,
    SIGN_IN,
    STATUS,
    applicant_of,
    confirms,
    decides,
    listed,
    registers,
    registers_privately,
    registration_of,
    reviewer,
    templates,
    token_of,
)


async def test_an_organization_is_registered_confirmed_approved_and_administered(each_portal: Portal) -> None:
    """K20-K24."""
    portal = each_portal
    payload = await registers(portal.anybody(), additionalRoleKeys=["purchase"])

    assert payload["errors"] == []
    assert (payload["registration"], payload["guidance"]) == (None, None)
    assert payload["state"] == {
        "reference": payload["reference"],
        "status": "EMAIL_UNVERIFIED",
        "submittedAt": None,
        "reviewDueAt": None,
        "guidance": payload["state"]["guidance"],
    }
    assert (await listed(await reviewer(portal)))["totalCount"] == 0
    (mail,) = await portal.queued_mails(ADDRESS)
    assert (mail.template, mail.locale) == ("registration_confirmation", "fr")
    assert mail.values == {"name": "Zoë Žižek", "organization": "Firstblick GmbH"}

    portal.clock.move(timedelta(hours=3))
    confirmed = await confirms(portal, await token_of(portal, ADDRESS))
    assert confirmed["errors"] == []
    assert confirmed["viewer"] == {
        "accountKind": "BUSINESS_CUSTOMER",
        "emailVerified": True,
        "user": {"displayName": "Zoë Žižek", "email": ADDRESS, "phone": "+4976112345", "locale": "fr"},
    }
    applicant = Person(portal.client, confirmed["accessToken"])
    pending = await registration_of(applicant)
    assert (pending["status"], pending["organization"]["status"]) == ("PENDING_REVIEW", "PENDING_REVIEW")
    assert pending["submittedAt"] == "2026-11-21T12:00:00Z"
    assert pending["reviewDueAt"] == "2026-11-22T12:00:00Z"
    received = (await portal.queued_mails(ADDRESS))[-1]
    assert received.template == "registration_received"
    assert received.values == {
        "name": "Zoë Žižek", "reference": payload["reference"], "organization": "Firstblick GmbH",
        "review_due_at": "2026-11-22T12:00:00+00:00",
    }  # fmt: skip
    (to_review,) = await portal.queued_mails("review@vendor.example")
    assert to_review.template == "registration_to_review"
    assert to_review.values == {
        "reference": payload["reference"], "organization": "Firstblick GmbH", "overdue": None
    }  # fmt: skip

    review = await reviewer(portal)
    (seen,) = (await listed(review))["nodes"]
    assert (seen["id"], seen["wantedRoles"], seen["duplicates"]) == (pending["id"], [{"key": "purchase"}], [])
    approved = await decides(review, "approveRegistration", seen["id"], customerNumber="77001")
    assert approved["errors"] == []
    assert approved["registration"]["organization"] == {
        "id": pending["organization"]["id"], "name": "Firstblick GmbH", "status": "ACTIVE", "customerNumber": "77001",
    }  # fmt: skip
    access = (await applicant.asks(ACCESS)).at("viewer")
    assert access["memberships"]["nodes"] == [
        {
            "status": "ACTIVE",
            "organization": {
                "id": pending["organization"]["id"], "status": "ACTIVE", "customerNumber": "77001", "kind": "INSTALLER"
            },
            "roleGrants": [{"role": {"key": "administration"}}],
            "directGrants": [],
        }
    ]  # fmt: skip
    assert [one["allowed"] for one in access["can"]] == [True, True, False]
    notice = (await portal.queued_mails(ADDRESS))[-1]
    assert notice.template == "registration_approved"
    assert notice.values == {"name": "Zoë Žižek", "organization": "Firstblick GmbH", "customer_number": "77001"}
    history = (await registration_of(applicant))["history"]
    assert [(event["status"], event["occurredAt"]) for event in history] == [
        ("EMAIL_UNVERIFIED", "2026-11-21T09:00:00Z"),
        ("PENDING_REVIEW", "2026-11-21T12:00:00Z"),
        ("APPROVED", "2026-11-21T12:00:00Z"),
    ]


async def test_while_an_organization_waits_nothing_may_be_done_in_it(each_portal: Portal) -> None:
    """K23."""
    applicant = await applicant_of(each_portal)
    organization = (await registration_of(applicant))["organization"]["id"]

    access = (await applicant.asks(ACCESS)).at("viewer")
    denied = await applicant.asks(
        "query ($id: ID!) { organization(id: $id)"
        " { members { totalCount } orders { totalCount } joinRequests { totalCount } } }",
        id=organization,
    )
    tiles = await applicant.asks(
        "query ($id: ID!) { viewer { applications(organizationId: $id, includeUnavailable: true)"
        " { state reason grantedBy { __typename } } } }",
        id=organization,
    )

    assert access["can"] == [{"allowed": False, "reason": "ORGANIZATION_NOT_ACTIVE"}] * 3
    assert denied.at("organization") == {"members": None, "orders": None, "joinRequests": None}
    assert {error["extensions"]["authorization"]["reason"] for error in denied.errors} == {"ORGANIZATION_NOT_ACTIVE"}
    refused = [tile["reason"] for tile in tiles.at("viewer.applications") if tile["state"] != "AVAILABLE"]
    assert set(refused) == {"ORGANIZATION_NOT_ACTIVE"}
    assert [tile["grantedBy"] for tile in tiles.at("viewer.applications") if tile["grantedBy"]] == []


async def test_a_second_registrant_of_the_same_organization_administers_nothing_and_is_flagged(
    each_portal: Portal,
) -> None:
    """K20, K24: the reviewer sees the VAT id, the name and the mail domain of the first."""
    portal = each_portal
    await applicant_of(portal)
    second = await applicant_of(
        portal,
        applicantEmail="adam@firstblick.example",
        name="FIRSTBLICK",
        vatId="de123456789",
        legalName="Firstblick GmbH",
    )

    nodes = (await listed(await reviewer(portal)))["nodes"]

    assert nodes[1]["duplicates"] == [
        {"organization": {"name": "Firstblick GmbH"}, "reasons": ["VAT_ID", "NAME", "MAIL_DOMAIN"]}
    ]
    access = (await second.asks(ACCESS)).at("viewer")
    assert [node["roleGrants"] for node in access["memberships"]["nodes"]] == [[]]
    assert [one["allowed"] for one in access["can"]] == [False] * 3


async def test_addresses_of_a_provider_for_everybody_make_nobody_look_alike(portal: Portal) -> None:
    await applicant_of(portal, applicantEmail="a@gmx.de")
    await applicant_of(portal, applicantEmail="b@gmx.de", name="Etwas anderes", vatId=None)

    nodes = (await listed(await reviewer(portal)))["nodes"]

    assert [node["duplicates"] for node in nodes] == [[], []]


async def test_an_organization_that_is_registered_already_is_not_registered_again(each_portal: Portal) -> None:
    """K18, K19: nothing is stored, and administrators are named by their initials to whoever knows the organization."""
    portal = each_portal
    known = await registers(
        portal.anybody(), confirmFirstRegistration=False, name="Helios Montage GmbH", vatId="DE000204718"
    )
    unknown = await registers(portal.anybody(), confirmFirstRegistration=False, name="Nirgends", vatId=None)

    for payload in (known, unknown):
        assert [(error["code"], error["path"]) for error in payload["errors"]] == [
            ("ORGANIZATION_ALREADY_REGISTERED", ["confirmFirstRegistration"])
        ]
        assert (payload["reference"], payload["state"], payload["registration"]) == (None, None, None)
        assert payload["guidance"] == {
            "outcome": "POSSIBLY_REGISTERED",
            "guidance": payload["guidance"]["guidance"],
            "maskedAdministrators": payload["guidance"]["maskedAdministrators"],
            "canRequestToJoin": True,
        }
        assert "service@vendor.example" in payload["guidance"]["guidance"]
    assert unknown["guidance"]["maskedAdministrators"] == []
    assert await portal.queued_mails() == []
    assert await portal.audit("registration.create") == []


async def test_a_repeated_registration_is_done_once_and_a_strangers_key_is_another(each_portal: Portal) -> None:
    """K20. Who is not signed in is known by nothing but what they send."""
    portal = each_portal
    first = await registers(portal.anybody(), idempotencyKey="mine")
    again = await registers(portal.anybody(), idempotencyKey="mine")
    strangers = [
        await registers(portal.anybody(), idempotencyKey="mine", name="Firstblick AG"),
        await registers(portal.anybody(), idempotencyKey="mine", applicantEmail="adam@firstblick.example"),
    ]

    assert first == again
    assert [payload["errors"] for payload in strangers] == [[], []]
    assert len({payload["reference"] for payload in (first, *strangers)}) == 3
    assert len(await portal.audit("registration.create")) == 3
    assert templates(await portal.queued_mails(ADDRESS)) == ["registration_confirmation"] * 2


async def test_two_strangers_withdraw_their_registrations_with_the_same_key(each_portal: Portal) -> None:
    portal, addresses = each_portal, [ADDRESS, "adam@firstblick.example"]
    withdrawn = []
    for address in addresses:
        await registers(portal.anybody(), idempotencyKey=address, applicantEmail=address)
        (mail,) = await portal.queued_mails(address)
        answer = await portal.anybody().asks(
            'mutation ($token: String!) { withdrawRegistration(input: { token: $token, idempotencyKey: "1" }) '
            "{ errors { code } } }",
            token=mail.token,
        )
        withdrawn.append(answer.at("withdrawRegistration.errors"))

    assert withdrawn == [[], []]


async def test_an_address_with_an_account_is_answered_like_one_without(each_portal: Portal) -> None:
    """Nobody finds out by registering who has an account: not by the answer, and not by asking for the status."""
    portal = each_portal
    taken = "Administration@helios.example"
    known = await registers(portal.anybody(), applicantEmail=taken)
    unknown = await registers(portal.anybody(), applicantEmail="nobody@helios.example")

    for payload, email in ((known, taken), (unknown, "nobody@helios.example")):
        reference = payload["reference"]
        status = await portal.anybody().asks(STATUS, reference=reference, email=email)
        assert status.at("registrationStatus") == payload["state"]
        payload["reference"] = payload["state"]["reference"] = ""
    assert known == unknown
    (mail,) = await portal.queued_mails("administration@helios.example")
    assert (mail.template, mail.token) == ("registration_existing_account", None)
    assert set(mail.values) == {"name"}
    assert templates(await portal.queued_mails("nobody@helios.example")) == ["registration_confirmation"]


async def test_a_private_account_with_a_known_address_is_answered_alike(each_portal: Portal) -> None:
    known = await registers_privately(each_portal.anybody(), email="administration@helios.example")
    unknown = await registers_privately(each_portal.anybody(), email="nobody@helios.example")

    assert known == {"verificationSentTo": "administration@helios.example", "errors": []}
    assert unknown == {"verificationSentTo": "nobody@helios.example", "errors": []}
    assert templates(await each_portal.queued_mails("administration@helios.example")) == [
        "registration_existing_account"
    ]


@pytest.mark.parametrize("kind", ["PRIVATE_OPERATOR", "COMMERCIAL_OPERATOR"])
async def test_an_account_without_an_organization_needs_no_review_and_sees_its_tiles_only(
    each_portal: Portal, kind: str
) -> None:
    """K9, K10."""
    portal = each_portal
    await registers_privately(portal.anybody(), accountKind=kind, newsletter=True)
    confirmed = await confirms(portal, await token_of(portal, "zoe@privat.example"))
    person = Person(portal.client, confirmed["accessToken"])

    answer = await person.asks(
        "query ($helios: ID!) { viewer { accountKind registration { id } memberships { totalCount }"
        " applications { application { audience } } } organization(id: $helios) { name } }",
        helios=await portal.organization_of("administration@helios.example"),
    )

    viewer = answer.at("viewer")
    assert (viewer["accountKind"], viewer["registration"], viewer["memberships"]) == (kind, None, {"totalCount": 0})
    assert viewer["applications"] != []
    assert all(kind in tile["application"]["audience"] for tile in viewer["applications"])
    assert answer.at("organization") is None
    assert (await listed(await reviewer(portal)))["totalCount"] == 0
    assert await portal.queued_mails("review@vendor.example") == []
    (consent,) = await portal.audit("consent.set")
    assert (consent.subject_id[:4], consent.after) == ("cns_", '{"newsletter":"true"}')


async def test_the_newsletter_is_off_unless_somebody_wants_it(portal: Portal) -> None:
    await applicant_of(portal)

    assert await portal.audit("consent.set") == []


async def test_the_new_password_opens_the_account_and_no_other_does(portal: Portal) -> None:
    await applicant_of(portal)

    right = await portal.anybody().asks(SIGN_IN, name=ADDRESS, password=PASSWORD)
    wrong = await portal.anybody().asks(SIGN_IN, name=ADDRESS, password="another password")

    assert right.at("signIn") == {"viewer": {"loginNames": [ADDRESS]}, "errors": []}
    assert wrong.at("signIn.errors") == [{"code": "INVALID_CREDENTIALS"}]


async def test_a_link_counts_once_and_for_seven_days(each_portal: Portal) -> None:
    portal = each_portal
    await registers(portal.anybody())
    token = await token_of(portal, ADDRESS)
    await registers(portal.anybody(), applicantEmail="late@firstblick.example")
    late = await token_of(portal, "late@firstblick.example")

    assert (await confirms(portal, token))["errors"] == []
    portal.clock.move(timedelta(days=7))
    used, expired, unknown = [await confirms(portal, one) for one in (token, late, "x" * 43)]

    assert used == expired == unknown
    assert [error["code"] for error in used["errors"]] == ["TOKEN_INVALID"]
    assert used["accessToken"] is None


@pytest.mark.parametrize(
    ("password", "constraint"),
    [
        ("", "length 12..256"),
        ("short", "length 12..256"),
        ("x" * 257, "length 12..256"),
        ("x" * 10_000, "length 12..256"),
        ("zoe@firstblick.example", "not common"),
        ("Firstblick-Zoë-Žižek", "not common"),
        ("twelve\u0000 letters", "printable"),
    ],
)
async def test_a_password_that_may_not_be_chosen_leaves_the_link_as_it_is(
    portal: Portal, password: str, constraint: str
) -> None:
    await registers(portal.anybody())
    token = await token_of(portal, ADDRESS)

    refused = await confirms(portal, token, password)

    assert [(error["path"], error["constraint"]) for error in refused["errors"]] == [(["password"], constraint)]
    assert await portal.audit("registration.confirm", "account.create") == []
    assert (await confirms(portal, token))["errors"] == []


async def test_of_two_registrations_of_one_address_the_first_confirmed_counts(each_portal: Portal) -> None:
    portal = each_portal
    await registers(portal.anybody())
    first = await token_of(portal, ADDRESS)
    await registers(portal.anybody(), name="Another GmbH")
    second = await token_of(portal, ADDRESS)

    assert (await confirms(portal, second))["errors"] == []
    refused = await confirms(portal, first)

    assert [error["code"] for error in refused["errors"]] == ["CONFLICT"]
    assert (await listed(await reviewer(portal)))["totalCount"] == 1


async def test_somebody_with_an_account_founds_a_second_organization_which_goes_to_the_vendor_at_once(
    each_portal: Portal,
) -> None:
    portal = each_portal
    founder = await portal.person("administration@helios.example")
    names = {"applicantFirstName": None, "applicantLastName": None, "applicantEmail": None}

    payload = await registers(founder, **names, idempotencyKey="second")
    again = await registers(founder, **names, idempotencyKey="second")

    assert payload["errors"] == []
    assert payload == again
    assert payload["state"]["status"] == payload["registration"]["status"] == "PENDING_REVIEW"
    assert payload["registration"]["reviewDueAt"] == "2026-11-22T09:00:00Z"
    assert payload["registration"]["organization"]["status"] == "PENDING_REVIEW"
    assert templates(await portal.queued_mails("administration@helios.example")) == ["registration_received"]
    approved = await decides(await reviewer(portal), "approveRegistration", payload["registration"]["id"])
    assert approved["errors"] == []
    access = (await founder.asks(ACCESS)).at("viewer.memberships.nodes")
    assert [
        node["roleGrants"]
        for node in access
        if node["organization"]["id"] == approved["registration"]["organization"]["id"]
    ] == [[{"role": {"key": "administration"}}]]


async def test_what_happens_is_on_record_and_no_secret_is(each_portal: Portal) -> None:
    portal = each_portal
    await registers(portal.anybody())
    token = await token_of(portal, ADDRESS)
    confirmed = await confirms(portal, token)
    id = (await registration_of(Person(portal.client, confirmed["accessToken"])))["id"]
    await decides(await reviewer(portal), "approveRegistration", id, customerNumber="77001")

    rows = await portal.audit(
        "registration.create", "registration.confirm", "account.create", "organization.create", "membership.status",
        "registration.approve", "organization.status", "grant.give",
    )  # fmt: skip

    assert sorted(row.action for row in rows) == sorted(
        ("registration.create", "registration.confirm", "account.create", "organization.create", "membership.status",
         "registration.approve", "organization.status", "grant.give")
    )  # fmt: skip
    text = " ".join(f"{row.before} {row.after} {row.reason}" for row in rows)
    assert not any(secret in text for secret in (token, PASSWORD, confirmed["refreshToken"], ADDRESS))


async def test_who_has_left_the_organization_that_they_registered_sees_nothing_of_it(each_portal: Portal) -> None:
    portal = each_portal
    founder, review = await applicant_of(portal), await reviewer(portal)
    id = (await registration_of(founder))["id"]
    await decides(review, "approveRegistration", id)
    founder = await portal.person(ADDRESS)
    organization_id = (await registration_of(founder))["organization"]["id"]
    successor = {"email": "second@firstblick.example", "roleKeys": ["administration"]}
    await invites(founder, organization_id, successor)
    await accepts(portal.anybody(), await invited_with(portal, successor["email"]), **account())
    remove = """
      mutation R($id: ID!) { removeMember(input: {id: $id}) { membership { status } errors { code } } }
    """
    members = "query M($id: ID!) { organization(id: $id) { members { nodes { id user { email } } } } }"
    administrator = await portal.person(successor["email"])
    found = (await administrator.asks(members, id=organization_id)).at("organization.members.nodes")
    (own,) = [member["id"] for member in found if member["user"]["email"] == ADDRESS]

    removed = (await administrator.asks(remove, id=own)).at("removeMember")

    assert removed == {"membership": {"status": "REMOVED"}, "errors": []}
    node = "query N($id: ID!) { node(id: $id) { __typename } }"
    assert (await registration_of(founder))["organization"] is None
    assert (await founder.asks(node, id=organization_id)).at("node") is None
    assert (await listed(review, status=["APPROVED"]))["nodes"][0]["organization"]["id"] == organization_id
    assert (await review.asks(node, id=organization_id)).at("node") == {"__typename": "Organization"}
