"""``forecourt staff``: a portal in production gets its first staff, who sign in, and lose what is taken from them."""

import os
import threading
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from connectors.directory.records.audit import Author
from gateway.cli.main import cli
from gateway.cli.staff import nobody_is_staff
from resolvers.audit import recorded
from tests.portal import Person, Portal, open_portal

DORA, REVIEW, PURCHASE = "dora.vogt@vendor.example", "review@vendor.example", "purchase@helios.example"
PASSWORD = "vier blaue Wolken am Abend"
RESET = """
mutation Reset($input: ResetPasswordInput!) { resetPassword(input: $input) { accessToken errors { code } } }
"""


@pytest.fixture
async def portal() -> Any:
    """A gateway on SQLite, whose file the command line opens as well."""
    async with open_portal() as opened:
        yield opened


def runs(portal: Portal, *arguments: str) -> Result:
    """Run the command on the portal's database, in a thread of its own, for it begins an event loop."""
    answer: list[Result] = []
    without = {name: None for name in os.environ if name.startswith("FORECOURT_")}
    environment = {
        **without,
        "FORECOURT_DATABASE_URL": portal.settings.database,
        "FORECOURT_DATA_FOLDER": str(portal.settings.data_folder),
    }

    def run() -> None:
        answer.append(CliRunner().invoke(cli, ["staff", *arguments], env=environment))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return answer[0]


async def held_by(portal: Portal, login_name: str) -> tuple[str, ...]:
    """The permissions of the vendor's that somebody holds."""
    directory = portal.wiring.backends.directory
    user_id = await directory.user_id_of_login_name(login_name)
    assert user_id is not None
    caller = await directory.caller(user_id, None, portal.clock())
    assert caller is not None
    return caller.vendor_permissions


async def test_everything_wrong_with_an_invitation_is_said_at_once(portal: Portal) -> None:
    result = runs(
        portal, "invite", "nobody", "REGISTRATION_REVIEW", "--first-name", "x" * 101, "--last-name", "a\u202eb",
        "--language", "german" * 10_000,
    )  # fmt: skip

    said = result.stderr.removeprefix("forecourt: ").splitlines()
    assert result.exit_code == 2
    assert [line.partition(":")[0] for line in said] == ["ADDRESS", "--first-name", "--last-name", "--language"]
    assert len(result.stderr) < 1_000
    assert await portal.queued_mails() == []


async def test_somebody_is_invited_chooses_a_password_and_is_staff(portal: Portal) -> None:
    result = runs(
        portal, "invite", DORA, "REGISTRATION_REVIEW", "--first-name", "Dora", "--last-name", "Vogt", "--language", "de"
    )

    assert result.exit_code == 0, result.output
    assert f"{DORA} is staff now, and may: REGISTRATION_REVIEW." in result.stdout
    (mail,) = await portal.queued_mails(DORA)
    assert (mail.template, mail.locale, mail.values["name"]) == ("staff_invitation", "de", "Dora Vogt")
    portal.clock.now = (await portal.audit("account.create"))[-1].occurred_at
    answer = await portal.anybody().asks(RESET, input={"token": mail.token, "newPassword": PASSWORD})
    assert answer.at("resetPassword.errors") == []
    dora = Person(portal.client, answer.at("resetPassword.accessToken"))
    asked = (
        "{ viewer { can(permissions: [REGISTRATION_REVIEW, CHANGE_REQUEST_REVIEW]) { allowed } user { displayName } } }"
    )
    seen = await dora.asks(asked)
    assert seen.at("viewer") == {"can": [{"allowed": True}, {"allowed": False}], "user": {"displayName": "Dora Vogt"}}
    (set_,) = await portal.audit("vendor_permissions.set")
    assert (set_.actor_id, set_.request_id, set_.after) == (
        None, "forecourt staff", '{"permissions":"REGISTRATION_REVIEW"}',
    )  # fmt: skip


async def test_where_no_mail_leaves_the_link_is_printed_and_nothing_is_mailed(portal: Portal) -> None:
    result = runs(portal, "invite", DORA, "--all", "--link")

    assert result.exit_code == 0, result.output
    assert await portal.queued_mails(DORA) == []
    token = result.stdout.split("token=")[1].split()[0]
    portal.clock.now = (await portal.audit("account.create"))[-1].occurred_at
    answer = await portal.anybody().asks(RESET, input={"token": token, "newPassword": PASSWORD})
    assert answer.at("resetPassword.errors") == []
    assert set(await held_by(portal, DORA)) == {one.value for one in portal.wiring.policy.vendor_permissions}


async def test_what_is_granted_and_revoked_counts_on_the_next_request(portal: Portal) -> None:
    buyer = await portal.person(PURCHASE)
    asked = "{ viewer { can(permissions: [REGISTRATION_REVIEW]) { allowed } } }"

    before = await buyer.asks(asked)
    granted = runs(portal, "grant", PURCHASE.upper(), "REGISTRATION_REVIEW")
    between = await buyer.asks(asked)
    listed = runs(portal, "list")
    revoked = runs(portal, "revoke", PURCHASE, "--all")
    after = await buyer.asks(asked)

    assert [one.at("viewer.can.0.allowed") for one in (before, between, after)] == [False, True, False]
    assert granted.stdout == f"{PURCHASE} holds REGISTRATION_REVIEW.\n"
    assert f"{PURCHASE}  Jörg Weiß  REGISTRATION_REVIEW" in listed.stdout.splitlines()
    assert revoked.stdout == f"{PURCHASE} holds nothing of the vendor any more.\n"


async def test_a_permission_that_this_policy_no_longer_has_is_listed_as_such_and_can_be_revoked(portal: Portal) -> None:
    directory = portal.wiring.backends.directory
    user_id = await directory.user_id_of_login_name(REVIEW)
    assert user_id is not None

    async with directory.change() as change:
        await recorded.set_vendor_permissions(
            change, user_id, ["OLD_RIGHT"], by=Author(None, "test"), now=portal.clock()
        )

    listed, revoked = runs(portal, "list"), runs(portal, "revoke", REVIEW, "OLD_RIGHT", "ROLE_ASSIGN")

    assert "OLD_RIGHT  (not in this policy, so without effect: OLD_RIGHT)" in listed.stdout
    assert revoked.stderr == f"{REVIEW} did not hold ROLE_ASSIGN.\n"
    assert await held_by(portal, REVIEW) == ()
    assert (
        runs(portal, "list").stdout
        == "Nobody yet. Let somebody be vendor staff by `forecourt staff invite ADDRESS --all`.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["invite", PURCHASE, "--all"], f"{PURCHASE} already has an account. Grant it permissions instead."),
        (["invite", "nobody", "--all"], "Enter an e-mail address such as name@company.example."),
        (["invite", DORA, "--all", "--language", "xx-"], "“xx-” is not a language; use a tag such as de, en or fr-CH."),
        (["invite", DORA], "Name permissions, or give --all. They are "),
        (["invite", DORA, "REGISTRATION_REVIEW", "--all"], "Name permissions, or give --all. They are "),
        (["grant", PURCHASE, "REGISTRATION_REVEIW"], 'did you mean "REGISTRATION_REVIEW"?'),
        (["grant", PURCHASE, "ROLE_ASSIGN"], '"ROLE_ASSIGN" is no permission of the vendor\'s here'),
        (["grant", "nobody@x.example", "--all"], "Nobody has this login name or address."),
        (["revoke", PURCHASE], "Name the permissions to revoke, or give --all."),
    ],
    ids=" ".join,
)
async def test_what_cannot_be_done_is_reported_in_one_line_and_changes_nothing(
    portal: Portal, arguments: list[str], message: str
) -> None:
    result = runs(portal, *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert await portal.audit("vendor_permissions.set", "account.create") == []


def test_an_operator_learns_how_to_add_the_first_staff() -> None:
    assert nobody_is_staff() == (
        "Nobody is vendor staff, so registrations wait for ever. Let somebody be vendor staff by "
        "`forecourt staff invite ADDRESS --all`."
    )
