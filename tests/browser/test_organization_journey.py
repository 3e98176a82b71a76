"""An organization from its registration to its people's rights, in one browser: GraphiQL, the mailbox, its links."""

import json
from typing import Any

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.graphiql import Graphiql, photograph, shown
from tests.portal import NOW, Portal

pytestmark = pytest.mark.slow

BEN, NINA, MAX = "ben@solarhof.example", "nina@solarhof.example", "max@solarhof.example"
PASSWORDS = {BEN: "three tiles in the rain", NINA: "five clouds over Basel", MAX: "one ladder too short"}

REGISTER = """mutation Register($input: RegisterOrganizationInput!) {
  registerOrganization(input: $input) { state { status } errors { code message path } }
}"""
REGISTRATION = {
    "confirmFirstRegistration": True,
    "kind": "INSTALLER",
    "name": "Solarhof GmbH",
    "vatId": "DE811223344",
    "seat": {"street": ["Am Hang 2"], "postalCode": "79098", "city": "Freiburg", "countryCode": "DE"},
    "applicantFirstName": "Ben",
    "applicantLastName": "Hofer",
    "applicantEmail": BEN,
    "locale": "en",
    "acceptTerms": True,
    "idempotencyKey": "solarhof-1",
}
TO_REVIEW = "query ToReview { registrations(first: 5) { nodes { id organizationName applicantName } } }"
APPROVE = """mutation Approve($input: ApproveRegistrationInput!) {
  approveRegistration(input: $input) {
    registration { status organization { name status customerNumber } } errors { code message path }
  }
}"""
MY_ORGANIZATION = """query MyOrganization {
  viewer {
    defaultOrganization {
      id status
      members { nodes { id version user { displayName } roleGrants { role { key } } } }
    }
  }
}"""
INVITE = """mutation Invite($input: InviteMembersInput!) {
  inviteMembers(input: $input) {
    results { email invitation { status roles { key } } errors { code path } } errors { code message path }
  }
}"""
UPDATE = """mutation Update($input: UpdateMemberAccessInput!) {
  updateMemberAccess(input: $input) {
    membership { roleGrants { role { key } } }
    preview {
      permissionsAdded { code } permissionsRemoved { code } applicationsAdded { key } applicationsRemoved { key }
    }
    errors { code message path }
  }
}"""
MY_PAGE = """query MyPage {
  viewer {
    user { email }
    memberships { nodes { organization { name } effectivePermissions { permission { code } } } }
    applications { application { key } }
  }
}"""

ANY_VOUCHER = {"VOUCHER_REGISTER", "VOUCHER_EXCHANGE", "WARRANTY_ACTIVATE"}
BUYING = {"ORDER_PLACE", "EVENT_BOOK", "VOUCHER_PURCHASE"} | ANY_VOUCHER
INSTALLING = {"SERVICE_CODE_VIEW", "INSTALLATION_REGISTER", "ACTIVATION_CODE_VIEW"} | ANY_VOUCHER
FOR_ALL = {"installer_portal", "installer_search", "repower_check", "service_support"}
FOR_BUYING = FOR_ALL | {"webshop", "smart_warranty"}
FOR_INSTALLING = FOR_BUYING | {"solar_portal", "solar_portal_app_pro"}


@pytest.mark.usefixtures("built_graphiql")
async def test_an_organization_registers_is_approved_and_invites_people_whose_new_roles_count_at_once(
    visitor: BrowserContext, open_to_browsers: tuple[Portal, str]
) -> None:
    """As the person before the screen sees it."""
    portal, url = open_to_browsers
    await visitor.clock.set_fixed_time(NOW)  # else each token has expired long ago, or lasts for years
    desk = Graphiql(await visitor.new_page(), url)

    # A stranger registers the organization.
    await desk.open()
    answer = await desk.asks(REGISTER, input=REGISTRATION)
    await photograph(desk.page, "01-registered")
    assert answer == {"data": {"registerOrganization": {"state": {"status": "EMAIL_UNVERIFIED"}, "errors": []}}}

    # The link of the mail signs them in with the password of their choice.
    await portal.deliver()
    ben = await follow(desk, BEN, "Confirm your registration", "Confirm the registration", "02-confirm")
    answer = await choose_password_and_run(ben, BEN, "02-confirm")
    begun(answer["data"]["confirmRegistration"])
    assert answer == {
        "data": {
            "confirmRegistration": {
                "viewer": {
                    "loginNames": [BEN],
                    "user": {"displayName": "Ben Hofer"},
                    "accountKind": "BUSINESS_CUSTOMER",
                    "registration": {
                        "organizationName": "Solarhof GmbH",
                        "status": "PENDING_REVIEW",
                        "reviewDueAt": "2026-11-22T09:00:00Z",
                    },
                },
                "errors": [],
            }
        }
    }
    assert page_of(await ben.asks(MY_PAGE)) == (BEN, {"Solarhof GmbH": set()}, set())
    await ben.page.close()

    # The vendor's staff approve it.
    await portal.deliver()
    await to_graphiql(desk)
    await desk.sign_in_as("review@vendor.example")
    answer = await desk.asks(TO_REVIEW)
    _of_the_demo, waiting = answer["data"]["registrations"]["nodes"]
    registration = waiting.pop("id")
    assert waiting == {"organizationName": "Solarhof GmbH", "applicantName": "Ben Hofer"}
    answer = await desk.asks(APPROVE, input={"id": registration, "customerNumber": "500100"})
    await photograph(desk.page, "03-approved")
    assert answer == {
        "data": {
            "approveRegistration": {
                "registration": {
                    "status": "APPROVED",
                    "organization": {"name": "Solarhof GmbH", "status": "ACTIVE", "customerNumber": "500100"},
                },
                "errors": [],
            }
        }
    }

    # Its administrator signs in with their own password, and invites two people.
    await desk.sign_in_as_another(BEN, PASSWORDS[BEN])
    organization = (await desk.asks(MY_ORGANIZATION))["data"]["viewer"]["defaultOrganization"]
    await photograph(desk.page, "04-administrator")
    assert roles_of(organization) == {"Ben Hofer": ["administration"]}
    invitees = [
        {"email": NINA, "firstName": "Nina", "lastName": "Neu", "roleKeys": ["purchase"], "locale": "en"},
        {"email": MAX, "firstName": "Max", "lastName": "Moser", "roleKeys": ["installation"], "locale": "en"},
    ]
    answer = await desk.asks(
        INVITE, input={"organizationId": organization["id"], "idempotencyKey": "team-1", "invitees": invitees}
    )
    await photograph(desk.page, "05-invited")
    assert answer == {
        "data": {
            "inviteMembers": {
                "results": [
                    {"email": email, "invitation": {"status": "PENDING", "roles": [{"key": role}]}, "errors": []}
                    for email, role in ((NINA, "purchase"), (MAX, "installation"))
                ],
                "errors": [],
            }
        }
    }

    # Each accepts from their own mail.
    await portal.deliver()
    subject = "Ben Hofer invites you to Solarhof GmbH"
    nina = await accept(desk, NINA, "Nina Neu", "Purchase", subject)
    await to_graphiql(desk)
    max_ = await accept(desk, MAX, "Max Moser", "Installation", subject)
    of_nina, of_max = page_of(await nina.asks(MY_PAGE)), page_of(await max_.asks(MY_PAGE))
    await photograph(max_.page, "08-before-the-change")
    assert of_nina == (NINA, {"Solarhof GmbH": BUYING}, FOR_BUYING)
    assert of_max == (MAX, {"Solarhof GmbH": INSTALLING}, FOR_INSTALLING)

    # The administrator gives one of them other roles: they count on the next query, in the session that is there.
    await to_graphiql(desk)
    organization = (await desk.asks(MY_ORGANIZATION))["data"]["viewer"]["defaultOrganization"]
    assert roles_of(organization) == {
        "Ben Hofer": ["administration"],
        "Max Moser": ["installation"],
        "Nina Neu": ["purchase"],
    }
    (member,) = [node for node in organization["members"]["nodes"] if node["user"]["displayName"] == "Max Moser"]
    change = {"membershipId": member["id"], "expectedVersion": member["version"], "roleKeys": ["purchase", "planning"]}
    answer = await desk.asks(UPDATE, input=change)
    await photograph(desk.page, "09-changed")
    assert answer == {
        "data": {
            "updateMemberAccess": {
                "membership": {"roleGrants": [{"role": {"key": "planning"}}, {"role": {"key": "purchase"}}]},
                "preview": {
                    "permissionsAdded": codes("ORDER_PLACE", "EVENT_BOOK", "VOUCHER_PURCHASE", "PLANNING_TOOL_USE"),
                    "permissionsRemoved": codes("ACTIVATION_CODE_VIEW", "SERVICE_CODE_VIEW", "INSTALLATION_REGISTER"),
                    "applicationsAdded": [{"key": "solar_plan"}, {"key": "solar_config_tool"}],
                    "applicationsRemoved": [{"key": "solar_portal"}, {"key": "solar_portal_app_pro"}],
                },
                "errors": [],
            }
        }
    }
    answer = await max_.asks(MY_PAGE)
    await photograph(max_.page, "10-after-the-change")
    assert page_of(answer) == (
        MAX,
        {"Solarhof GmbH": BUYING | {"PLANNING_TOOL_USE"}},
        FOR_BUYING | {"solar_plan", "solar_config_tool"},
    )
    assert page_of(await nina.asks(MY_PAGE)) == of_nina
    for page in (desk, ben, nina, max_):
        # The browser keeps playwright's clock, a script, out of the mail's frame, and says so.
        assert [complaint for complaint in page.complaints if "/letter' because" not in complaint] == []
        assert page.foreign_requests == []


async def follow(desk: Graphiql, to: str, subject: str, button: str, picture: str) -> Graphiql:
    """Open the mailbox at the desk, read a mail with this subject, and follow its button, by its page, to GraphiQL."""
    page = desk.page
    await page.get_by_role("link", name="Mailbox").click()
    await photograph(page, f"{picture}-mailbox")
    await page.get_by_role("link", name=to).filter(has_text=subject).click()
    await expect(page.get_by_role("heading", name=subject)).to_be_visible()
    link = page.frame_locator("iframe").get_by_role("link", name=button)
    await expect(link).to_be_visible()
    await photograph(page, f"{picture}-mail")
    async with page.context.expect_page() as opened:
        await link.click()
    on_the_way = await opened.value
    async with page.context.expect_page() as opened:
        await on_the_way.get_by_role("link", name="Open in GraphiQL").click()
    await on_the_way.close()
    linked = await shown(await opened.value, desk.portal_url)
    await expect(linked.page.locator(".graphiql-tab-active")).to_be_in_viewport(ratio=0.99)
    return linked


async def choose_password_and_run(linked: Graphiql, login_name: str, picture: str) -> Any:
    """Write a password of one's own over the one that is filled in, run the mutation, and be signed in."""
    await photograph(linked.page, f"{picture}-link")
    variables = json.loads(await linked.variables())
    assert len(variables["input"]["password"]) == 20
    variables["input"]["password"] = PASSWORDS[login_name]
    await linked.write_variables(variables)
    answer = await linked.run()
    await expect(linked.account.get_by_text(login_name, exact=True)).to_be_visible()
    await expect(linked.notice).to_contain_text(f"({login_name})")
    await photograph(linked.page, f"{picture}-signed-in")
    return answer


async def accept(desk: Graphiql, email: str, name: str, role: str, subject: str) -> Graphiql:
    """Accept the invitation from the mail, and return the tab in which the invited person is signed in now."""
    picture = f"06-accept-{role.lower()}"
    linked = await follow(desk, email, subject, "Accept the invitation", picture)
    assert "acceptInvitation(input: $input)" in await linked.query()
    answer = await choose_password_and_run(linked, email, picture)
    begun(answer["data"]["acceptInvitation"])
    membership = {"organization": {"name": "Solarhof GmbH"}, "roleGrants": [{"role": {"label": role}}]}
    assert answer == {
        "data": {
            "acceptInvitation": {
                "membership": {"status": "ACTIVE", "organization": {"name": "Solarhof GmbH"}},
                "viewer": {
                    "loginNames": [email],
                    "user": {"displayName": name},
                    "memberships": {"nodes": [membership]},
                },
                "errors": [],
            }
        }
    }
    return linked


def begun(payload: dict[str, Any]) -> None:
    """Take the session out of a payload, which is another one each time."""
    session = [payload.pop(name) for name in ("accessToken", "refreshToken", "expiresAt")]
    assert [type(value) for value in session] == [str, str, str]


async def to_graphiql(desk: Graphiql) -> None:
    """Go back from the mailbox to GraphiQL."""
    await desk.page.get_by_role("link", name="GraphiQL").click()
    await shown(desk.page, desk.portal_url)


def codes(*permissions: str) -> list[dict[str, str]]:
    """Permissions as the portal writes them."""
    return [{"code": permission} for permission in permissions]


def roles_of(organization: Any) -> dict[str, list[str]]:
    """The roles of each member by name."""
    return {
        node["user"]["displayName"]: [grant["role"]["key"] for grant in node["roleGrants"]]
        for node in organization["members"]["nodes"]
    }


def page_of(answer: Any) -> tuple[str, dict[str, set[str]], set[str]]:
    """Who asks, what they may do in each organization, and which applications open for them."""
    viewer = answer["data"]["viewer"]
    permissions = {
        node["organization"]["name"]: {held["permission"]["code"] for held in node["effectivePermissions"]}
        for node in viewer["memberships"]["nodes"]
    }
    return viewer["user"]["email"], permissions, {tile["application"]["key"] for tile in viewer["applications"]}
